/** Ten minutes of a source, one value a second, as columns that the graphs draw. */
import type { History, SourceView } from '../api/types';
import { ownFigures } from './own';

export const WINDOW_S = 600;

export interface Columns {
  /** Seconds since the epoch. */
  time: number[];
  bitrate: (number | null)[];
  rtt: (number | null)[];
  loss: (number | null)[];
  buffer: (number | null)[];
}

export const emptyColumns = (): Columns => ({ time: [], bitrate: [], rtt: [], loss: [], buffer: [] });

export function columnsOf(history: History): Columns {
  const columns = emptyColumns();
  for (const point of history.points) {
    const at = typeof point.t === 'number' ? point.t : Date.parse(point.t);
    if (!Number.isFinite(at)) continue;
    // Numbers may be seconds or milliseconds; a date this century in ms is above 1e11.
    // Nothing arriving and no round trip: nobody was connected.
    const away = point.rtt_ms === null && point.bitrate_bps === 0;
    push(columns, at > 1e11 ? at / 1000 : at, away ? null : point.bitrate_bps, point.rtt_ms, point.loss_percent, point.buffer_ms);
  }
  return columns;
}

/** Adds the newest second of a source and forgets what has left the window. */
export function append(columns: Columns, source: SourceView, atSeconds: number): Columns {
  const last = columns.time.at(-1);
  if (last !== undefined && atSeconds <= last) return columns;
  const connected = source.connection === 'connected';
  const own = connected ? ownFigures(source) : null;
  const next = copy(columns);
  push(
    next, atSeconds, connected ? source.bitrate_bps : null, own?.rtt_ms ?? null,
    own?.loss_percent ?? null, (connected ? source.srt?.receive_buffer_ms : null) ?? null,
  );
  return trim(next, atSeconds - WINDOW_S);
}

/** The index of the value nearest to a time, for the cursor. */
export function nearest(time: number[], atSeconds: number): number {
  if (time.length === 0) return -1;
  let low = 0;
  let high = time.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((time[middle] ?? 0) < atSeconds) low = middle + 1;
    else high = middle;
  }
  const before = time[low - 1];
  const here = time[low] ?? 0;
  return before !== undefined && atSeconds - before < here - atSeconds ? low - 1 : low;
}

/** The bitrate at each of the last seconds, however far apart the points are; gaps stay gaps. */
export function secondsBefore(columns: Columns, seconds: number): (number | null)[] {
  const GAP_S = 2;
  const end = columns.time.at(-1);
  if (end === undefined) return [];
  const from = Math.max(end - seconds + 1, columns.time[0] ?? end);
  const values: (number | null)[] = [];
  for (let at = from; at <= end; at += 1) {
    const index = nearest(columns.time, at);
    const near = Math.abs((columns.time[index] ?? 0) - at) < GAP_S;
    values.push(near ? (columns.bitrate[index] ?? null) : null);
  }
  return values;
}

function push(
  columns: Columns, at: number, bitrate: number | null, rtt: number | null, loss: number | null, buffer: number | null,
): void {
  columns.time.push(at);
  columns.bitrate.push(bitrate);
  columns.rtt.push(rtt);
  columns.loss.push(loss);
  columns.buffer.push(buffer);
}

function copy(columns: Columns): Columns {
  return {
    time: [...columns.time], bitrate: [...columns.bitrate], rtt: [...columns.rtt],
    loss: [...columns.loss], buffer: [...columns.buffer],
  };
}

function trim(columns: Columns, from: number): Columns {
  const first = columns.time.findIndex((at) => at >= from);
  if (first <= 0) return columns;
  return {
    time: columns.time.slice(first), bitrate: columns.bitrate.slice(first), rtt: columns.rtt.slice(first),
    loss: columns.loss.slice(first), buffer: columns.buffer.slice(first),
  };
}
