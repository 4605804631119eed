/** The three stamps: one stretch, one zoom and one cross-hair for all, blinking, the host and an explanation on top. */

import { make, shown } from "./dom.js";
import { image } from "./stretch.js";

/** What stays as it was chosen from candidate to candidate. */
export const view = {
  /** @type {import("./stretch.js").Limits} */ limits: "zscale",
  /** @type {import("./stretch.js").Stretch} */ stretch: "linear",
  inverted: false, zoom: 1, blink: false, host: true, flip: false,
};
const SIDE = 252;

export class Stamps {
  /** @param {import("./types.js").Whole} whole */
  constructor(whole) {
    this.stamps = whole.detail.stamps;
    this.pixels = whole.pixels;
    this.hosts = whole.detail.hosts;
    /** @type {{x: number, y: number}|null} */ this.cross = null;
    /** @type {number[][]|null} */ this.map = null;
    this.explained = "all";
    this.phase = 0;
    /** @type {number} */ this.timer = 0;
    this.reading = make("p", { class: "reading", "aria-live": "off" }, " ");
    /** @type {HTMLCanvasElement[]} */
    this.canvases = this.stamps.map((stamp, i) =>
      make("canvas", { class: "stamp", width: SIDE, height: SIDE, role: "img", "aria-label": `${stamp.name} stamp, ${stamp.width} by ${stamp.height} pixels of ${shown(stamp.pixel_scale)} arcsec`,
        onpointermove: (/** @type {PointerEvent} */ e) => this.point(i, e), onpointerleave: () => { this.cross = null; this.draw(); },
        onwheel: (/** @type {WheelEvent} */ e) => { e.preventDefault(); this.zoom(e.deltaY < 0 ? 1 : -1); } }));
    this.element = make("div", {}, this.controls(),
      make("div", { class: "stamps" }, ...this.stamps.map((stamp, i) => make("figure", {}, this.canvases[i], make("figcaption", {}, stamp.name)))),
      this.reading);
    if (!this.stamps.length) this.element.append(make("p", { class: "quiet" }, "This alert came without stamps."));
    /** @type {HTMLCanvasElement[]} */ this.sources = [];
    this.render();
    this.setBlink(view.blink);
  }

  controls() {
    const choice = (/** @type {string} */ label, /** @type {string[]} */ names, /** @type {"limits"|"stretch"} */ key) =>
      make("label", {}, label, make("select", { "aria-label": label, onchange: (/** @type {any} */ e) => { Object.assign(view, { [key]: e.target.value }); this.render(); } },
        ...names.map((name) => make("option", { value: name, selected: view[key] === name }, name))));
    this.toggles = {
      blink: this.toggle("Blink", "B", () => this.setBlink(!view.blink), () => view.blink),
      invert: this.toggle("Invert", "I", () => { view.inverted = !view.inverted; this.render(); }, () => view.inverted),
      north: this.toggle("North up", "N", () => { view.flip = !view.flip; this.draw(); }, () => view.flip),
      host: this.toggle("Host", "H", () => { view.host = !view.host; this.draw(); }, () => view.host),
    };
    return make("div", { class: "row" }, choice("Limits", ["zscale", "99", "95", "minmax"], "limits"), choice("Stretch", ["linear", "asinh", "sqrt", "log"], "stretch"),
      make("span", { class: "buttons" }, make("button", { type: "button", "aria-label": "Zoom out", onclick: () => this.zoom(-1) }, "−"),
        make("button", { type: "button", "aria-label": "Zoom in", onclick: () => this.zoom(1) }, "+"), ...Object.values(this.toggles)));
  }

  /** @param {string} text @param {string} key @param {() => void} act @param {() => boolean} on */
  toggle(text, key, act, on) {
    const button = make("button", { type: "button", title: `key ${key}`, "aria-pressed": on(), onclick: () => { act(); button.setAttribute("aria-pressed", on()); } }, text);
    return button;
  }

  render() {
    this.sources = this.stamps.map((stamp, i) => {
      const canvas = make("canvas", { width: stamp.width, height: stamp.height });
      canvas.getContext("2d").putImageData(image(this.pixels[i], stamp.width, stamp.height, view.limits, view.stretch, view.inverted), 0, 0);
      return canvas;
    });
    this.draw();
  }

  /** @param {number} step */
  zoom(step) { view.zoom = Math.min(8, Math.max(1, view.zoom * (step > 0 ? Math.SQRT2 : Math.SQRT1_2))); this.draw(); }

  /** @param {boolean} on */
  setBlink(on) {
    view.blink = on;
    clearInterval(this.timer);
    this.phase = 0;
    if (on) this.timer = setInterval(() => { if (!this.element.isConnected) { clearInterval(this.timer); return; } this.phase = 1 - this.phase; this.draw(); }, 500);
    this.draw();
  }

  /** Where pixel (x, y) of a stamp is on its canvas. @param {number} i */
  frame(i) {
    const { width, height } = this.stamps[i];
    const scale = (SIDE / Math.max(width, height)) * view.zoom;
    const cx = (width - 1) / 2;
    const cy = (height - 1) / 2;
    const [sx, sy] = this.signs(i);
    return { scale, sx, sy, to: (/** @type {number} */ x, /** @type {number} */ y) => [SIDE / 2 + sx * (x - cx) * scale, SIDE / 2 + sy * (y - cy) * scale],
      from: (/** @type {number} */ u, /** @type {number} */ v) => [cx + (u - SIDE / 2) / scale * sx, cy + (v - SIDE / 2) / scale * sy] };
  }

