/** The stamps and a picture in colour: one stretch, one zoom, one place and one cross-hair for all, blinking, the host and an explanation on top. */

import { changeImage, colourImage } from "./colour.js";
import { make, shown } from "./dom.js";
import { compass, crossHair, hostMarks, scaleBar, SIDE, weights } from "./marks.js";
import { image } from "./stretch.js";

/** @type {import("./stretch.js").Limits[]} */ const LIMITS = ["zscale", "99", "95", "minmax"];
/** @type {import("./stretch.js").Stretch[]} */ const STRETCHES = ["linear", "asinh", "sqrt", "log"];
/** @type {import("./colour.js").Picture[]} */ const PICTURES = ["colour", "change", "none"];
const FINE = 2;  // canvas pixels for each of SIDE, so that marks are sharp on large and dense screens

/** What stays as it was chosen from candidate to candidate. */
export const view = {
  /** @type {import("./stretch.js").Limits} */ limits: "zscale",
  /** @type {import("./stretch.js").Stretch} */ stretch: "linear",
  /** @type {import("./colour.js").Picture} */ picture: "colour",
  inverted: false, zoom: 1, blink: false, host: true, flip: false, large: false,
};

export class Stamps {
  /** @param {import("./types.js").Whole} whole */
  constructor(whole) {
    this.stamps = whole.detail.stamps;
    this.pixels = whole.pixels;
    this.detail = whole.detail;
    /** @type {import("./types.js").StampInfo[]} the stamps, and the picture behind them */
    this.frames = [...this.stamps, ...this.stamps.filter(({ name }) => name === "template").map((template) => ({ ...template, name: "picture" }))];
    this.hosts = whole.detail.hosts;
    /** @type {{x: number, y: number}|null} */ this.cross = null;
    /** @type {number[][]|null} */ this.map = null;
    this.explained = "all";
    this.phase = 0;
    this.moved = { x: 0, y: 0 };  // pixels of the stamp that the view is off its middle
    /** @type {number} */ this.timer = 0;
    this.reading = make("p", { class: "reading", "aria-live": "off" }, " ");
    /** @type {HTMLCanvasElement[]} */
    this.canvases = this.frames.map((stamp, i) =>
      make("canvas", { class: "stamp", width: SIDE * FINE, height: SIDE * FINE, role: "img", "aria-label": `${stamp.name === "picture" ? "colour picture" : `${stamp.name} stamp`}, ${stamp.width} by ${stamp.height} pixels of ${shown(stamp.pixel_scale)} arcsec`,
        onpointermove: (/** @type {PointerEvent} */ e) => this.point(i, e), onpointerleave: () => { this.cross = null; this.draw(); },
        onwheel: (/** @type {WheelEvent} */ e) => { if (e.ctrlKey || e.shiftKey) { e.preventDefault(); this.zoom((e.deltaY || e.deltaX) < 0 ? 1 : -1); } } }));
    this.element = make("div", {}, this.controls(),
      this.box = make("div", { class: "stamps" }, ...this.frames.map((stamp, i) => make("figure", { class: stamp.name === "picture" ? "picture" : null }, this.canvases[i], make("figcaption", {}, stamp.name)))),
      this.reading);
    for (const reason of whole.detail.lost_stamps) this.element.append(make("p", { class: "warn" }, `${reason}.`));
    if (!this.stamps.length) this.element.append(make("p", { class: "quiet" }, "This alert came without stamps."));
    /** @type {HTMLCanvasElement[]} */ this.sources = [];
    this.render();
    this.setBlink(view.blink);
    this.setLarge(view.large);
  }

  controls() {
    this.chosen = { limits: this.choice("Limits", LIMITS, "limits"), stretch: this.choice("Stretch", STRETCHES, "stretch"), picture: this.choice("Colour picture", PICTURES, "picture") };
    this.toggles = {
      blink: this.toggle("Blink", "B", () => this.setBlink(!view.blink), () => view.blink),
      invert: this.toggle("Invert", "I", () => { view.inverted = !view.inverted; this.render(); }, () => view.inverted),
      north: this.toggle("North up", "N", () => { view.flip = !view.flip; this.draw(); }, () => view.flip),
      host: this.toggle("Host", "H", () => { view.host = !view.host; this.draw(); }, () => view.host),
      large: this.toggle("Large", "V", () => this.setLarge(!view.large), () => view.large),
    };
    return make("div", { class: "tools" }, ...Object.values(this.chosen),
      make("button", { type: "button", "aria-label": "Zoom out", title: "key −, or Ctrl and wheel", onclick: () => this.zoom(-1) }, "−"),
      make("button", { type: "button", "aria-label": "Zoom in", title: "key +, or Ctrl and wheel; drag to move", onclick: () => this.zoom(1) }, "+"), ...Object.values(this.toggles));
  }

  /** @param {string} label @param {string[]} names @param {"limits"|"stretch"|"picture"} key */
  choice(label, names, key) {
    return make("select", { "aria-label": label, title: `${label}, key ${{ limits: "L", stretch: "C", picture: "P" }[key]}`, onchange: (/** @type {any} */ e) => { Object.assign(view, { [key]: e.target.value }); this.render(); } },
      ...names.map((name) => make("option", { value: name, selected: view[key] === name }, key === "picture" && name === "none" ? "no picture" : name)));
  }

