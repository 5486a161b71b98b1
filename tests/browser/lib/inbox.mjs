// The development inbox: one JSON object a line, as the `file` provider writes them.
import { open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Reads lines of a growing file, from where it ended when the reading began. */
export class Inbox {
  #path;
  #offset;
  #lines = [];

  static async at(path) {
    const inbox = new Inbox();
    inbox.#path = path;
    inbox.#offset = (await sizeOf(path)) ?? 0;
    return inbox;
  }

  /** The next line that `wanted` accepts; earlier ones are dropped. */
  async next(wanted = () => true, timeout = 15_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
      await this.#read();
      while (this.#lines.length > 0) {
        const line = this.#lines.shift();
        if (wanted(line)) return line;
      }
      if (Date.now() > deadline) throw new Error(`no such text in ${this.#path} within ${timeout} ms`);
      await pause(20);
    }
  }

  /** The code of the next text, to a number if one is given. */
  async code({ to, timeout } = {}) {
    const { text } = await this.next((line) => to === undefined || line.to === to, timeout);
    const code = /(?<!\d)\d{6,8}(?!\d)/.exec(text)?.[0];
    if (code === undefined) throw new Error(`no code in the text: ${text}`);
    return code;
  }

  /** How many texts have come and were not taken. */
  async waiting() {
    await this.#read();
    return this.#lines.length;
  }

  async #read() {
    const size = await sizeOf(this.#path);
    if (size === undefined || size <= this.#offset) return;
    const file = await open(this.#path);
    try {
      const length = size - this.#offset;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, this.#offset);
      // A line that is still being written waits for the next time.
      const end = buffer.lastIndexOf('\n') + 1;
      this.#offset += end;
      const lines = buffer.toString('utf8', 0, end).split('\n').filter((line) => line !== '');
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
    } finally {
      await file.close();
    }
  }
}

async function sizeOf(path) {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
