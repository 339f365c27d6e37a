/** The graphs of a source, as many as its transport has figures for: what each shows, its scale, and the limits drawn in it. */
import type { SourceView } from '../api/types';
import { expectedBitrate } from './expect';
import { BUFFER_WARNING_SHARE, figures, LOSS_WARNING_PERCENT, type NumberTone } from './figures';
import { bitrate, milliseconds, percent, words, type Quantity } from './format';
import type { Columns } from './history';

export interface Limit {
  at: number;
  label: string;
  tone: 'warn' | 'quiet';
}

export interface Graph {
  title: string;
  values: (number | null)[];
  current: Quantity | null;
  tone: NumberTone;
  note: string;
  /** The value at the top of the plot; the foot is always zero. */
  top: number;
  topLabel: string;
  limits: Limit[];
  /** How a value at the cursor is written. */
  write: (value: number) => string;
}

const LOW_SHARE = 0.7;
/** A limit much higher than anything measured would flatten the line; it is then left out. */
const FAR = 4;

const peak = (values: (number | null)[]): number => values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);

export function graphs(source: SourceView, columns: Columns, old: boolean): Graph[] {
  const now = figures(source, old);
  const srt = source.srt;
  const shown = [bitrateGraph(source, columns, now.bitrate.shown, now.bitrate.tone)];
  const loss: Graph = { ...lossGraph(columns), current: now.loss.shown, tone: now.loss.tone, note: 'over 10 s' };
  if (source.kind !== 'srt') {
    const rtt: Graph = { ...rttGraph(columns, null), current: now.rtt.shown, tone: now.rtt.tone, note: '' };
    return [...shown, ...[rtt, loss].filter((graph) => !none(graph.values))];
  }
  const latency = srt?.latency_ms ?? null;
  return [
    ...shown,
    {
      ...rttGraph(columns, latency),
      current: now.rtt.shown,
      tone: now.rtt.tone,
      note: srt && !old && source.connection === 'connected' ? `jitter ${words(milliseconds(srt.jitter_ms))}` : '',
    },
    loss,
    {
      ...bufferGraph(columns, latency),
      current: now.buffer ? milliseconds(Math.round(now.buffer.ms)) : null,
      tone: now.buffer?.tone ?? '',
      note: latency === null ? '' : `of ${Math.round(latency)} ms latency`,
    },
  ];
}

const none = (values: (number | null)[]): boolean => values.every((value) => value === null);

function bitrateGraph(source: SourceView, { bitrate: values }: Columns, current: Quantity | null, tone: NumberTone): Graph {
  const expected = expectedBitrate(source.expect);
  const top = Math.max((expected ?? 0) * 1.35, peak(values) * 1.2, 100_000);
  const mega = (bps: number) => (bps / 1e6).toFixed(1);
  const limits: Limit[] = expected && !none(values) ? [{ at: expected * LOW_SHARE, label: `${mega(expected * LOW_SHARE)}, low`, tone: 'warn' }] : [];
  return {
    title: 'Bitrate', values, current, tone, top, limits,
    topLabel: none(values) ? '' : mega(top),
    note: expected ? `expected ${mega(expected)}` : '',
    write: (value) => bitrate(value)?.value ?? '',
  };
}

function rttGraph({ rtt: values }: Columns, latency: number | null): Omit<Graph, 'current' | 'tone' | 'note'> {
  const most = peak(values);
  const limit = latency === null ? null : latency / 3;
  const drawn = limit !== null && limit < Math.max(most, 1) * FAR;
  const top = Math.max(most * 1.3, drawn ? limit * 1.2 : 0, 1);
  return {
    title: 'RTT', values, top,
    topLabel: none(values) ? '' : plain(top),
    limits: drawn ? [{ at: limit, label: `${plain(limit)}, latency ÷ 3`, tone: 'warn' }] : [],
    write: (value) => milliseconds(value)?.value ?? '',
  };
}

function lossGraph({ loss: values }: Columns): Omit<Graph, 'current' | 'tone' | 'note'> {
  const top = Math.max(peak(values) * 1.3, LOSS_WARNING_PERCENT * 2);
  return {
    title: 'Loss', values, top,
    topLabel: none(values) ? '' : plain(top),
    limits: none(values) ? [] : [{ at: LOSS_WARNING_PERCENT, label: `${LOSS_WARNING_PERCENT}, warning`, tone: 'warn' }],
    write: (value) => percent(value)?.value ?? '',
  };
}

function bufferGraph({ buffer: values }: Columns, latency: number | null): Omit<Graph, 'current' | 'tone' | 'note'> {
  const top = Math.max((latency ?? 0) * 1.15, peak(values) * 1.1, 10);
  const limits: Limit[] = latency && !none(values)
    ? [
        { at: latency, label: `${plain(latency)}, latency`, tone: 'quiet' },
        { at: latency * BUFFER_WARNING_SHARE, label: `${plain(latency * BUFFER_WARNING_SHARE)}, a quarter`, tone: 'warn' },
      ]
    : [];
  return { title: 'Buffer', values, top, topLabel: latency || none(values) ? '' : plain(top), limits, write: (value) => value.toFixed(0) };
}

const plain = (value: number): string => (value < 10 && value % 1 !== 0 ? value.toFixed(1) : value.toFixed(0));

/** Least, mean and most of a series in words, for readers that see no graph. */
export function summary(graph: Graph): string {
  const known = graph.values.filter((value): value is number => value !== null);
  if (known.length === 0) return `${graph.title}: no values.`;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return `${graph.title}: now ${words(graph.current)}, mean ${graph.write(mean)}, between ${graph.write(low)} and ${graph.write(high)}.`;
}

/** Whole minutes (or ten-second marks in a short window) for the time axis. */
export function timeMarks(from: number, to: number): number[] {
  const step = to - from > 120 ? 60 : 10;
  const marks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) marks.push(at);
  return marks;
}
