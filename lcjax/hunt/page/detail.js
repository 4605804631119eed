/** The page of one candidate. */

import { ask } from "./api.js";
import { at, date, make, shown } from "./dom.js";
import { lightCurve } from "./lightcurve.js";
import { Stamps } from "./stamps.js";

/**
 * @typedef {{me: import("./types.js").Me, vote: (label: string) => void, undo: () => void, step: (by: number) => void,
 *   note: (text: string) => void, tag: (tag: string, there: boolean) => void, mine: (id: number) => string}} Actions
 */

/** @param {import("./types.js").Whole} whole @param {Actions} act @returns {Stamps} */
export function showDetail(whole, act) {
  const d = whole.detail;
  const stamps = new Stamps(whole);
  at("detail").replaceChildren(
    make("div", { class: "head" }, make("h2", { id: "object" }, d.object_id), facts(d)),
    warnings(d),
    make("div", { class: "verdict buttons", id: "verdict", role: "group", "aria-label": "Verdict" }),
    make("div", { class: "panels" },
      make("section", { class: "panel wide", id: "stamps", "aria-label": `Stamps of ${date(d.mjd)} UT` }, stamps.element),
      make("section", { class: "panel", id: "light-curve", "aria-label": "Light curve" }, lightCurve(d)),
      make("section", { class: "panel", id: "classes", "aria-label": "Classes" }, make("h3", {}, "Classes"), ...classes(d, stamps, act.me)),
      make("section", { class: "panel", "aria-label": "Host and links" }, make("h3", {}, "Host"), ...hosts(d), make("h3", {}, "Elsewhere"), elsewhere(d)),
      make("section", { class: "panel", id: "talk", "aria-label": "Votes, tags and notes" }),
      make("section", { class: "panel wide", id: "alert", "aria-label": "Alert" }, fields(d))),
  );
  showVerdict(d, act);
  showTalk(d, act);
  return stamps;
}

/** @param {import("./types.js").Detail} d */
function facts(d) {
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => make("span", {}, `${name} `, make("b", {}, value));
  const band = ["g", "r", "i"].includes(d.band) ? d.band : "other";
  const place = `${sexagesimal(d.ra / 15, 2).replace(/^24:/, "00:")} ${d.dec < 0 ? "−" : "+"}${sexagesimal(Math.abs(d.dec), 1)}`;
  return make("div", { class: "facts" }, copied(place, "sexagesimal"), copied(`${shown(d.ra, 6)} ${shown(d.dec, 6)}`, "degrees"), fact("b", `${shown(d.galactic_latitude, 1)}°`),
    make("span", { class: `band-${band}` }, make("b", {}, `${d.band || "?"} ${shown(d.magnitude, 2)} ± ${shown(d.magnitude_error, 2)} mag`)),
    fact("first seen", `${date(d.first_mjd)} UT`), fact("shown", `${date(d.mjd)} UT`), fact("detections", String(d.n_detections)),
    fact("rise", d.rise_rate === null ? "–" : `≥ ${shown(d.rise_rate, 2)}${d.rise_rate_error === null ? "" : ` ± ${shown(d.rise_rate_error, 2)}`} mag/d`), fact("real-bogus", shown(d.real_bogus, 2)),
    make("span", { title: "nearest Pan-STARRS source: star score 1 is a star, 0 a galaxy" }, "nearest source ", make("b", {}, d.star_distance === null ? "–" : `${shown(d.star_distance, 1)}″, star ${shown(d.star_score, 2)}`)));
}

/** A position that a click puts on the clipboard. @param {string} text @param {string} unit */
function copied(text, unit) {
  const button = make("button", { type: "button", class: "plain", title: `copy the position in ${unit}`, onclick: async () => {
    try { await navigator.clipboard.writeText(text.replace("−", "-")); button.textContent = "copied"; } catch { button.textContent = "cannot copy"; }
    setTimeout(() => { button.textContent = text; }, 900);
  } }, text);
  return button;
}

/** Hours or degrees as h:m:s. @param {number} value not negative @param {number} digits of the seconds */
export function sexagesimal(value, digits) {
  const unit = 10 ** digits;
  const all = Math.round(value * 3600 * unit);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const seconds = (all % (60 * unit)) / unit;
  return `${two(Math.floor(all / (3600 * unit)))}:${two(Math.floor(all / (60 * unit)) % 60)}:${seconds.toFixed(digits).padStart(3 + digits, "0")}`;
}

