/** Brings the parts together: session, list, candidate, keys, prefetching, votes before the server has them. */

import { ask, Outbox, pixels, Refused, useToken } from "./api.js";
import { showDetail, showTalk, showVerdict } from "./detail.js";
import { openAgreement, openExport, openHelp, openLog, openRefused, openSky } from "./dialogs.js";
import { at, make } from "./dom.js";
import { setUpFilters } from "./filters.js";
import { bindings, pressed } from "./keys.js";
import { List } from "./list.js";
import { offerTour, startTour } from "./tour.js";

const AHEAD = 4;
const REMEMBERED = 40;

class Page {
  /** @param {import("./types.js").Me} me */
  constructor(me) {
    this.me = me;
    /** @type {Map<number, Promise<import("./types.js").Whole>>} */ this.cache = new Map();
    /** @type {import("./types.js").Detail|null} */ this.shown = null;
    /** @type {import("./stamps.js").Stamps|null} */ this.stamps = null;
    /** @type {number[]} candidates of my votes, for undo before the server knows */ this.voted = [];
    /** @type {import("./types.js").Row|null} selected, and the server did not give it */ this.unshown = null;
    this.revision = "";
    /** @type {Promise<void>} */ this.showing = Promise.resolve();
    this.list = new List(me, (row) => { this.showing = this.show(row); });
    this.outbox = new Outbox(me.user, (waiting, trouble) => this.saving(waiting, trouble), (path, answer) => this.saved(answer));
    at("login").onclose = () => { if (this.list.selected !== null && this.shown?.id !== this.list.selected) this.jump(this.list.selected).catch(() => {}); };
    this.open = { sky: () => openSky(this.list.selected, (id) => this.jump(id)), help: () => openHelp(bindings(this), this.open.tour), tour: () => startTour(me) };
    this.actions = {
      me, vote: (/** @type {string} */ label) => this.vote(label), undo: () => this.undo(), step: (/** @type {number} */ by) => { this.list.step(by); },
      note: (/** @type {string} */ text) => this.outbox.add(`/api/candidates/${this.list.selected}/notes`, { text }),
      tag: (/** @type {string} */ tag, /** @type {boolean} */ there) => this.tag(tag, there), mine: (/** @type {number} */ id) => this.myVote(id),
    };
  }

  /** @param {number} id @returns {Promise<import("./types.js").Whole>} */
  whole(id) {
    let found = this.cache.get(id);
    if (!found) {
      found = fetched(id);
      found.catch(() => this.cache.delete(id));
      this.cache.set(id, found);
      while (this.cache.size > REMEMBERED) this.cache.delete(/** @type {number} */ (this.cache.keys().next().value));
    }
    return found;
  }

  /** After news: what will be looked at next is fetched anew, and can be voted on meanwhile, even where the server is gone. */
  renewAhead() {
    const near = new Set(this.list.following(AHEAD).map((row) => row.id));
    for (const id of [...this.cache.keys()]) {
      if (id === this.list.selected) continue;
      if (!near.has(id)) { this.cache.delete(id); continue; }
      const fresh = fetched(id);
      fresh.then(() => { this.cache.set(id, fresh); if (this.shown?.id === id) this.refresh().catch(() => {}); }).catch(() => {});
    }
    this.ahead();
  }

  /** @param {import("./types.js").Row|null} row */
  async show(row) {
    if (!row) { this.shown = null; at("detail").replaceChildren(make("p", { class: "quiet" }, "Nothing is selected: no candidate is in the list.")); return; }
    const begun = performance.now();
    try {
      const whole = await this.whole(row.id);
      if (this.list.selected !== row.id) return;
      this.shown = whole.detail;
      this.stamps = showDetail(whole, this.actions);
      at("detail").dataset.shown = String(row.id);
      at("detail").dataset.milliseconds = (performance.now() - begun).toFixed(1);
      at("detail").scrollTop = 0;
      this.unshown = null;
    } catch (error) {
      if (this.list.selected !== row.id) return;
      this.unshown = row;
      if (error instanceof Refused && error.status === 401) { logIn(this.me.user); return; }
      at("detail").replaceChildren(make("p", { class: "error" }, String(/** @type {Error} */ (error).message)));
    }
    this.ahead();
  }

