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

/** @param {number} id @param {import("./types.js").StampInfo[]} stamps @returns {Promise<Float32Array[]>} */
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
    this.name = `lcjax-hunt-outbox ${user}`;
    this.tell = tell;
    this.done = done;
    this.busy = false;
    this.stopped = false;
    /** @type {{path: string, body: any}[]} */
    this.waiting = JSON.parse(localStorage.getItem(this.name) || "[]");
    this.send();
  }

  /** @param {string} path @param {any} body */
  add(path, body) {
    this.waiting.push({ path, body: { ...body, key: newKey() } });
    this.keep();
    this.send();
  }

  keep() {
    localStorage.setItem(this.name, JSON.stringify(this.waiting));
    this.tell(this.waiting.length, "");
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
        this.keep();
        this.done(path, answer);
        pause = 500;
      } catch (error) {
        const refused = error instanceof Refused && error.status < 500 && ![401, 403, 408, 421, 429].includes(error.status);
        if (refused) this.waiting.shift();
        this.tell(this.waiting.length, String(/** @type {Error} */ (error).message));
        localStorage.setItem(this.name, JSON.stringify(this.waiting));
        if (refused) continue;
        await new Promise((wake) => setTimeout(wake, pause));
        pause = Math.min(2 * pause, 8000);
      }
    }
    this.busy = false;
  }
}
