/**
 * Tests of the backup that this screen asks for.
 *
 *   cut on air ─▶ asked: what would be cut, and what then ─▶ confirmed ─▶ sent with the input that was named
 *                   └─▶ kept, or something else came on air: nothing is asked any more
 */
import type { Problem } from '../api/http';
import { steer } from '../api/resources';
import type { SwitchStatus } from '../api/types';
import { cutWarning } from '../model/switch/story';
import { ARM_MS } from '../model/switch/take';
import { wordsOf } from './desk.svelte';

export class Drills {
  busy = $state(false);
  error = $state('');
  /** What cutting the main would do, in the server's words; empty while nothing is asked. */
  question = $state('');
  /** The input that the question is about. */
  cut = $state<string | null>(null);
  #askedAt = 0;
  /** Rises with each question and with its end, so that a late answer is known as one. */
  #turn = 0;
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  async run(body: Record<string, unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = '';
    try {
      await steer(this.#source, 'drill', body);
      this.keep();
    } catch (problem) {
      this.error = wordsOf(problem);
    } finally {
      this.busy = false;
    }
  }

  /** Asked without its confirmation, the server says what it would do. */
  async ask(status: SwitchStatus, differs: boolean, now = performance.now()): Promise<void> {
    if (status.active === null || this.busy) return;
    this.error = '';
    this.#askedAt = now;
    this.cut = status.active;
    this.question = cutWarning(status);
    const turn = ++this.#turn;
    try {
      await steer(this.#source, 'drill', { input: this.cut, on_air: true });
      if (turn === this.#turn) this.keep();
    } catch (problem) {
      if (turn !== this.#turn) return;
      const { status: code, detail } = problem as Problem;
      // Its advice is for scripts: how to confirm.
      if (code === 409) this.question = [detail, differs ? 'Its format differs: players start anew.' : ''].filter(Boolean).join(' ');
      else {
        this.keep();
        this.error = wordsOf(problem);
      }
    }
  }

  /** The second click of a double one confirms nothing. */
  confirm(now = performance.now()): void {
    if (this.cut !== null && now - this.#askedAt >= ARM_MS) void this.run({ input: this.cut, on_air: true, confirm: this.#source });
  }

  /** Nothing is asked any more, whatever the server still answers. */
  keep(): void {
    this.#turn += 1;
    this.question = '';
    this.cut = null;
  }

  /** Follows the stream: what was asked about is not on air any more. */
  follow(status: SwitchStatus): void {
    if (this.cut !== null && this.cut !== status.active) this.keep();
  }
}