  /** Mirrors that bring north up and east left, to the nearest axis. @param {number} i @returns {[number, number]} */
  signs(i) {
    const world = this.stamps[i].world;
    if (!view.flip || !world) return [1, 1];
    return [world[4] > 0 ? -1 : 1, world[7] > 0 ? -1 : 1];
  }

  /** @param {number} i @param {PointerEvent} event */
  point(i, event) {
    const box = this.canvases[i].getBoundingClientRect();
    const [x, y] = this.frame(i).from(((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE);
    this.cross = { x, y };
    this.draw();
  }

  draw() {
    for (let i = 0; i < this.canvases.length; i++) this.drawOne(i);
    const c = this.cross;
    this.reading.textContent = c && this.stamps.length ? this.read(c) : " ";
  }

  /** @param {{x: number, y: number}} c */
  read(c) {
    const [x, y] = [Math.round(c.x), Math.round(c.y)];
    const values = this.stamps.map((stamp, i) => `${stamp.name} ${x >= 0 && y >= 0 && x < stamp.width && y < stamp.height ? fixed(this.pixels[i][y * stamp.width + x]) : "–"}`);
    const first = this.stamps[0];
    const away = Math.hypot(c.x - (first.width - 1) / 2, c.y - (first.height - 1) / 2) * first.pixel_scale;
    return `x ${x} y ${y} · ${away.toFixed(1)}″ from the middle · ${values.join(" · ")}`;
  }

  /** @param {number} i */
  drawOne(i) {
    const canvas = this.canvases[i];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const shownAs = view.blink && i < 2 ? (i + this.phase) % 2 : i;
    const source = this.sources[shownAs] ? shownAs : i;
    const { scale, sx, sy, to } = this.frame(source);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    context.imageSmoothingEnabled = false;
    const { width, height } = this.stamps[source];
    context.setTransform(sx * scale, 0, 0, sy * scale, SIDE / 2, SIDE / 2);
    context.drawImage(this.sources[source], -width / 2, -height / 2);
    if (this.map && (this.explained === "all" || this.explained === this.stamps[source].name)) this.overlay(context, width, height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (view.host) this.drawHosts(context, source, to, scale);
    if (this.stamps[source].world) compass(context, /** @type {number[]} */ (this.stamps[source].world), sx, sy);
    scaleBar(context, this.stamps[source].pixel_scale, scale);
    if (!this.cross) return;
    const [u, v] = to(this.cross.x, this.cross.y);
    context.strokeStyle = "#ffd166";
    context.beginPath();
    context.moveTo(u, 0); context.lineTo(u, SIDE); context.moveTo(0, v); context.lineTo(SIDE, v);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  overlay(context, width, height) {
    const map = /** @type {number[][]} */ (this.map);
    const most = Math.max(1e-9, ...map.flat().map(Math.abs));
    const [rows, columns] = [map.length, map[0].length];
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      const weight = map[r][c] / most;
      if (Math.abs(weight) < 0.05) continue;
      context.fillStyle = weight > 0 ? `rgba(255, 140, 0, ${0.6 * weight})` : `rgba(60, 140, 255, ${-0.6 * weight})`;
      context.fillRect(-width / 2 + (c * width) / columns, -height / 2 + (r * height) / rows, width / columns, height / rows);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} i @param {(x: number, y: number) => number[]} to @param {number} scale */
  drawHosts(context, i, to, scale) {
    for (const host of this.hosts) {
      if (!host.answer) continue;
      const { x, y, variants, scatter } = host.answer;
      const [u, v] = to(x, y);
      context.strokeStyle = context.fillStyle = "#53d68a";
      for (const [a, b] of variants) { const [p, q] = to(a, b); context.fillRect(p - 1, q - 1, 2, 2); }
      context.beginPath();
      context.arc(u, v, Math.max(4, ((scatter || 0) / this.stamps[i].pixel_scale) * scale), 0, 2 * Math.PI);
      context.moveTo(u - 6, v); context.lineTo(u + 6, v); context.moveTo(u, v - 6); context.lineTo(u, v + 6);
      context.stroke();
    }
  }
}

/** @param {number} value */
const fixed = (value) => (Number.isFinite(value) ? Math.abs(value) >= 1e5 ? value.toExponential(2) : value.toFixed(1) : "missing");

/** @param {CanvasRenderingContext2D} context @param {number[]} world @param {number} sx @param {number} sy */
function compass(context, world, sx, sy) {
  const [, , , , a, b, c, d] = world;
  const size = Math.sqrt(Math.abs(a * d - b * c)) || 1;
  const area = a * d - b * c;
  context.strokeStyle = context.fillStyle = "#7cc4ff";
  context.font = "11px sans-serif";
  for (const [name, x, y] of /** @type {[string, number, number][]} */ ([["E", d, -c], ["N", -b, a]])) {
    const [u, v] = [((x * sx) / area) * size * 20, ((y * sy) / area) * size * 20];
    context.beginPath(); context.moveTo(SIDE - 30, SIDE - 30); context.lineTo(SIDE - 30 + u, SIDE - 30 + v); context.stroke();
    context.fillText(name, SIDE - 34 + 1.35 * u, SIDE - 26 + 1.35 * v);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} pixelScale @param {number} scale */
function scaleBar(context, pixelScale, scale) {
  const arcsec = [1, 2, 5, 10, 20, 60].find((length) => (length / pixelScale) * scale > 30) || 60;
  context.fillStyle = "#7cc4ff";
  context.fillRect(8, SIDE - 10, (arcsec / pixelScale) * scale, 2);
  context.font = "11px sans-serif";
  context.fillText(`${arcsec}″`, 8, SIDE - 14);
}
