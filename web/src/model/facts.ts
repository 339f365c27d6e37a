/** What an adapter says of a connection, as lines to read. Names that are not known here are shown as they are. */
import type { OutputView, Settings, SourceView } from '../api/types';
import { bitrate, codec, count, milliseconds, plural, words } from './format';
import { detailOf, isObject } from './own';
import { capital } from './sentence';

export interface Fact {
  name: string;
  text: string;
  /** A coloured number is a wrong number. */
  warn: boolean;
  /** Text that somebody else wrote. */
  stranger: boolean;
}

type Reader = (value: unknown) => string;

interface Known {
  name: string;
  read?: Reader;
  /** Wrong as soon as it is anything but nothing. */
  warn?: boolean;
  stranger?: boolean;
}

const packets: Reader = (value) => plural(Number(value), 'packet');
const frames: Reader = (value) => plural(Number(value), 'frame');
const list: Reader = (value) => (Array.isArray(value) ? value.map(String).join(', ') : String(value));
const times: Reader = (value) => plural(Number(value), 'time');
const tracks: Reader = (value) => (Array.isArray(value) ? value.map((one) => trackName(isObject(one) ? String(one.codec ?? one.encoding ?? one.from ?? '') : String(one))).join(', ') : String(value));
const upper: Reader = (value) => String(value).toUpperCase();

/** Shown first, in this order, under these words. */
const KNOWN: Record<string, Known> = {
  app: { name: 'Application', stranger: true }, encoder: { name: 'Encoder', stranger: true }, program: { name: 'Program', stranger: true },
  tls: { name: 'Encryption', read: (value) => String(value) }, enhanced: { name: 'Enhanced RTMP', read: (value) => (value === true ? 'yes' : Array.isArray(value) ? list(value) || 'yes' : 'no') },
  from: { name: 'Comes in at', read: list }, to: { name: 'Goes to' }, url: { name: 'Address' }, transport: { name: 'Transport', read: upper }, variant: { name: 'Variant' },
  file: { name: 'File' }, folder: { name: 'Folder' }, format: { name: 'Format', read: upper },
  round: { name: 'Round', read: (value) => count(Number(value)) }, delays: { name: 'Delays by the disk', read: times, warn: true }, clock_jumps: { name: 'Jumps of its clock, mended', read: times },
  tracks: { name: 'Sends', read: tracks }, audio: { name: 'Sound becomes' }, hold_ms: { name: 'Held for the sound', read: (value) => words(milliseconds(Number(value))) },
  ffmpeg: { name: 'ffmpeg' }, left_as_they_are: { name: 'Sound left as it is', read: list, warn: true },
  rtt_ms: { name: 'Round trip', read: (value) => words(milliseconds(Number(value))) }, round_trip_ms: { name: 'Round trip', read: (value) => words(milliseconds(Number(value))) },
  latency_ms: { name: 'Held to repair', read: (value) => words(milliseconds(Number(value))) },
  has_rtp_header: { name: 'RTP header', read: (value) => (value ? 'yes, taken off' : 'none') },
  unrecovered: { name: 'Lost for good', read: packets, warn: true }, recovered: { name: 'Rebuilt by FEC', read: packets },
  lost_packets: { name: 'Lost for good', read: packets, warn: true },
  frames_dropped: { name: 'Left out to catch up', read: frames, warn: true }, resent: { name: 'Sent again', read: packets },
  host_drops: { name: 'Dropped by this machine', read: packets, warn: true }, ignored_packets: { name: 'From other senders', read: packets, warn: true },
  not_mpeg_ts: { name: 'Not MPEG-TS', read: packets, warn: true }, messages_unusable: { name: 'Not usable', read: (value) => plural(Number(value), 'message'), warn: true },
  problem: { name: 'Problem', warn: true }, left_out: { name: 'Left out', read: tracks, warn: true },
  breaks: { name: 'Breaks in time, mended', read: times }, last_break: { name: 'The last one' }, late_p99_us: { name: 'Late, 99 of 100', read: (value) => `${count(Number(value))} µs` },
  late_max_us: { name: 'Late, at most', read: (value) => `${count(Number(value))} µs` }, paced_by: { name: 'Paced by', read: (value) => (value === 'pcr' ? 'PCR' : String(value)) },
  unacknowledged_bytes: { name: 'On its way', read: bytes }, first_frame_ms: { name: 'First frame after', read: (value) => words(milliseconds(Number(value))) },
};

