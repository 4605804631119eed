/** What is drawn over the pixels of a stamp: compass, scale, hosts, an explanation. All in a square of SIDE by SIDE. */

export const SIDE = 252;

/** @param {CanvasRenderingContext2D} context @param {number[]} world @param {number} sx @param {number} sy */
export function compass(context, world, sx, sy) {
  const [, , , , a, b, c, d] = world;
  const area = a * d - b * c;
  const size = Math.sqrt(Math.abs(area)) || 1;
  context.strokeStyle = context.fillStyle = "#7cc4ff";
  context.lineWidth = 1.5;
  context.font = "bold 11px sans-serif";
  for (const [name, x, y] of /** @type {[string, number, number][]} */ ([["E", d, -c], ["N", -b, a]])) {
    const [u, v] = [((x * sx) / area) * size * 20, ((y * sy) / area) * size * 20];
    context.beginPath(); context.moveTo(SIDE - 30, SIDE - 30); context.lineTo(SIDE - 30 + u, SIDE - 30 + v); context.stroke();
    context.fillText(name, SIDE - 34 + 1.4 * u, SIDE - 26 + 1.4 * v);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} pixelScale @param {number} scale */
export function scaleBar(context, pixelScale, scale) {
  const arcsec = [1, 2, 5, 10, 20, 60].find((length) => (length / pixelScale) * scale > 30) || 60;
  context.fillStyle = "#7cc4ff";
  context.fillRect(8, SIDE - 10, (arcsec / pixelScale) * scale, 2);
  context.font = "bold 11px sans-serif";
  context.fillText(`${arcsec}″`, 8, SIDE - 14);
}

/** @param {CanvasRenderingContext2D} context @param {number} u @param {number} v */
export function crossHair(context, u, v) {
  context.strokeStyle = "#ffd166";
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(u, 0); context.lineTo(u, SIDE); context.moveTo(0, v); context.lineTo(SIDE, v);
  context.stroke();
}

/** How much each patch weighs, over an image whose middle is the origin. @param {CanvasRenderingContext2D} context @param {number[][]} map @param {number} width @param {number} height */
export function weights(context, map, width, height) {
  const most = Math.max(1e-9, ...map.flat().map(Math.abs));
  const [rows, columns] = [map.length, map[0].length];
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const weight = map[r][c] / most;
    if (Math.abs(weight) < 0.05) continue;
    context.fillStyle = weight > 0 ? `rgba(255, 140, 0, ${0.6 * weight})` : `rgba(60, 140, 255, ${-0.6 * weight})`;
    context.fillRect(-width / 2 + (c * width) / columns, -height / 2 + (r * height) / rows, width / columns, height / rows);
  }
}

/**
 * Cross at the host, a circle as wide as its answers scatter, a dot an answer.
 * @param {CanvasRenderingContext2D} context @param {import("./types.js").Host[]} hosts @param {(x: number, y: number) => number[]} to
 * @param {number} scale canvas pixels a stamp pixel @param {number} pixelScale arcsec
 */
export function hostMarks(context, hosts, to, scale, pixelScale) {
  context.lineWidth = 1.5;
  for (const host of hosts) {
    if (!host.answer) continue;
    const { x, y, variants, scatter } = host.answer;
    const [u, v] = to(x, y);
    context.strokeStyle = context.fillStyle = "#53d68a";
    for (const [a, b] of variants) { const [p, q] = to(a, b); context.fillRect(p - 1, q - 1, 2, 2); }
    context.beginPath();
    context.arc(u, v, Math.max(4, ((scatter || 0) / pixelScale) * scale), 0, 2 * Math.PI);
    context.moveTo(u - 6, v); context.lineTo(u + 6, v); context.moveTo(u, v - 6); context.lineTo(u, v + 6);
    context.stroke();
  }
}
