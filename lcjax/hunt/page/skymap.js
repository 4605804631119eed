/** The sky in equatorial Mollweide projection, with the plane of the Galaxy; a circle a candidate, larger for a higher score. */

import { make, svg } from "./dom.js";

const [W, H] = [720, 360];

/** @param {number} ra @param {number} dec degrees @returns {[number, number]} */
export function mollweide(ra, dec) {
  const lon = (((180 - ra + 540) % 360) - 180) * (Math.PI / 180);
  const lat = dec * (Math.PI / 180);
  let theta = lat;
  for (let i = 0; i < 12; i++) {
    const step = (2 * theta + Math.sin(2 * theta) - Math.PI * Math.sin(lat)) / (2 + 2 * Math.cos(2 * theta));
    if (!Number.isFinite(step)) break;
    theta -= step;
  }
  return [W / 2 + (lon / Math.PI) * (W / 2 - 8) * Math.cos(theta), H / 2 - Math.sin(theta) * (H / 2 - 8)];
}

/** @param {number} l degrees on the Galactic equator @returns {[number, number]} ra, dec */
function galacticPlane(l) {
  const [pole, node, rad] = [27.12825 * (Math.PI / 180), 32.93192 * (Math.PI / 180), Math.PI / 180];
  const angle = l * rad - node;
  const dec = Math.asin(Math.cos(pole) * Math.sin(angle));
  const ra = 192.85948 + Math.atan2(Math.cos(angle), -Math.sin(pole) * Math.sin(angle)) / rad;
  return [(ra + 360) % 360, dec / rad];
}

/**
 * @param {{rows: [number, number, number, number|null][], cut: boolean}} sky @param {number|null} here
 * @param {(id: number) => void} choose
 */
export function skyMap(sky, here, choose) {
  const root = svg("svg", { class: "plot", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Sky map of ${sky.rows.length} candidates` });
  root.append(svg("ellipse", { class: "axis", cx: W / 2, cy: H / 2, rx: W / 2 - 8, ry: H / 2 - 8 }));
  for (let dec = -60; dec <= 60; dec += 30) root.append(line(Array.from({ length: 73 }, (_, i) => [i * 4.999 + 0.01, dec]), "axis"), label(359.9, dec, `${dec}°`));
  for (let ra = 30; ra < 360; ra += 30) root.append(line(Array.from({ length: 37 }, (_, i) => [ra, i * 5 - 90]), "axis"), label(ra, 2, `${ra / 15}h`));
  root.append(line(Array.from({ length: 181 }, (_, i) => galacticPlane(i * 2)), "plane"));
  const ordered = [...sky.rows].sort((a, b) => Number(a[0] === here) - Number(b[0] === here));
  for (const [id, ra, dec, score] of ordered) {
    const [x, y] = mollweide(ra, dec);
    root.append(svg("circle", { class: "candidate", cx: x, cy: y, r: id === here ? 8 : 2 + 5 * (score || 0), "data-here": id === here, onclick: () => choose(id) },
      svg("title", {}, `RA ${ra} Dec ${dec}${score === null ? "" : `, score ${score.toFixed(3)}`}`)));
  }
  const chosen = sky.rows.find(([id]) => id === here);
  const nearer = looker(root, chosen ? mollweide(chosen[1], chosen[2]) : [W / 2, H / 2]);
  const buttons = make("div", { class: "tools" }, make("button", { type: "button", onclick: () => nearer(2) }, chosen ? "Nearer to the candidate" : "Nearer"),
    make("button", { type: "button", onclick: () => nearer(0.5) }, "Farther"), make("button", { type: "button", onclick: () => nearer(0) }, "Whole sky"));
  return make("div", {}, buttons, root, make("p", { class: "quiet" }, `${sky.rows.length} candidates of the list${sky.cut ? ", the first of it" : ""}; the line is the plane of the Galaxy. Right ascension grows to the left.`));
}

/**
 * Goes nearer to a place and back, in a quarter of a second, or at once for who wants no motion.
 * @param {SVGElement} root @param {[number, number]} place @returns {(factor: number) => void} 0: the whole sky
 */
function looker(root, place) {
  let zoom = 1;
  const show = (/** @type {number} */ at) => {
    const share = at === 1 ? 0 : Math.min(1, (at - 1) / 3);  // from the middle of the sky towards the place
    const [x, y] = [W / 2 + share * (place[0] - W / 2), H / 2 + share * (place[1] - H / 2)];
    root.setAttribute("viewBox", `${x - W / 2 / at} ${y - H / 2 / at} ${W / at} ${H / at}`);
    root.querySelectorAll("circle").forEach((circle) => circle.setAttribute("transform", `translate(${circle.getAttribute("cx")} ${circle.getAttribute("cy")}) scale(${1 / Math.sqrt(at)}) translate(${-Number(circle.getAttribute("cx"))} ${-Number(circle.getAttribute("cy"))})`));
    root.querySelectorAll("text").forEach((text) => text.setAttribute("font-size", String(14 / at)));
  };
  return (factor) => {
    const [from, to, begun] = [zoom, factor === 0 ? 1 : Math.min(32, Math.max(1, zoom * factor)), performance.now()];
    zoom = to;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { show(to); return; }
    const frame = (/** @type {number} */ now) => {
      const t = Math.min(1, Math.max(0, (now - begun) / 250));
      show(from * (to / from) ** t);
      if (t < 1 && zoom === to) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  };
}

/** @param {number[][]} places @param {string} kind */
function line(places, kind) {
  let last = null;
  let path = "";
  for (const [ra, dec] of places) {
    const [x, y] = mollweide(ra, dec);
    path += last !== null && Math.abs(x - last) < W / 3 ? `L${x} ${y}` : `M${x} ${y}`;
    last = x;
  }
  return svg("path", { class: kind, d: path });
}

/** @param {number} ra @param {number} dec @param {string} text */
function label(ra, dec, text) {
  const [x, y] = mollweide(ra, dec);
  return svg("text", { x: x + 2, y: y - 2 }, text);
}
