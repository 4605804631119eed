/** The ranked list: pages as they are scrolled to, one selected row, votes shown before the server has them. */

import { ask } from "./api.js";
import { at, date, make, shown } from "./dom.js";
import { chosen, sortBy } from "./filters.js";

/** @type {[string, string, (row: import("./types.js").Row) => string, string][]} */
const COLUMNS = [
  ["object_id", "Object", (r) => r.object_id, ""],
  ["score", "Score", (r) => shown(r.score, 3), ""],
  ["", "Vote", (r) => (r.decision || (r.n_votes ? "disputed" : "")), ""],
  ["magnitude", "Mag", (r) => `${shown(r.magnitude, 1)} ${r.band}`, ""],
  ["n_detections", "Det.", (r) => String(r.n_detections), ""],
  ["first_mjd", "First seen", (r) => date(r.first_mjd).slice(0, 10), "wide-only date"],
  ["known_separation", "Flags", (r) => flags(r).map(([sign]) => sign).join(" "), ""],
  ["entropy", "Entropy", (r) => shown(r.entropy, 2), "roomy-only"],
];

const MOST = 500;  // rows that the server gives at once

/** Signs of what speaks against a candidate, with what they mean. @param {import("./types.js").Row} r @returns {[string, string][]} */
function flags(r) {
  /** @type {[string, string][]} */ const found = [];
  if (r.known) found.push(["K", `known: ${r.known}`]);
  if (r.duplicate_of) found.push(["=", `at the place of ${r.duplicate_of}`]);
  if (r.solar_system_distance !== null && r.solar_system_distance <= 5) found.push(["☄", `solar-system object ${shown(r.solar_system_distance, 1)}″ away`]);
  if (r.star_score !== null && r.star_distance !== null && r.star_score > 0.5 && r.star_distance < 1) found.push(["★", "on a star"]);
  return found;
}

/** @param {import("./types.js").Row[]} rows @param {import("./types.js").State} state @returns {boolean} whether it is one of them */
function tell(rows, state) {
  const row = rows.find((r) => r.id === state.id);
  if (row) Object.assign(row, { decision: state.decision, agreed: state.agreed, n_votes: state.n_votes });
  return Boolean(row);
}

export class List {
  /** @param {import("./types.js").Me} me @param {(row: import("./types.js").Row|null) => void} select */
  constructor(me, select) {
    this.me = me;
    this.onSelect = select;
    /** @type {import("./types.js").Row[]} */ this.rows = [];
    this.cursor = "";
    /** @type {number|null} */ this.total = null;
    /** @type {number|null} */ this.selected = null;
    /** @type {Map<number, string>} votes of mine that are not confirmed yet */ this.mine = new Map();
    /** @type {Map<number, {said: string, line: any}>} lines that are drawn, with what they say */ this.lines = new Map();
    /** @type {Map<number, import("./types.js").State>} told since the page that is under way was asked for: newer than what it says */ this.told = new Map();
    this.place = 0;  // of the selected row, for when it leaves the list
    this.asked = 0;
    this.loading = false;
    at("more").onclick = () => this.more();
    const scroller = at("scroller");
    scroller.addEventListener("scroll", () => { if (scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 600) this.more(); });
  }

  heads() {
    const form = at("filters");
    at("heads").replaceChildren(...COLUMNS.map(([column, text, , kind]) => {
      const here = column && form.elements.sort.value === column;
      const down = form.elements.order.value === "descending";
      return make("th", { class: kind, scope: "col", "aria-sort": here ? (down ? "descending" : "ascending") : null },
        column ? make("button", { type: "button", onclick: () => { sortBy(column); this.load(); } }, text + (here ? (down ? " ▾" : " ▴") : "")) : text);
    }));
  }

  /** The first page anew; the selected candidate stays selected where it is still there. @param {boolean} [keep] @returns {Promise<boolean>} whether the server gave it */
  async load(keep = false) {
    const asked = ++this.asked;
    this.told.clear();
    this.heads();
    const wanted = keep ? Math.max(100, this.rows.length) : 100;  // as far as it was scrolled
    let page;
    try {
      page = await ask(`/api/candidates?${chosen()}&limit=${Math.min(MOST, wanted)}`);
      while (page.cursor && page.rows.length < wanted && asked === this.asked) {
        const more = await ask(`/api/candidates?${chosen()}&limit=${Math.min(MOST, wanted - page.rows.length)}&cursor=${encodeURIComponent(page.cursor)}`);
        page = { rows: [...page.rows, ...more.rows], cursor: more.cursor, total: page.total };
      }
      at("list-error").textContent = "";
    } catch (error) {
      at("list-error").textContent = String(/** @type {Error} */ (error).message);
      return false;
    }
    if (asked !== this.asked) return false;
    const each = new Map(page.rows.map((/** @type {any} */ row) => [row.id, row]));  // a row whose score changed between two pages is on both
    Object.assign(this, { rows: [...each.values()], cursor: page.cursor, total: page.total });
    for (const state of this.told.values()) tell(this.rows, state);
    this.draw();
    if (keep && this.selected !== null) return true;
    if (!this.rows.some((row) => row.id === this.selected)) this.select(this.rows[0] || null);
    return true;
  }