/** @param {import("./types.js").Detail} d */
function warnings(d) {
  const said = [];
  if (d.known) said.push(`Known: ${d.known}, ${shown(d.known_separation, 1)}″ away.`);
  if (d.duplicate_of) said.push(`At the place of ${d.duplicate_of}.`);
  if (d.solar_system_distance !== null && d.solar_system_distance <= 5) said.push(`Solar-system object ${shown(d.solar_system_distance, 1)}″ away.`);
  if (d.star_score !== null && d.star_distance !== null && d.star_score > 0.5 && d.star_distance < 1) said.push("On a star.");
  return make("p", { class: "warn", id: "warnings" }, said.join(" "));
}

/** @param {import("./types.js").Detail} d @param {Actions} act */
export function showVerdict(d, act) {
  const mine = act.mine(d.id);
  const button = (/** @type {string} */ label, /** @type {string} */ key, /** @type {string} */ kind, /** @type {string} */ text) =>
    make("button", { type: "button", class: kind, "aria-pressed": mine === label, title: `key ${key}; again: withdraw`, onclick: () => act.vote(label) }, text, " ", make("kbd", {}, key));
  const others = act.me.labels.filter((label) => label !== act.me.wanted && label !== act.me.bogus);
  at("verdict").replaceChildren(button(act.me.wanted, "A", "accept", `Accept (${act.me.wanted})`), button(act.me.bogus, "R", "reject", "Reject"),
    ...others.map((label, i) => button(label, String(i + 1), "", label)),
    make("button", { type: "button", onclick: () => act.undo() }, "Undo ", make("kbd", {}, "U")),
    make("button", { type: "button", class: "step", onclick: () => act.step(-1), "aria-label": "Previous candidate" }, "◂ ", make("kbd", {}, "K")),
    make("button", { type: "button", class: "step", onclick: () => act.step(1), "aria-label": "Next candidate" }, "▸ ", make("kbd", {}, "J")));
}

/** @param {import("./types.js").Detail} d @param {Stamps} stamps @param {import("./types.js").Me} me */
function classes(d, stamps, me) {
  if (!d.predictions.length) return [make("p", { class: "quiet" }, "No classifier has been asked yet; the list is ranked by the survey's real-bogus score.")];
  return d.predictions.map((p) => {
    if (!p.probabilities) return make("div", {}, make("h3", {}, p.model), make("p", { class: "quiet" }, p.refused));
    const order = p.class_names.map((name, i) => ({ name, value: /** @type {number[]} */ (p.probabilities)[i] })).sort((a, b) => b.value - a.value);
    return make("div", {}, make("h3", {}, `${p.model} `, make("span", { class: "quiet" }, `entropy ${shown(p.entropy, 2)} of ${Math.log(p.class_names.length).toFixed(2)} nats`)),
      make("div", { class: "bars" }, ...order.flatMap(({ name, value }) => [make("span", {}, name), make("meter", { min: 0, max: 1, value, "aria-label": `${name} ${shown(value, 3)}` }), make("span", {}, shown(value, 3))])),
      p.loaded ? explainer(d, p, stamps, me) : make("p", { class: "quiet" }, "This model is not loaded now."));
  });
}

/** @param {import("./types.js").Detail} d @param {import("./types.js").Prediction} p @param {Stamps} stamps @param {import("./types.js").Me} me */
function explainer(d, p, stamps, me) {
  const pick = (/** @type {string} */ label, /** @type {string[]} */ names, /** @type {string} */ chosen) => make("select", { "aria-label": label }, ...names.map((name) => make("option", { value: name, selected: name === chosen }, name)));
  const label = pick("Class to explain", p.class_names, p.class_names.find((name) => name.toLowerCase() === me.wanted.toLowerCase()) || p.class_names[0]);
  const method = pick("Method", ["occlusion", "gradient"], "occlusion");
  const stamp = pick("Stamp", ["all", ...d.stamps.map((s) => s.name)], "all");
  const said = make("p", { class: "quiet explained", role: "status" });
  const show = async () => {
    said.textContent = "asking the model …";
    try {
      const found = await ask(`/api/candidates/${d.id}/explanation?${new URLSearchParams({ model: p.model, label: label.value, method: method.value, stamp: stamp.value })}`);
      stamps.map = found.map;
      stamps.explained = found.stamp;
      stamps.draw();
      const most = Math.max(...found.map.flat());
      said.textContent = method.value === "occlusion" ? `Orange: hiding it lowers P(${label.value}) = ${shown(found.probability, 3)}, by ${shown(most, 3)} at most; blue raises it.` : `Orange: more of what is there raises P(${label.value}); blue lowers it.`;
    } catch (error) { said.textContent = String(/** @type {Error} */ (error).message); }
  };
  return make("div", {}, make("div", { class: "buttons" }, make("button", { type: "button", class: "explain", title: "key E, for the first model", onclick: show }, "Explain"), label, method, stamp,
    make("button", { type: "button", onclick: () => { stamps.map = null; stamps.draw(); said.textContent = ""; } }, "Clear")), said);
}