  /** The next limits, stretch or picture. @param {"limits"|"stretch"|"picture"} key */
  cycle(key) {
    const select = this.chosen?.[key];
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event("change"));
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
    this.picture();
    this.draw();
  }

  /** The picture in colour, as far as there are bands for it, and what it is. */
  picture() {
    const at = this.frames.length - 1;
    this.box.dataset.picture = "false";
    if (view.picture === "none" || at !== this.stamps.length) return;
    const plane = (/** @type {any} */ info, /** @type {Float32Array} */ pixels) => ({ width: info.width, height: info.height, world: info.world, pixels });
    const of = (/** @type {string} */ name) => this.stamps.findIndex((stamp) => stamp.name === name);
    const [template, difference] = ["template", "difference"].map((name) => (of(name) < 0 ? null : plane(this.stamps[of(name)], this.pixels[of(name)])));
    /** @type {[string, any][]} */
    const bands = [[this.detail.band, template], ...this.detail.colours.map((colour, i) => /** @type {[string, any]} */ ([colour.band, plane(colour, this.pixels[this.stamps.length + i])]))];
    const coloured = view.picture === "colour" && bands.length > 1;
    if (!template || !(coloured || difference)) return;
    this.box.dataset.picture = "true";
    const { width, height } = template;
    const canvas = make("canvas", { width, height });
    canvas.getContext("2d").putImageData(coloured ? colourImage(bands, view.limits, view.stretch) : changeImage(template, /** @type {import("./colour.js").Plane} */ (difference), view.limits, view.stretch), 0, 0);
    this.sources[at] = canvas;
    const caption = /** @type {HTMLElement} */ (this.canvases[at].nextElementSibling);
    caption.textContent = coloured ? `templates in ${bands.map(([band]) => band).join(", ")}` : "change over template";
    caption.title = coloured ? "bluest band blue, reddest red; each scaled by its own limits" : "orange: brighter than the noise of the difference (3 sigma and more); blue: fainter. Colours of the templates are shown once alerts in two bands have come";
  }

  /** @param {number} step 0: as it came */
  zoom(step) {
    view.zoom = step === 0 ? 1 : Math.min(8, Math.max(1, view.zoom * (step > 0 ? Math.SQRT2 : Math.SQRT1_2)));
    if (view.zoom < 1.01) this.moved = { x: 0, y: 0 };
    this.draw();
  }

  /** @param {boolean} on */
  setBlink(on) {
    view.blink = on;
    clearInterval(this.timer);
    this.phase = 0;
    if (on) this.timer = setInterval(() => { if (!this.element.isConnected) { clearInterval(this.timer); return; } this.phase = 1 - this.phase; this.draw(); }, 500);
    this.draw();
  }

  /** The list makes room for the stamps. @param {boolean} on */
  setLarge(on) {
    view.large = on;
    document.body.dataset.large = String(on);
  }

  /** Where pixel (x, y) of a stamp is on its canvas. @param {number} i */
  frame(i) {
    const { width, height } = this.frames[i];
    const scale = (SIDE / Math.max(width, height)) * view.zoom;
    const cx = (width - 1) / 2 + this.moved.x;
    const cy = (height - 1) / 2 + this.moved.y;
    const [sx, sy] = this.signs(i);
    return { scale, sx, sy, to: (/** @type {number} */ x, /** @type {number} */ y) => [SIDE / 2 + sx * (x - cx) * scale, SIDE / 2 + sy * (y - cy) * scale],
      from: (/** @type {number} */ u, /** @type {number} */ v) => [cx + (u - SIDE / 2) / scale * sx, cy + (v - SIDE / 2) / scale * sy] };
  }

  /** Mirrors that bring north up and east left, to the nearest axis. @param {number} i @returns {[number, number]} */
  signs(i) {
    const world = this.frames[i].world;
    if (!view.flip || !world) return [1, 1];
    return [world[4] > 0 ? -1 : 1, world[7] > 0 ? -1 : 1];
  }

  /** Moves the cross-hair; with a button down, what is seen. @param {number} i @param {PointerEvent} event */
  point(i, event) {
    const box = this.canvases[i].getBoundingClientRect();
    const { from, scale, sx, sy } = this.frame(i);
    const [x, y] = from(((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE);
    if (event.buttons === 1 && view.zoom > 1) {
      const reach = Math.max(this.frames[i].width, this.frames[i].height) / 2;
      const within = (/** @type {number} */ value) => Math.max(-reach, Math.min(reach, value));
      const perPixel = SIDE / box.width / scale;
      this.moved = { x: within(this.moved.x - sx * event.movementX * perPixel), y: within(this.moved.y - sy * event.movementY * perPixel) };
    }
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
    if (!this.sources[i]) return;
    const shownAs = view.blink && i < 2 ? (i + this.phase) % 2 : i;
    const source = this.sources[shownAs] ? shownAs : i;
    const { scale, sx, sy, to } = this.frame(source);
    context.setTransform(FINE, 0, 0, FINE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    context.imageSmoothingEnabled = false;
    const { width, height } = this.frames[source];
    const middle = to((width - 1) / 2, (height - 1) / 2);
    context.setTransform(FINE * sx * scale, 0, 0, FINE * sy * scale, FINE * middle[0], FINE * middle[1]);
    context.drawImage(this.sources[source], -width / 2, -height / 2);
    if (this.map && source < this.stamps.length && (this.explained === "all" || this.explained === this.frames[source].name)) weights(context, this.map, width, height);
    context.setTransform(FINE, 0, 0, FINE, 0, 0);
    if (view.host) hostMarks(context, this.hosts, to, scale, this.frames[source].pixel_scale);
    if (this.frames[source].world) compass(context, /** @type {number[]} */ (this.frames[source].world), sx, sy);
    scaleBar(context, this.frames[source].pixel_scale, scale);
    if (this.cross) { const [u, v] = to(this.cross.x, this.cross.y); crossHair(context, u, v); }
  }
}

/** @param {number} value */
const fixed = (value) => (Number.isFinite(value) ? Math.abs(value) >= 1e5 ? value.toExponential(2) : value.toFixed(1) : "missing");