  async more() {
    if (!this.cursor || this.loading) return;
    this.loading = true;
    const asked = this.asked;
    try {
      const page = await ask(`/api/candidates?${chosen()}&cursor=${encodeURIComponent(this.cursor)}`);
      if (asked !== this.asked) return;
      const there = new Set(this.rows.map((row) => row.id));
      this.rows.push(...page.rows.filter((/** @type {any} */ row) => !there.has(row.id)));
      this.cursor = page.cursor;
      this.draw();
    } catch (error) {
      at("list-error").textContent = String(/** @type {Error} */ (error).message);
    } finally {
      this.loading = false;
    }
  }

  draw() {
    at("total").textContent = this.total === null ? "" : this.total.toLocaleString("en");
    const lines = this.rows.map((row) => this.drawn(row));
    if (lines.length !== at("rows").childElementCount || lines.some((line, i) => line !== at("rows").children[i])) {
      const focused = /** @type {HTMLElement|null} */ (at("rows").contains(document.activeElement) ? document.activeElement : null);
      at("rows").replaceChildren(...lines);
      focused?.focus();
    }
    if (this.lines.size > lines.length) { const here = new Set(this.rows.map((row) => row.id)); for (const id of [...this.lines.keys()]) if (!here.has(id)) this.lines.delete(id); }
    const place = this.rows.findIndex((row) => row.id === this.selected);
    if (place >= 0) this.place = place;
    at("more").hidden = !this.cursor;
    at("empty").hidden = this.rows.length > 0;
  }

  /** Says why the list is empty. @param {number} candidates of the whole night @param {number} refused */
  nothing(candidates, refused) {
    at("empty").textContent = candidates ? "No candidate fits these filters: X clears them." : refused ? `No alert that came can be shown: all ${refused} are set aside; the button above says why.` : `No alerts have come yet. ${this.me.feed}: what comes is shown here.`;
  }

  /** The line of a row, made anew only where it says something else: a list may be thousands long. @param {import("./types.js").Row} row */
  drawn(row) {
    const said = JSON.stringify([row, this.mine.get(row.id) ?? null]);
    let found = this.lines.get(row.id);
    if (!found || found.said !== said) { found = { said, line: this.line(row) }; this.lines.set(row.id, found); }
    found.line.setAttribute("aria-selected", row.id === this.selected);
    return found.line;
  }

  /** @param {import("./types.js").Row} row */
  line(row) {
    return make("tr", { id: `row-${row.id}`, "aria-selected": row.id === this.selected, onclick: () => this.select(row) },
      ...COLUMNS.map(([column, text, value, kind]) => {
        if (column === "object_id") return make("td", { class: "name", title: row.object_id }, make("button", { type: "button", "aria-label": `Open ${row.object_id}` }, value(row)));
        if (text === "Flags") { const said = flags(row).map(([, meaning]) => meaning).join("; "); return make("td", said ? { class: "flags", title: said, "aria-label": said } : {}, value(row)); }
        const label = text === "Vote" ? this.mine.get(row.id) ?? value(row) : value(row);
        const verdict = text !== "Vote" || !label ? "" : label === this.me.wanted ? "vote-accept" : label === this.me.bogus ? "vote-reject" : "";
        return make("td", { class: `${kind} ${verdict}`.trim() || null }, label + (text === "Vote" && label && row.n_votes > 1 ? ` (${row.n_votes})` : ""));
      }));
  }

  /** @param {number} id */
  redraw(id) {
    const row = this.rows.find((r) => r.id === id);
    const there = at(`row-${id}`);
    if (!row || !there) return;
    const focused = there.contains(document.activeElement);
    const line = this.drawn(row);
    if (line !== there) there.replaceWith(line);
    if (focused) line.querySelector("button").focus();
  }

  /** @param {import("./types.js").Row|null} row */
  select(row) {
    const before = this.selected;
    this.selected = row ? row.id : null;
    if (before !== null) at(`row-${before}`)?.setAttribute("aria-selected", "false");
    const now = row && at(`row-${row.id}`);
    if (now) { now.setAttribute("aria-selected", "true"); now.scrollIntoView({ block: "nearest" }); }
    const place = row ? this.rows.findIndex((other) => other.id === row.id) : -1;
    if (place >= 0) this.place = place;
    this.onSelect(row);
  }

  /** @param {number} by */
  step(by) {
    const found = this.rows.findIndex((row) => row.id === this.selected);
    const here = found >= 0 ? found : this.place - (by > 0 ? 1 : 0);  // it left the list: what came after it stands in its place
    const next = this.rows[Math.max(0, here + by)];
    if (next && next.id !== this.selected) this.select(next);
    if (here + by > this.rows.length - 30) this.more();
    return Boolean(next);
  }

  /** The rows behind the selected one. @param {number} count */
  following(count) {
    const here = this.rows.findIndex((row) => row.id === this.selected);
    return [...this.rows.slice(here + 1, here + 1 + count), ...this.rows.slice(Math.max(0, here - 1), here)];
  }

  /** What the server says of a candidate now. @param {import("./types.js").State} state */
  update(state) {
    this.told.set(state.id, state);
    if (tell(this.rows, state)) this.redraw(state.id);
  }
}
