/** Loss over the last ten seconds from the packet counters, for servers that do not send the share itself. */
import type { SourceView } from '../api/types';

const WINDOW = 10;
/** Legs come and go with their ports; the meters of those long gone are forgotten. */
const METERS_MAX = 500;

interface Sample {
  received: number;
  lost: number;
}

/** One source's counters, one sample a second. */
export class LossMeter {
  #samples: Sample[] = [];

  /** The share in percent; null while there is nothing to compare with. */
  note(received: number, lost: number): number | null {
    const last = this.#samples.at(-1);
    // Counters that fall belong to a new connection.
    if (last && (received < last.received || lost < last.lost)) this.#samples = [];
    this.#samples.push({ received, lost });
    if (this.#samples.length > WINDOW + 1) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || this.#samples.length < 2) return null;
    const missing = lost - first.lost;
    const all = received - first.received + missing;
    return all === 0 ? 0 : Math.min(100, (missing / all) * 100);
  }
}

/** Fills in what is missing in the sources of one message. */
export class LossMeters {
  #meters = new Map<string, LossMeter>();

  fillIn(source: SourceView): SourceView {
    const { srt } = source;
    if (!srt || source.connection !== 'connected') return source;
    const legs = srt.legs?.map((leg) => ({ ...leg, loss_percent: this.#note(`${source.name} ${leg.peer}`, leg.packets_received, leg.packets_lost) }));
    const known = typeof srt.loss_percent === 'number';
    const loss_percent = known ? srt.loss_percent : this.#note(source.name, srt.packets_received, srt.packets_lost);
    return { ...source, srt: { ...srt, ...(loss_percent === undefined ? {} : { loss_percent }), ...(legs ? { legs } : {}) } };
  }

  #note(name: string, received: number | null | undefined, lost: number | null | undefined): number | null | undefined {
    if (typeof received !== 'number' || typeof lost !== 'number') return undefined;
    const meter = this.#meters.get(name) ?? new LossMeter();
    this.#meters.set(name, meter);
    const oldest = this.#meters.keys().next().value;
    if (this.#meters.size > METERS_MAX && oldest !== undefined) this.#meters.delete(oldest);
    return meter.note(received, lost);
  }
}
