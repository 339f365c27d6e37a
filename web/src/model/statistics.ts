/** Everything that SRT counts of a connection, as lists to read: what was counted, and what is so now. */
import type { SrtFigures } from '../api/types';
import { bitrate, count, milliseconds, words } from './format';
import { capital } from './sentence';

export interface Counted {
  name: string;
  total: string;
  /** In the last second. */
  second: string;
}

export interface Statistics {
  received: Counted[];
  sent: Counted[];
  /** What has not happened so far, by name: a list of zeros hides the rest. */
  never: string[];
  now: { name: string; value: string }[];
}

const SENDING = /^(packets_(sent|send|retransmitted|duplicated_in_advance)|bytes_(sent|send|retransmitted|acknowledged)|(acks|naks)_received|(repeats|copies)_|filter_packets_sent|send_)/;

/** Null where the server sent no full lists. */
export function statistics(srt: SrtFigures | null): Statistics | null {
  const total = numbers(srt?.total);
  if (!srt || total.length === 0) return null;
  const instant = numbers(srt.instant);
  // The unit stands at the value; where it tells two figures apart, in the name, too.
  const stems = instant.map(([key]) => stemOf(key));
  const interval = new Map(numbers(srt.interval));
  const length = Number(srt.interval_ms) || 1000;
  const rows = total.filter(([, value]) => value !== 0).map(([key, value]) => {
    const recent = interval.get(key);
    return { key, name: nameOf(key), total: count(value), second: count(recent === undefined ? null : Math.round((recent * 1000) / length)) };
  });
  const side = (sending: boolean) => rows.filter(({ key }) => SENDING.test(key) === sending).map(({ key: _key, ...row }) => row);
  return {
    received: side(false),
    sent: side(true),
    never: total.filter(([, value]) => value === 0).map(([key]) => nameOf(key)),
    now: instant.map(([key, value]) => ({ name: nameOf(stems.filter((stem) => stem === stemOf(key)).length > 1 ? key : stemOf(key)), value: valueOf(key, value) })),
  };
}

const UNIT = /_(ms|bps|packets|bytes|micros)$/;

const stemOf = (key: string): string => key.replace(UNIT, '');

const numbers = (list: unknown): [string, number][] =>
  Object.entries((list as Record<string, unknown> | null | undefined) ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number');

/** "packets_received_unique" as "Packets received unique": the name stays findable in the documentation. */
const nameOf = (key: string): string => capital(key.replaceAll('_', ' ')).replace(/^Rtt/, 'RTT');

function valueOf(key: string, value: number): string {
  const unit = UNIT.exec(key)?.[1];
  if (unit === 'ms') return words(milliseconds(value));
  if (unit === 'bps') return words(bitrate(value));
  return [count(Math.round(value)), unit === 'micros' ? 'µs' : unit].filter(Boolean).join(' ');
}
