/** Talking to the server: one sentence for every fault, and an outbox that loses no vote. */

/** @type {string} */
let csrf = "";
/** @param {string} token */
export function useToken(token) { csrf = token; }

export class Refused extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) { super(text); this.status = status; }
}

/** @param {string} path @param {any} [body] @returns {Promise<any>} */
export async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": csrf }, body: JSON.stringify(body) };
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  if (answer.ok) return answer.json();
  let text = `the server answers with status ${answer.status}`;
  try { const said = await answer.json(); text = said.error || said.detail || text; } catch { /* no JSON: the status will do */ }
  throw new Refused(answer.status, text);
}

/** @param {number} id @param {{height: number, width: number}[]} stamps @returns {Promise<Float32Array[]>} */
export async function pixels(id, stamps) {
  const answer = await fetch(`/api/candidates/${id}/stamps`, { credentials: "same-origin" });
  if (!answer.ok) throw new Refused(answer.status, "the stamps cannot be read");
  const raw = await answer.arrayBuffer();
  let begin = 0;
  return stamps.map((stamp) => {
    const count = stamp.height * stamp.width;
    const part = new Float32Array(raw, begin, count);
    begin += 4 * count;
    return part;
  });
}

/** @returns {string} */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * Requests that must arrive: kept in the browser until the server says they are on its disk, sent in order, again and again with
 * the same key. The server counts a key once.
 */
export class Outbox {
  /** @param {string} user @param {(waiting: number, trouble: string) => void} tell @param {(path: string, answer: any) => void} done */
  constructor(user, tell, done) {
    this.user = user;
    this.name = `lcjax-hunt-outbox ${user}`;
    this.tell = tell;
    this.done = done;
    this.busy = false;
    this.stopped = false;
    /** @type {{path: string, body: any}[]} */
    this.waiting = this.stored();
    this.send();
  }

  /** @param {string} path @param {any} body */
  add(path, body) {
    this.waiting.push({ path, body: { ...body, key: newKey() } });
    this.keep();
    this.send();
  }

  /** What a page of this user has left behind; nothing where that is damaged. @returns {{path: string, body: any}[]} */
  stored() {
    try {
      const found = JSON.parse(localStorage.getItem(this.name) || "[]");
      return found.filter((/** @type {any} */ one) => typeof one?.path === "string" && typeof one.body?.key === "string");
    } catch { return []; }
  }

  /** @param {string} [done] key of a request that is through: another window of this user may have others waiting, which stay */
  keep(done) {
    const mine = new Set(this.waiting.map(({ body }) => body.key));
    const others = this.stored().filter(({ body }) => !mine.has(body.key) && body.key !== done);
    try { localStorage.setItem(this.name, JSON.stringify([...others, ...this.waiting])); } catch { /* no room: what waits is still sent while the page is open */ }
    this.tell(this.waiting.length, "");
  }

  /** Another window of this browser has logged in: where it is the same user, its session is this page's as well. */
  async renew() {
    const me = await ask("/api/me").catch(() => null);
    if (me?.user === this.user) useToken(me.csrf);
    else if (me) this.tell(this.waiting.length, `this browser is now ${me.user}'s; they wait for ${this.user}`);
  }

  async send() {
    if (this.busy || this.stopped) return;
    this.busy = true;
    let pause = 500;
    while (this.waiting.length && !this.stopped) {
      const { path, body } = this.waiting[0];
      try {
        const answer = await ask(path, body);
        this.waiting.shift();
        this.keep(body.key);
        this.done(path, answer);
        pause = 500;
      } catch (error) {
        const refused = error instanceof Refused && error.status < 500 && ![401, 403, 408, 421, 429].includes(error.status);
        if (refused) { this.waiting.shift(); this.keep(body.key); }
        this.tell(this.waiting.length, String(/** @type {Error} */ (error).message));
        if (refused) continue;
        if (error instanceof Refused && error.status === 403) await this.renew();
        await new Promise((wake) => setTimeout(wake, pause));
        pause = Math.min(2 * pause, 8000);
      }
    }
    this.busy = false;
  }
}