  /** Fetches what will be looked at next. */
  ahead() { for (const next of this.list.following(AHEAD)) this.whole(next.id).catch(() => {}); }

  /** @param {number} id */
  myVote(id) {
    const waiting = this.list.mine.get(id);
    if (waiting !== undefined) return waiting;
    const detail = this.shown && this.shown.id === id ? this.shown : null;
    return detail?.votes.find((v) => v.user === this.me.user)?.label || "";
  }

  /** @param {string} label */
  vote(label) {
    const id = this.list.selected;
    if (id === null || !this.shown || this.shown.id !== id) return;
    const wanted = this.myVote(id) === label ? "" : label;
    this.list.mine.set(id, wanted);
    this.list.redraw(id);
    showVerdict(this.shown, this.actions);
    this.voted.push(id);
    this.outbox.add(`/api/candidates/${id}/vote`, { label: wanted });
    if (wanted) this.list.step(1);
  }

  undo() {
    this.outbox.add("/api/undo", {});
    const id = this.voted.pop();
    if (id !== undefined) this.jump(id).catch(() => {});
  }

  /** @param {string} tag @param {boolean} there */
  async tag(tag, there) {
    try { this.saved(await ask(`/api/candidates/${this.list.selected}/tags`, { tag, there })); } catch (error) { this.saving(0, String(/** @type {Error} */ (error).message)); }
  }

  /** @param {number} waiting @param {string} trouble */
  saving(waiting, trouble) {
    at("saving").textContent = trouble ? `${waiting} not saved yet: ${trouble}` : waiting ? `saving ${waiting} …` : "all saved";
    at("saving").className = trouble ? "warn" : "quiet";
    at("saving").dataset.waiting = String(waiting);
  }

  /** The server has it on its disk. @param {any} answer */
  saved(answer) {
    const state = answer && "state" in answer ? answer.state : answer;
    if (!state) return;
    const pending = this.outbox.waiting.some(({ path }) => path === `/api/candidates/${state.id}/vote` || path === "/api/undo");
    if (!pending) this.list.mine.delete(state.id);
    this.list.update(state);
    this.cache.get(state.id)?.then(({ detail }) => Object.assign(detail, state)).catch(() => {});
    if (!this.shown || this.shown.id !== state.id) return;
    Object.assign(this.shown, state);
    showVerdict(this.shown, this.actions);
    if (!this.writing()) showTalk(this.shown, this.actions);
  }

  async watch() {
    try {
      const p = await ask("/api/progress");
      this.list.nothing(p.candidates, p.refused);
      const parts = [`${p.candidates.toLocaleString("en")} candidates`];
      if (p.read) parts.push(`${p.read} files to read`);
      if (!p.ready) parts.push("the models are starting");
      if (p.classify) parts.push(`${p.classify.toLocaleString("en")} to classify`);
      if (p.hosts) parts.push(`${p.hosts.toLocaleString("en")} hosts to find`);
      at("progress").replaceChildren(parts.join(" · "), ...(p.refused ? [" · ", make("button", { type: "button", onclick: openRefused }, `${p.refused} set aside`)] : []),
        ...(p.troubles.length ? [make("span", { class: "error" }, ` · ${p.troubles.join("; ")}`)] : []));
      if (p.revision !== this.revision) {
        if (p.models.join() !== this.me.models.map((m) => m.name).join()) Object.assign(this.me, await ask("/api/me"));
        const listed = await this.list.load(true);
        await this.refresh();
        if (listed) this.revision = p.revision;
        this.renewAhead();
      }
      if (this.unshown && this.unshown.id === this.list.selected) await this.show(this.unshown);  // the server is back
    } catch (error) {
      if (error instanceof Refused && error.status === 401) logIn(this.me.user);
      at("progress").textContent = `the server does not answer: ${/** @type {Error} */ (error).message}`;
    }
    setTimeout(() => this.watch(), 2000);
  }

