/** The light curve: detections, limits and forced photometry against time, or folded on a period. */

import { date, make, shown, svg } from "./dom.js";

const [W, H, LEFT, BOTTOM, TOP] = [460, 220, 58, 36, 22];
export const fold = { period: "", forced: true };

/** @typedef {{mjd: number, band: string, value: number, error: number|null, kind: "detection"|"limit"|"forced", positive: boolean}} Point */

/** AB magnitude of a flux of microjanskys, of either sign: the size of the change. @param {number} flux */
const magnitude = (flux) => 23.9 - 2.5 * Math.log10(Math.abs(flux));

/** @param {import("./types.js").Detail} detail @returns {Point[]} */
function points(detail) {
  const { detections: d, limits: l, forced: f } = detail.light_curve;
  /** @type {Point[]} */ const found = [];
  (d.mjd || []).forEach((mjd, i) => { if (d.magnitude[i] !== null) found.push({ mjd, band: d.band[i], value: d.magnitude[i], error: d.error[i], kind: "detection", positive: d.positive?.[i] !== false }); });
  (l.mjd || []).forEach((mjd, i) => { if (l.limit[i] !== null) found.push({ mjd, band: l.band[i], value: l.limit[i], error: null, kind: "limit", positive: true }); });
  if (fold.forced) (f.mjd || []).forEach((mjd, i) => {
    const [flux, error] = [f.flux[i], f.error[i]];
    if (flux === null || error === null || !(error > 0)) return;
    const significant = Math.abs(flux) >= 3 * error;
    found.push({ mjd, band: f.band[i], value: significant ? magnitude(flux) : magnitude(5 * error), error: significant ? (1.0857 * error) / Math.abs(flux) : null, kind: significant ? "forced" : "limit", positive: flux > 0 });
  });
  return found.filter((p) => Number.isFinite(p.value) && Number.isFinite(p.mjd));
}

/** @param {string} band */
const bandClass = (band) => `band-${["g", "r", "i"].includes(band) ? band : "other"}`;

/** @param {import("./types.js").Detail} detail @returns {HTMLElement} */
export function lightCurve(detail) {
  const box = make("div", {});
  const period = make("input", { id: "period", type: "number", step: "any", min: "0", value: fold.period, placeholder: "fold (d)", title: "period in days, key F", "aria-label": "Period in days, to fold on", oninput: (/** @type {any} */ e) => { fold.period = e.target.value; draw(); } });
  const times = (/** @type {number} */ factor, /** @type {string} */ text) => make("button", { type: "button", "aria-label": `${text} the period`, onclick: () => { if (Number(period.value) > 0) { period.value = fold.period = String(+(Number(period.value) * factor).toPrecision(8)); draw(); } } }, text);
  const forced = make("button", { type: "button", "aria-pressed": String(fold.forced), onclick: () => { fold.forced = !fold.forced; forced.setAttribute("aria-pressed", String(fold.forced)); draw(); } }, "Forced");
  const plot = make("div", {});
  const draw = () => plot.replaceChildren(picture(detail, points(detail), Number(fold.period) > 0 ? Number(fold.period) : 0));
  box.append(make("div", { class: "tools" }, make("h3", {}, "Light curve"), period, times(0.5, "½ ×"), times(2, "2 ×"), forced), plot);
  draw();
  return box;
}

/** @param {import("./types.js").Detail} detail @param {Point[]} all @param {number} period */
function picture(detail, all, period) {
  if (!all.length) return make("p", { class: "quiet" }, "No photometry came with this alert.");
  const zero = detail.mjd;
  const x = (/** @type {Point} */ p) => (period ? (((p.mjd - zero) / period) % 1 + 1) % 1 : p.mjd - zero);
  const phases = period ? [0, 1] : [0];  // a folded curve is shown twice, so that nothing is cut at its ends
  const xs = all.map(x);
  const ys = all.flatMap((p) => [p.value - (p.error || 0), p.value + (p.error || 0)]);
  let [x0, x1] = period ? [0, 2] : [Math.min(...xs), Math.max(...xs)];
  if (x1 - x0 < 0.5 && !period) [x0, x1] = [x0 - 0.5, x1 + 0.5];
  const [y0, y1] = [Math.min(...ys) - 0.15, Math.max(...ys) + 0.15];
  const px = (/** @type {number} */ v) => LEFT + 8 + ((v - x0) / (x1 - x0)) * (W - LEFT - 20);
  const py = (/** @type {number} */ v) => TOP + ((v - y0) / (y1 - y0)) * (H - TOP - BOTTOM);
  const counts = ["detection", "limit", "forced"].map((kind) => `${all.filter((p) => p.kind === kind).length} ${kind}s`).join(", ");
  const root = svg("svg", { class: "plot", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Light curve: ${counts}, magnitude ${y0.toFixed(1)} to ${y1.toFixed(1)}` });
  axes(root, x0, x1, y0, y1, px, py, period ? `phase, period ${period} d` : `days from ${date(zero)} UT`);
  for (const p of all) for (const phase of phases) root.append(mark(p, px(x(p) + phase), py(p.value), p.error ? py(p.value + p.error) - py(p.value) : 0));
  [...new Set(all.map((p) => p.band))].forEach((band, i) => root.append(svg("text", { x: LEFT + 4 + 22 * i, y: 14, class: bandClass(band), fill: "currentColor" }, band || "?")));
  return root;
}

/** @param {Point} p @param {number} u @param {number} v @param {number} bar */
function mark(p, u, v, bar) {
  const group = svg("g", { class: bandClass(p.band) });
  if (p.kind === "limit") group.append(svg("path", { class: "limit", d: `M${u - 4} ${v}h8l-4 6z` }));
  else {
    if (bar) group.append(svg("line", { class: "bar", x1: u, x2: u, y1: v - bar, y2: v + bar }));
    if (p.kind === "forced") group.append(svg("rect", { class: "forced", x: u - 3, y: v - 3, width: 6, height: 6 }));
    else group.append(svg("circle", { class: p.positive ? "point" : "limit", cx: u, cy: v, r: 4 }));
  }
  group.append(svg("title", {}, `${p.kind} ${p.band} ${p.value.toFixed(2)}${p.error ? ` ± ${p.error.toFixed(2)}` : ""} mag, ${date(p.mjd)} UT${p.positive ? "" : ", fainter than the template"}`));
  return group;
}

/** @param {any} root @param {number} x0 @param {number} x1 @param {number} y0 @param {number} y1 @param {(v: number) => number} px @param {(v: number) => number} py @param {string} label */
function axes(root, x0, x1, y0, y1, px, py, label) {
  root.append(svg("path", { class: "axis", d: `M${LEFT} ${TOP}V${H - BOTTOM}H${W - 8}` }));
  for (const value of ticks(x0, x1)) root.append(svg("text", { x: px(value), y: H - BOTTOM + 14, "text-anchor": "middle" }, String(+value.toFixed(3))));
  for (const value of ticks(y0, y1)) root.append(svg("text", { x: LEFT - 5, y: py(value) + 4, "text-anchor": "end" }, shown(value, 1)), svg("path", { class: "axis", d: `M${LEFT} ${py(value)}h5` }));
  root.append(svg("text", { x: (W + LEFT) / 2, y: H - 4, "text-anchor": "middle" }, label), svg("text", { x: 12, y: H / 2, transform: `rotate(-90 12 ${H / 2})`, "text-anchor": "middle" }, "AB mag of the difference"));
}

/** @param {number} low @param {number} high */
function ticks(low, high) {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough) || power;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 && found.length < 30; value += step) found.push(value);
  return found;
}
