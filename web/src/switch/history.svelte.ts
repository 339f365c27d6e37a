/** What has happened to a switch: read once, then followed. */
import { untrack } from 'svelte';
import { readEventsOf } from '../api/resources';
import type { TypedEvent } from '../api/types';
import { historyOf, SWITCH_EVENTS, type Told } from '../model/switch/story';
import { live } from '../state/live.svelte';
import { wordsOf } from './desk.svelte';

/** Of each kind. */
export const READ_MAX = 200;

export class SwitchHistory {
  #events = $state.raw<TypedEvent[]>([]);
  /** Why the earlier ones could not be read. */
  failed = $state('');
  readonly list: Told[] = $derived.by(() => historyOf(this.#events, this.#source));
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      const found = (await Promise.all(SWITCH_EVENTS.map((kind) => readEventsOf(kind, READ_MAX)))).flat();
      this.#events = [...this.#events, ...found];
      this.failed = '';
    } catch (problem) {
      this.failed = wordsOf(problem);
    }
  }

  /** To be called in an effect: each event that comes is added. */
  follow(): void {
    const { event } = live;
    if (event && SWITCH_EVENTS.includes(event.kind)) this.#events = [event, ...untrack(() => this.#events)].slice(0, 3 * READ_MAX);
  }
}
