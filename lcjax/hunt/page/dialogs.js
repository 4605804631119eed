/** What opens above the page: sky, agreement, log, export, keys. */

import { ask } from "./api.js";
import { at, make, shown } from "./dom.js";
import { chosen } from "./filters.js";
import { skyMap } from "./skymap.js";

/** @param {string} title @param {...Node} children */
export function open(title, ...children) {
  at("dialog-title").textContent = title;
  at("dialog-body").replaceChildren(...children);
  if (!at("dialog").open) at("dialog").showModal();
}

/** @param {string} path @param {(found: any) => Node} draw @param {string} title */
async function fetched(path, draw, title) {
  open(title, make("p", { class: "quiet" }, "asking the server …"));
  try { at("dialog-body").replaceChildren(draw(await ask(path))); } catch (error) { at("dialog-body").replaceChildren(make("p", { class: "error" }, String(/** @type {Error} */ (error).message))); }
}

/** @param {number|null} here @param {(id: number) => void} choose */
export const openSky = (here, choose) => fetched(`/api/sky?${chosen()}`, (sky) => skyMap(sky, here, (id) => { at("dialog").close(); choose(id); }), "Sky");

/** @param {string[]} heads @param {any[][]} rows */
const table = (heads, rows) => make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((h) => make("th", { scope: "col" }, h)))),
  make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, String(cell)))))));

export const openAgreement = () => fetched("/api/agreement", (found) => make("div", {},
  make("p", {}, `${found.candidates} candidates have votes, ${found.items} of them of several users, ${found.unanimous} unanimous. Krippendorff's alpha: ${found.alpha === null ? "not defined yet" : shown(found.alpha, 3)} (1 perfect, 0 as by chance).`),
  table(["Label", "Votes"], Object.entries(found.labels)),
  found.pairs.length ? table(["Users", "Both voted", "Alike"], found.pairs.map((/** @type {any} */ p) => [p.users.join(", "), p.items, `${(100 * p.share).toFixed(0)} %`])) : ""), "Agreement");

/** The audit log, of one object or day where asked for. @param {string} here the object that is shown */
export function openLog(here) {
  const words = make("input", { name: "object", type: "search", maxlength: 100, placeholder: here || "object" });
  const day = make("input", { name: "day", type: "date" });
  const user = make("input", { name: "user", maxlength: 40, autocomplete: "off" });
  const said = make("div", {});
  /** @type {any[]} */ let rows = [];
  const look = async (/** @type {boolean} */ further) => {
    const asked = new URLSearchParams({ object: words.value.trim(), day: day.value, user: user.value.trim(), ...(further && rows.length ? { before: String(rows[rows.length - 1].id) } : {}) });
    try {
      const found = await ask(`/api/audit?${asked}`);
      rows = further ? [...rows, ...found.rows] : found.rows;
      said.replaceChildren(table(["When (UT)", "Who", "What", "Object", "Detail"],
        rows.map((r) => [new Date(r.at * 1000).toISOString().slice(0, 19).replace("T", " "), r.user, r.action, r.object_id, r.detail])),
      ...(found.rows.length === 100 ? [make("button", { type: "button", onclick: () => look(true) }, "Older")] : rows.length ? [] : [make("p", { class: "quiet" }, "Nothing.")]));
    } catch (error) { said.replaceChildren(make("p", { class: "error" }, String(/** @type {Error} */ (error).message))); }
  };
  const form = make("form", { class: "row", onsubmit: (/** @type {Event} */ e) => { e.preventDefault(); look(false); } }, make("label", {}, "Object", words), make("label", {}, "Day (UT)", day),
    make("label", {}, "User", user), make("button", {}, "Show"), here && make("button", { type: "button", onclick: () => { words.value = here; look(false); } }, `Only ${here}`));
  open("Audit log", form, said);
  look(false);
}

export const openRefused = () => fetched("/api/refused", (found) => table(["Object", "Alert", "Reason", "From"],
  found.rows.map((/** @type {any} */ r) => [r.object_id, r.alert_id, r.reason, r.origin])), "Alerts that could not be used, the last hundred");

export function openExport() {
  const words = chosen();
  const forms = [["csv", "CSV: the list with votes, notes and probabilities"], ["json", "JSON: the same, nested"], ["labels", "Labels for training: lcjax train … --labels FILE"], ["tns", "TNS bulk report of accepted candidates (checked, not sent)"]];
  const said = make("p", { class: "error", role: "alert" });
  const save = async (/** @type {string} */ form) => {
    said.textContent = "";
    const answer = await fetch(`/api/export/${form}?${words}`, { credentials: "same-origin" });
    if (!answer.ok) { const told = await answer.json().catch(() => ({})); said.textContent = told.error || `status ${answer.status}`; return; }
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || form;
    const address = URL.createObjectURL(await answer.blob());
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };
  open("Export", make("p", {}, "All candidates of the list as it is filtered now."), make("div", { class: "buttons" }, ...forms.map(([form, text]) => make("button", { type: "button", id: `export-${form}`, onclick: () => save(form) }, text))), said);
}

/** @param {import("./keys.js").Binding[]} known @param {() => void} tour */
export function openHelp(known, tour) {
  const rows = [...known.map(({ shown: key, text }) => [key, text]), ["Esc", "leave a field or window"]];
  const cells = rows.map(([key, text]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, text)));
  open("Keys", make("dl", { class: "keys" }, ...cells),
    make("button", { type: "button", onclick: () => { at("dialog").close(); tour(); } }, "Guided tour"));
}
