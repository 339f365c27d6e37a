/** The time shown and counted with: the server's, so that a wrong clock in the browser misleads nobody. */

const TICK_MS = 250;

class Clock {
  /** Milliseconds since the epoch by the server's clock, moving in steps of a quarter second. */
  now = $state(Date.now());
  #offset = 0;

  constructor() {
    setInterval(() => (this.now = Date.now() + this.#offset), TICK_MS);
  }

  /** Learns the server's time from a message that has just arrived. */
  adjust(serverNow: number): void {
    if (!Number.isFinite(serverNow)) return;
    this.#offset = serverNow - Date.now();
    this.now = serverNow;
  }
}

export const clock = new Clock();
