/** The hands on a switch: what this screen has chosen, asked and sent. Where the switch stands comes from the stream. */
import type { Problem } from '../api/http';
import { steer, type SwitchAct } from '../api/resources';
import type { SwitchStatus } from '../api/types';
import { ARM_MS, rests, takeWords, WAIT_MS, type TakeState } from '../model/switch/take';
import { previewOf } from '../model/switch/status';

export class Desk {
  /** Chosen on this screen; null leaves it to the server. */
  chosen = $state<string | null>(null);
  take = $state.raw<TakeState>({ waitingFor: null, since: null });
  /** The preview that is asked about once more, because it is not ready. */
  asked = $state<string | null>(null);
  /** Why the last act was refused, in words. */
  refused = $state('');
  busy = $state<SwitchAct | null>(null);
  #askedAt = 0;
  /** When an act was answered, by what it toggles. */
  readonly #doneAt = new Map<SwitchAct, number>();
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  choose(name: string | null): void {
    this.chosen = name;
    this.asked = null;
    this.refused = '';
  }

  /** One press of TAKE, by key or by hand. */
  press(status: SwitchStatus, stale: boolean, now = performance.now()): void {
    const preview = previewOf(status, this.chosen);
    const { may } = takeWords(status, preview, this.take, now, Date.now(), stale);
    if (preview === null || may === 'no') {
      // What was asked of another state of things is asked anew.
      this.asked = null;
      return;
    }
    if (this.asked === preview) {
      // It may have become ready meanwhile: then nothing is forced.
      if (now - this.#askedAt >= ARM_MS) void this.#send(preview, may === 'ask', now);
      return;
    }
    if (may === 'ready') return void this.#send(preview, false, now);
    this.asked = preview;
    this.#askedAt = now;
    this.refused = '';
  }

  /** Ends a drill on air: what it cuts is taken back. Pressed twice it is sent once. */
  takeBack(cut: string, stale: boolean, now = performance.now()): void {
    if (stale || this.take.waitingFor !== null || rests(this.take, now)) return;
    void this.#send(cut, false, now);
  }

  /** Follows the stream: a take has come on air, or has not for too long. */
  follow(status: SwitchStatus, now = performance.now()): void {
    const { waitingFor, since } = this.take;
    if (this.asked !== null && (this.asked === status.active || status.locked)) this.asked = null;
    if (this.chosen !== null && this.chosen === status.active) this.chosen = null;
    if (waitingFor === null || since === null) return;
    if (waitingFor === status.active) this.take = { waitingFor: null, since: now };
    else if (now - since > WAIT_MS) {
      this.take = { waitingFor: null, since: null };
      this.refused = `${waitingFor} has not come on air in ${WAIT_MS / 1000} s. It may send no key frame; take again, or another input.`;
    }
  }

  /** Pressed twice it acts once: for a while after its answer the same finger does not take it back. */
  async act(act: Exclude<SwitchAct, 'take'>, body: Record<string, unknown> = {}): Promise<boolean> {
    const toggle = act === 'unlock' ? 'lock' : act;
    const done = this.#doneAt.get(toggle);
    if (this.busy !== null || (done !== undefined && performance.now() - done < ARM_MS)) return false;
    this.busy = act;
    this.refused = '';
    try {
      await steer(this.#source, act, body);
      this.#doneAt.set(toggle, performance.now());
      // What follows at once is a second press of that, and no take.
      if (act === 'return') this.take = { waitingFor: null, since: performance.now() };
      return true;
    } catch (problem) {
      this.refused = wordsOf(problem);
      return false;
    } finally {
      this.busy = null;
    }
  }

  async #send(input: string, force: boolean, now: number): Promise<void> {
    this.asked = null;
    this.refused = '';
    this.take = { waitingFor: input, since: now };
    try {
      await steer(this.#source, 'take', force ? { input, force } : { input });
    } catch (problem) {
      // What was refused may be tried again at once.
      this.take = { waitingFor: null, since: null };
      this.refused = wordsOf(problem);
    }
  }
}

export const wordsOf = (problem: unknown): string => (problem as Problem).sentence ?? (problem as Error).message;
