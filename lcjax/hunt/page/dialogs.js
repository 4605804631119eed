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

export const openLog = () => fetched("/api/audit", (found) => table(["When (UT)", "Who", "What", "Object", "Detail"],
  found.rows.map((/** @type {any} */ r) => [new Date(r.at * 1000).toISOString().slice(0, 19).replace("T", " "), r.user, r.action, r.object_id, r.detail])), "Audit log, the last hundred");

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

/** @param {import("./types.js").Me} me */
export function openHelp(me) {
  const others = me.labels.filter((label) => label !== me.wanted && label !== me.bogus);
  const keys = [["J or ↓", "next candidate"], ["K or ↑", "previous candidate"], ["A", `accept: ${me.wanted}; again: withdraw`], ["R", `reject: ${me.bogus}; again: withdraw`],
    ...others.map((label, i) => [String(i + 1), `label ${label}`]), ["U", "undo your last vote"], ["+ −", "zoom"], ["B", "blink science and template"], ["I", "invert"], ["N", "north up, east left"], ["H", "show the host"],
    ["E", "explain by the first model"], ["M", "write a note"], ["T", "write a tag"], ["/", "search"], ["S", "sky map"], ["?", "these keys"], ["Esc", "leave a field or window"]];
  open("Keys", table(["Key", "What it does"], keys));
}
