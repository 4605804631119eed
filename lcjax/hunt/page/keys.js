/** Every key of the page, once: what it is called, what it does. The overlay of keys is made of the same list. */

import { at } from "./dom.js";

/** @typedef {{keys: string[], shown: string, text: string, act: () => void}} Binding */

/** @param {any} page @returns {Binding[]} */
export function bindings(page) {
  const { me, list, open } = page;
  const others = me.labels.filter((/** @type {string} */ label) => label !== me.wanted && label !== me.bogus);
  const press = (/** @type {any} */ button) => button?.click();
  const toggle = (/** @type {string} */ name) => () => press(page.stamps?.toggles?.[name]);
  /** @type {[string, string, string, () => void][]} */
  const rows = [
    ["j arrowdown", "J or ↓", "next candidate", () => list.step(1)],
    ["k arrowup", "K or ↑", "previous candidate", () => list.step(-1)],
    ["a", "A", `accept: ${me.wanted}; again: withdraw`, () => page.vote(me.wanted)],
    ["r", "R", `reject: ${me.bogus}; again: withdraw`, () => page.vote(me.bogus)],
    ...others.slice(0, 9).map((/** @type {string} */ label, /** @type {number} */ i) => [String(i + 1), String(i + 1), `label ${label}`, () => page.vote(label)]),
    ["u", "U", "undo your last vote", () => page.undo()],
    ["+ =", "+", "zoom in (then drag the stamp to move)", () => page.stamps?.zoom(1)],
    ["-", "−", "zoom out", () => page.stamps?.zoom(-1)],
    ["0", "0", "zoom as it came", () => page.stamps?.zoom(0)],
    ["v", "V", "large stamps, without the list", toggle("large")],
    ["l", "L", "next limits of the stamps", () => page.stamps?.cycle("limits")],
    ["c", "C", "next stretch of the stamps", () => page.stamps?.cycle("stretch")],
    ["p", "P", "next picture in colour", () => page.stamps?.cycle("picture")],
    ["b", "B", "blink science and template", toggle("blink")],
    ["i", "I", "invert", toggle("invert")],
    ["n", "N", "north up, east left", toggle("north")],
    ["h", "H", "show the host", toggle("host")],
    ["e", "E", "explain by the first model", () => page.showing.then(() => press(document.querySelector("#detail .explain")))],
    ["f", "F", "fold the light curve: write a period", () => at("period")?.focus()],
    ["w", "W", "the whole alert, open or closed", () => press(document.querySelector("#alert summary"))],
    ["m", "M", "write a note", () => at("note")?.focus()],
    ["t", "T", "write a tag", () => at("tag")?.focus()],
    ["/", "/", "search", () => at("filters").elements.text.focus()],
    ["x", "X", "clear all filters", () => at("filters").reset()],
    ["s", "S", "sky map", () => open.sky()],
    ["g", "G", "guided tour of the page", () => open.tour()],
    ["?", "?", "these keys", () => open.help()],
  ];
  return rows.map(([keys, shown, text, act]) => ({ keys: keys.split(" "), shown, text, act }));
}

/** @param {KeyboardEvent} event @param {() => Binding[]} known */
export function pressed(event, known) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.matches("input:not([type=checkbox]), textarea, select")) { if (event.key === "Escape") target.blur(); return; }
  const found = known().find(({ keys }) => keys.includes(event.key.toLowerCase()));
  if (!found) return;
  event.preventDefault();
  found.act();
}
