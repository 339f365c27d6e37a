/** The live state: one EventSource, a message each second, and an honest word when they stop. */
import { readSession, streamPath } from '../api/resources';
import type { Alarm, ListenerView, OutputView, SourceView, StateMessage, TypedEvent } from '../api/types';
import { bearOut } from '../model/honesty';
import { LossMeters } from '../model/loss';
import { STALE_MS } from '../model/words';
import { clock } from './clock.svelte';
import { sparks } from './sparks';

/** A stream that is open but silent for this long is taken for dead and opened anew. */
const SILENCE_MS = 6000;
const RETRY_MS = 2000;
/** Messages come once a second, but not to the millisecond. */
const GRACE_MS = 500;

class Live {
  sources = $state.raw<SourceView[]>([]);
  outputs = $state.raw<OutputView[]>([]);
  listeners = $state.raw<ListenerView[]>([]);
  alarms = $state.raw<Alarm[]>([]);
  /** Counts messages, so that derived values know when to look again. */
  tick = $state(0);
  /** When the last message came, by the server's clock; null before the first. */
  lastAt = $state<number | null>(null);
  /** The newest typed event. */
  event = $state.raw<TypedEvent | null>(null);

  /** Values are old when no message came for two seconds, and a little grace. */
  readonly stale = $derived(this.lastAt === null || clock.now - this.lastAt > STALE_MS + GRACE_MS);
  /** The time the values belong to, in whole seconds: it stands still when they do. */
  readonly now = $derived(this.stale && this.lastAt !== null ? this.lastAt : Math.floor(clock.now / 1000) * 1000);

  #stream: EventSource | null = null;
  #watch: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  readonly #loss = new LossMeters();
  #signedOut: () => void = () => {};

  start(signedOut: () => void): void {
    this.stop();
    this.#signedOut = signedOut;
    this.#open();
    this.#watch = setInterval(() => this.#reopenWhenSilent(), RETRY_MS);
  }

  stop(): void {
    clearInterval(this.#watch);
    this.#stream?.close();
    this.#stream = null;
  }

  outputsOf(source: string): OutputView[] {
    return this.outputs.filter((output) => output.source === source);
  }

  #open(): void {
    this.#stream?.close();
    this.#heardAt = Date.now();
    const stream = new EventSource(streamPath);
    stream.addEventListener('state', (message) => this.#receive(JSON.parse(message.data) as StateMessage));
    stream.addEventListener('event', (message) => (this.event = JSON.parse(message.data) as TypedEvent));
    stream.addEventListener('error', () => void this.#checkSession());
    this.#stream = stream;
  }

  #receive(message: StateMessage): void {
    this.#heardAt = Date.now();
    clock.adjust(Date.parse(message.now));
    for (const source of message.sources) {
      sparks.add(source.name, source.connection === 'connected' ? source.bitrate_bps : null);
    }
    this.sources = message.sources.map((source) => bearOut(this.#loss.fillIn(source), message.outputs, message.alarms ?? []));
    this.outputs = message.outputs;
    this.listeners = message.listeners;
    this.alarms = message.alarms ?? [];
    this.lastAt = clock.now;
    this.tick += 1;
  }

  #reopenWhenSilent(): void {
    const dead = this.#stream?.readyState === EventSource.CLOSED;
    if (dead || Date.now() - this.#heardAt > SILENCE_MS) this.#open();
  }

  /** EventSource hides why it failed; asking for the session tells a lost login from a lost network. */
  async #checkSession(): Promise<void> {
    try {
      await readSession();
    } catch (problem) {
      if ((problem as { status?: number }).status === 401) this.#signedOut();
    }
  }
}

export const live = new Live();
