// The one clock of the pages: server time, ticking once a second.
//
// A browser's clock may be wrong; the gateway's hello and status answers set the difference, and
// "now" lines, ages and past/upcoming all follow the server.

class Now {
  /** Server time in milliseconds; reactive, changes once a second. */
  ms = $state(Date.now());
  #ahead = 0;

  constructor() {
    setInterval(() => this.#tick(), 1000);
  }

  /** Server time at this very moment, not reactive. */
  read(): number {
    return Date.now() + this.#ahead;
  }

  /** Takes the server's own statement of its time (RFC 3339). */
  learn(serverTime: string): void {
    const server = Date.parse(serverTime);
    if (Number.isNaN(server)) return;
    this.#ahead = server - Date.now();
    this.#tick();
  }

  /** How far the browser's clock is off, in milliseconds; positive when it is behind. */
  get behindMs(): number {
    return this.#ahead;
  }

  #tick() {
    this.ms = this.read();
  }
}

export const now = new Now();
