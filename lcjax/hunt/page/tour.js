/** A guided tour: a small window beside each part of the page, by keyboard or by buttons. Offered at the first visit of a browser. */

import { at, make } from "./dom.js";

const SEEN = "lcjax-hunt-tour";

/** @param {import("./types.js").Me} me @returns {[string, string, string][]} what it is beside, title, text */
const steps = (me) => [
  ["#list-title", "A night of candidates", "One row is one object; the best score of the first model comes first. Half a minute shows the page. Esc ends it; G begins it again, ? lists all keys."],
  ["#filters", "Filters", "They work on all candidates, not only on those shown: score, magnitude, position, dates, known objects, votes. A click on a column sorts."],
  ["#rows", "The list", "J and K, or the arrows, step through it; the next candidates are fetched while you look. ★ is a star, ☄ a solar-system object, K a known object, = a double."],
  [".stamps", "Stamps", "Science, template and difference share limits, stretch, zoom and cross-hair. V makes them large, L and C change limits and stretch, B blinks, + zooms."],
  ["#verdict", "Your verdict", `A accepts (${me.wanted}), R rejects (${me.bogus}), figures give other labels; the same key again withdraws, U undoes. The next candidate comes by itself.`],
  ["#saving", "Nothing is lost", "A vote is shown at once. Here you read when the server has it on its disk; until then it is kept in this browser and sent again."],
  ["#light-curve", "Light curve", "Points, limits (triangles) and forced photometry (squares), open circles fainter than the template. F folds it on a period."],
  ["#classes", "Classes", "Probabilities of every model and their entropy. E hides patches of the stamps to show what the model goes by."],
  ["#talk", "Votes, tags, notes", "M writes a note, T a tag. What others vote is here; Agreement, above, says how alike you are."],
  ["nav", "All the rest", "Sky map, agreement, audit log, and Export: CSV, JSON, labels to train with, and a report for TNS that is checked and never sent from here."],
];

/** @param {import("./types.js").Me} me */
export function startTour(me) {
  const window_ = at("tour");
  if (window_.open) return;
  const all = steps(me).filter(([where]) => document.querySelector(where));
  let here = 0;
  const move = (/** @type {number} */ by) => {
    if (here + by < 0) return;
    if (here + by >= all.length) { window_.close(); return; }
    here += by;
    show();
  };
  const back = make("button", { type: "button", onclick: () => move(-1) }, "Back");
  const next = make("button", { type: "button", id: "tour-next", onclick: () => move(1) }, "Next");
  const title = make("h2", { id: "tour-title" });
  const text = make("p", { id: "tour-text" });
  const count = make("span", { class: "quiet" });
  const show = () => {
    const [where, name, words] = all[here];
    mark(where);
    title.textContent = name;
    text.textContent = words;
    count.textContent = `${here + 1} of ${all.length}`;
    back.disabled = here === 0;
    next.textContent = here === all.length - 1 ? "Done" : "Next";
    place(window_, /** @type {Element} */ (document.querySelector(where)));
    next.focus();
  };
  window_.replaceChildren(make("div", { "aria-live": "polite" }, title, text),
    make("div", { class: "buttons" }, count, back, next, make("button", { type: "button", id: "tour-skip", onclick: () => window_.close() }, "Skip the tour")));
  window_.onkeydown = (/** @type {KeyboardEvent} */ e) => {
    const by = /** @type {Object<string, number>} */ ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 })[e.key];
    if (by) { e.preventDefault(); move(by); }
  };
  window_.onclose = () => { localStorage.setItem(SEEN, "seen"); mark(null); };
  window_.showModal();
  show();
}

/** At the first visit of this browser. @param {import("./types.js").Me} me */
export function offerTour(me) {
  if (localStorage.getItem(SEEN) === null) startTour(me);
}

/** @param {string|null} where */
function mark(where) {
  document.querySelectorAll(".toured").forEach((element) => element.classList.remove("toured"));
  const element = where && document.querySelector(where);
  if (!element) return;
  element.classList.add("toured");
  element.scrollIntoView({ block: "nearest" });
}

/** Under the element, over it, or beside it: where there is room. @param {any} window_ @param {Element} beside */
function place(window_, beside) {
  const box = beside.getBoundingClientRect();
  const [width, height] = [window_.offsetWidth, window_.offsetHeight];
  const gap = 12;
  let top = box.bottom + gap;
  let left = box.left;
  if (top + height > innerHeight) top = box.top - height - gap;
  if (top < 0) {
    top = Math.max(gap, Math.min(box.top, innerHeight - height - gap));
    left = box.right + gap + width < innerWidth ? box.right + gap : box.left - width - gap;
  }
  Object.assign(window_.style, { margin: "0", top: `${top}px`, left: `${Math.max(gap, Math.min(left, innerWidth - width - gap))}px` });
}
