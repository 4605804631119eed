/** The filters: a form whose words go to the server as they are. */

import { at, make } from "./dom.js";

/** @type {[string, string][]} column, what users call it */
export const SORTS = [
  ["score", "score"], ["entropy", "entropy"], ["first_mjd", "first detection"], ["mjd", "alert date"], ["magnitude", "magnitude"], ["n_detections", "detections"], ["rise_rate", "rise rate"],
  ["galactic_latitude", "galactic latitude"], ["star_distance", "distance to star"], ["solar_system_distance", "distance to solar-system object"],
  ["real_bogus", "real-bogus"], ["host_separation", "host separation"], ["known_separation", "known object"], ["n_votes", "votes"], ["arrived", "arrival"], ["object_id", "object"],
];
/** @type {[string, string][]} */
const RANGES = [
  ["score", "Score"], ["entropy", "Entropy (nats)"], ["magnitude", "Magnitude"], ["n_detections", "Detections"], ["rise_rate", "Rise (mag/d)"], ["first_mjd", "First detection (MJD)"], ["mjd", "Alert (MJD)"],
  ["star_distance", "Star distance (″)"], ["star_score", "Star score"], ["solar_system_distance", "Solar system (″)"], ["real_bogus", "Real-bogus"],
  ["host_separation", "Host separation (″)"], ["host_scatter", "Host scatter (″)"], ["ra", "RA (deg)"], ["dec", "Dec (deg)"],
];

/** @param {import("./types.js").Me} me @param {() => void} changed */
export function setUpFilters(me, changed) {
  const form = at("filters");
  form.elements.sort.replaceChildren(...SORTS.map(([value, text]) => make("option", { value }, text)));
  form.elements.decision.replaceChildren(...[["", "any"], ["open", "open"], ["disputed", "disputed"], ...me.labels.map((label) => [label, label])].map(([value, text]) => make("option", { value }, text)));
  at("ranges").replaceChildren(...RANGES.map(([name, text]) => make("fieldset", {}, make("legend", {}, text),
    ...["min", "max"].map((end) => make("input", { name: `${end}_${name}`, type: "number", step: "any", placeholder: end, "aria-label": `${text}, ${end === "min" ? "lowest" : "highest"}` })))));
  const kept = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of kept) if (form.elements[name]) form.elements[name].value = value;
  let timer = 0;
  const soon = (/** @type {number} */ delay) => { clearTimeout(timer); timer = setTimeout(changed, delay); };
  form.addEventListener("input", (/** @type {any} */ event) => soon(event.target.tagName === "SELECT" ? 0 : 250));
  form.addEventListener("change", () => soon(0));
  form.addEventListener("reset", () => soon(0));
  form.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); soon(0); });
}

/** The filters that are set, as an address says them. @returns {URLSearchParams} */
export function chosen() {
  const found = new URLSearchParams();
  for (const [name, value] of new FormData(at("filters"))) if (typeof value === "string" && value !== "") found.set(name, value);
  const hidden = [...found.keys()].filter((name) => at("more-filters").contains(at("filters").elements[name])).length;
  at("filters-set").textContent = hidden ? ` (${hidden} set)` : "";
  history.replaceState(null, "", `#${found}`);
  return found;
}

/** @param {string} column */
export function sortBy(column) {
  const form = at("filters");
  const same = form.elements.sort.value === column;
  form.elements.order.value = same && form.elements.order.value === "descending" ? "ascending" : "descending";
  form.elements.sort.value = column;
}