  /** What others did with the candidate that is shown, and what has come of it since. */
  async refresh() {
    const before = this.shown;
    if (!before || before.id !== this.list.selected) return;
    const now = await ask(`/api/candidates/${before.id}`);
    if (this.shown !== before) return;
    const seen = (/** @type {import("./types.js").Detail} */ d) => JSON.stringify([d.alert_id, d.n_detections, d.predictions, d.hosts, d.colours, d.known, d.duplicate_of]);
    const same = seen(now) === seen(before);
    if (!same) this.cache.delete(before.id);
    if (same || this.writing() || at("detail").querySelector(".explained:not(:empty)")) { this.saved(now); return; }
    await this.show(now);
  }

  /** Whether a note or tag is half written. */
  writing() { return Boolean(/** @type {any} */ (at("note"))?.value || document.activeElement?.id === "tag"); }

  /** @param {number} id */
  async jump(id) {
    const row = this.list.rows.find((r) => r.id === id) || (await this.whole(id)).detail;
    this.list.select(row);
  }
}

/** A candidate with its pixels, as the server has it now. @param {number} id @returns {Promise<import("./types.js").Whole>} */
async function fetched(id) {
  const detail = await ask(`/api/candidates/${id}`);
  return { detail, pixels: await pixels(id, [...detail.stamps, ...detail.colours]) };
}

function setUpTheme() {
  const root = document.documentElement;
  root.dataset.theme = localStorage.getItem("lcjax-hunt-theme") || "dark";  // eyes are adapted to the dome
  at("theme").onclick = () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; localStorage.setItem("lcjax-hunt-theme", root.dataset.theme); };
}

/** At the start, and when a session has ended: what is not sent yet, or half written, waits. @param {string} [user] whose page is open */
async function logIn(user) {
  const me = user && await ask("/api/me").catch(() => null);
  if (me && me.user === user) { useToken(me.csrf); return; }  // the answer is older than the session
  if (at("login").open) return;
  for (const name of ["dialog", "tour"]) if (at(name).open) at(name).close();
  at("login").showModal();
  at("login").oncancel = (/** @type {Event} */ e) => e.preventDefault();
  at("login-form").onsubmit = async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = event.target.elements;
    try {
      await ask("/api/login", { name: form.name.value, secret: form.secret.value });
      const me = await ask("/api/me");
      if (me.user !== user) { location.reload(); return; }
      useToken(me.csrf);
      form.secret.value = "";
      at("login").close();
    } catch (error) { at("login-error").textContent = String(/** @type {Error} */ (error).message); }
  };
}

async function start() {
  setUpTheme();
  /** @type {import("./types.js").Me} */ let me;
  try { me = await ask("/api/me"); } catch (error) {
    if (error instanceof Refused && error.status === 401) logIn();
    else at("list-error").textContent = String(/** @type {Error} */ (error).message);
    return;
  }
  useToken(me.csrf);
  at("who").textContent = me.user;
  at("feed").textContent = at("feed").title = me.feed;
  const page = new Page(me);
  setUpFilters(me, () => page.list.load());
  document.addEventListener("keydown", (event) => pressed(event, () => bindings(page)));
  at("open-sky").onclick = page.open.sky;
  at("open-agreement").onclick = openAgreement;
  at("open-log").onclick = () => openLog(page.shown?.object_id || "");
  at("open-export").onclick = openExport;
  at("open-help").onclick = page.open.help;
  at("logout").onclick = async () => { page.outbox.stopped = true; await ask("/api/logout", {}).catch(() => {}); location.reload(); };
  await page.list.load();
  page.watch();
  await page.showing;
  offerTour(me);
}

start();