/** What is said elsewhere, or helps nobody who looks at a screen. */
const HIDDEN = new Set([
  'legs', 'readers', 'warnings', 'platform', 'connected', 'metadata', 'received', 'received_bytes', 'sent_bytes', 'messages', 'messages_ignored', 'frames', 'frames_sent', 'lost', 'loss_percent',
  'receive_buffer_bytes', 'queue_bytes_max', 'queued_batches', 'streams', 'ignored_sender', 'path', 'max_readers', 'connections', 'columns', 'rows', 'source', 'has_sound', 'held_bytes', 'held_bytes_max', 'queue_segments_max',
]);

export const sourceFacts = (source: SourceView): Fact[] => factsOf(detailOf(source));

/** Of an output: its adapter's facts may stand beside those under its own name. */
export function outputFacts(output: OutputView): Fact[] {
  const { srt: _srt, [output.kind]: own, ...beside } = output.detail ?? {};
  return factsOf(isObject(own) ? { ...beside, ...own } : { ...beside, ...(own === undefined ? {} : { [output.kind]: own }) });
}

function factsOf(detail: Settings): Fact[] {
  const order = Object.keys(KNOWN);
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  const flat = flatten(detail).filter(([key, value]) => !HIDDEN.has(key) && isSaid(value) && (key in KNOWN || !(Array.isArray(value) && value.some(isObject))));
  return flat.sort(([one], [other]) => rank(one) - rank(other)).map(([key, value]) => {
    const known = KNOWN[key];
    return {
      name: known?.name ?? nameOf(key), text: known?.read ? known.read(value) : plainly(key, value),
      warn: known?.warn ?? false, stranger: known?.stranger ?? false,
    };
  });
}

/** One level deep: `fec.recovered` is as much a fact as `host_drops`. A matrix is one fact. */
function flatten(detail: Settings): [string, unknown][] {
  return Object.entries(detail).flatMap(([key, value]): [string, unknown][] => {
    if (!isObject(value) || HIDDEN.has(key)) return [[key, value]];
    const matrix: [string, unknown][] = value.columns && value.rows ? [['matrix', `${String(value.columns)} × ${String(value.rows)}`]] : [];
    return [...matrix, ...Object.entries(value).filter(([, inner]) => !isObject(inner))];
  });
}

/** Nothing, none and never are not worth a line. */
const isSaid = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== 0 && value !== '' && value !== false && !isObject(value) && !(Array.isArray(value) && value.length === 0);

const NAMES: Record<string, string> = { matrix: 'FEC, columns × rows', forward: 'Jumps ahead in time', backward: 'Jumps back in time', reordered: 'Out of order', overrun: 'Over its constant bitrate' };
const UNITS = /_(ms|bps|bytes|us)$/;

const nameOf = (key: string): string => NAMES[key] ?? capital(key.replace(UNITS, '').replaceAll('_', ' '));

function plainly(key: string, value: unknown): string {
  if (value === true) return 'yes';
  if (Array.isArray(value)) return list(value);
  if (typeof value !== 'number') return String(value);
  const unit = UNITS.exec(key)?.[1];
  if (unit === 'ms') return words(milliseconds(value));
  if (unit === 'bps') return words(bitrate(value));
  if (unit === 'bytes') return bytes(value);
  return `${count(value)}${unit === 'us' ? ' µs' : ''}`;
}

function bytes(value: unknown): string {
  const number = Number(value);
  if (number < 1000) return `${number} bytes`;
  return number < 1e6 ? `${Math.round(number / 1000)} kB` : `${(number / 1e6).toFixed(1)} MB`;
}

/** "h264 1920x1080" as "H.264 1920×1080". */
function trackName(text: string): string {
  const [first = '', ...rest] = text.split(' ');
  return [/^scte35$/i.test(first) ? 'SCTE-35' : codec(first), ...rest].join(' ').replace(/(\d)x(\d)/g, '$1×$2').replace(/(\d+)000 Hz/, '$1 kHz');
}