/** @param {import("./types.js").Detail} d */
function hosts(d) {
  if (!d.hosts.length) return [make("p", { class: "quiet" }, "No host finder has been asked.")];
  return d.hosts.map((h) => {
    if (!h.answer) return make("p", { class: "quiet" }, `${h.finder}: ${h.refused}`);
    const a = h.answer;
    const place = a.ra === null || a.dec === null ? "" : `, at ${shown(a.ra, 5)}° ${shown(a.dec, 5)}°`;
    return make("p", {}, make("b", {}, h.finder), ` (${h.cutout}, ${a.method}): ${shown(a.separation, 2)}″ away${place}; answers scatter by ${shown(a.scatter, 2)}″`,
      a.semi_major_axis === null ? "" : `; semi-major axis ${shown(a.semi_major_axis, 1)}″`, ".");
  });
}

/** Links: the page itself asks nobody. @param {import("./types.js").Detail} d */
const elsewhere = (d) => make("div", { class: "links" }, ...d.links.map((link) => outside(link.address, link.name)));

/** @param {string} address @param {string} name */
const outside = (address, name) => make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, name);

/** @param {import("./types.js").Detail} d @param {Actions} act */
export function showTalk(d, act) {
  const text = make("textarea", { id: "note", "aria-label": "Note", maxlength: 4000, placeholder: "Note (M)" });
  const tag = make("input", { id: "tag", "aria-label": "Tag", maxlength: 40, placeholder: "Tag (T)", autocomplete: "off" });
  const addTag = () => { if (tag.value.trim()) { act.tag(tag.value, true); tag.value = ""; } };
  const addNote = () => { if (text.value.trim()) { act.note(text.value); text.value = ""; } };
  text.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) addNote(); });
  at("talk").replaceChildren(make("h3", {}, "Votes"),
    make("p", { id: "votes" }, d.votes.length ? d.votes.map((v) => `${v.user}: ${v.label}`).join(" · ") : "none yet"),
    make("h3", {}, "Tags"),
    make("div", { class: "buttons" }, ...d.tags.map((name) => make("span", { class: "tag" }, name, make("button", { type: "button", "aria-label": `Remove tag ${name}`, onclick: () => act.tag(name, false) }, "×"))),
      make("form", { class: "buttons", onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); addTag(); } }, tag, make("button", {}, "Add"))),
    make("h3", {}, "Notes"),
    make("ul", { class: "notes" }, ...d.notes.map((n) => make("li", {}, make("b", {}, `${n.user} `), make("span", { class: "quiet" }, new Date(n.at * 1000).toISOString().slice(0, 16).replace("T", " ")), ` ${n.text}`))),
    text, make("button", { type: "button", onclick: addNote }, "Add note"));
}

/** @param {import("./types.js").Detail} d */
function fields(d) {
  const rows = d.fields.map((f) => make("tr", {}, make("th", { scope: "row" }, f.name), make("td", {}, f.value === null ? "null" : String(f.value)), make("td", {}, f.unit), make("td", {}, f.meaning)));
  return make("details", {}, make("summary", {}, `The whole alert: ${d.fields.length} fields, from ${d.origin}`),
    d.schema && make("p", {}, outside(d.schema, "Schema of the packets")),
    make("table", { class: "fields" }, make("thead", {}, make("tr", {}, ...["Field", "Value", "Unit", "Meaning"].map((t) => make("th", { scope: "col" }, t)))), make("tbody", {}, ...rows)));
}
