/** The ways a sender's packets come by – legs of a bonding group, links of an SRTLA sender, paths of SMPTE 2022-7 – and which are missing. */
import type { Leg, Link, Settings, SrtFigures } from '../api/types';
import { bitrate, duration, milliseconds, percent, plural, type Quantity } from './format';
import { detailOf, number } from './own';
import { hostOf } from './rejection';
import { WORDS, type StateWord } from './words';

export interface PathRow {
  peer: string;
  host: string;
  state: StateWord;
  /** "Carries", "Stands by", "Lost for 00:12". */
  word: string;
  note: string;
  missing: boolean;
  share: Quantity | null;
  rate: Quantity | null;
  rtt: Quantity | null;
  loss: Quantity | null;
}

export interface Paths {
  title: string;
  /** What the sender does with them. */
  kind: string;
  rows: PathRow[];
  missing: number;
  /** "1 of 2 legs is missing", empty when all are there. */
  trouble: string;
  /** Whether any row has one; a column of dashes says nothing. */
  has: { rate: boolean; rtt: boolean; loss: boolean };
}

/** What has them: a source, or an output's connection. */
export interface Connected {
  kind: string;
  srt: SrtFigures | null;
  detail?: Settings | null;
}

/** Null for a plain connection. */
export function paths(view: Connected): Paths | null {
  const { srt } = view;
  const twice = detailOf(view).legs;
  if (Array.isArray(twice) && twice.length > 0) return made('path', 'SMPTE 2022-7, each carries everything', (twice as Settings[]).map(pathRow));
  if (srt?.legs?.length) return made('leg', KINDS[srt.group ?? ''] ?? 'bonding group', legRows(srt.legs, srt.group === 'backup'));
  if (srt?.links?.length) return made('link', 'SRTLA, packets are shared out', srt.links.map(linkRow));
  return null;
}

const KINDS: Record<string, string> = {
  broadcast: 'every leg carries everything', backup: 'one leg carries, the others stand by',
};

function made(noun: string, kind: string, rows: PathRow[]): Paths {
  const missing = rows.filter((row) => row.missing).length;
  const has = (field: 'rate' | 'rtt' | 'loss') => rows.some((row) => row[field] !== null);
  return {
    title: `${noun.charAt(0).toUpperCase()}${noun.slice(1)}s`, kind, rows, missing,
    trouble: missing > 0 ? `${missing} of ${plural(rows.length, noun)} ${missing === 1 ? 'is' : 'are'} missing` : '',
    has: { rate: has('rate'), rtt: has('rtt'), loss: has('loss') },
  };
}

/** "1 of 2 legs is missing: 192.0.2.7"; null when all are there. With the port where the address alone names several. */
export function missingPaths(view: Connected): string | null {
  const found = paths(view);
  if (!found || found.missing === 0) return null;
  const several = (row: PathRow) => found.rows.filter((other) => other.host === row.host).length > 1;
  return `${found.trouble}: ${found.rows.filter((row) => row.missing).map((row) => (several(row) ? row.peer : row.host)).join(', ')}`;
}

/** In a backup group idling is a leg's work; in a broadcast group, beside one that carries, it is none. */
function legRows(legs: Leg[], isBackup: boolean): PathRow[] {
  const rateOf = (leg: Leg): number => leg.receive_rate_bps ?? leg.send_rate_bps ?? 0;
  const most = Math.max(...legs.map(rateOf));
  const carried = legs.some((leg) => leg.state === 'active' || leg.state === 'unstable');
  return legs.map((leg) => {
    const active = leg.state === 'active' || leg.state === 'unstable';
    const idlesInVain = leg.state === 'idle' && !isBackup && carried;
    return {
      ...whereFrom(leg.peer, `${goesOutBy(leg.call)}${isBackup ? `, priority ${leg.weight}` : ''}${leg.state === 'down' && leg.reason ? `: ${leg.reason}` : ''}`),
      // Two legs to one address of the far side are told apart by what they go out by.
      peer: leg.call ?? leg.peer,
      missing: idlesInVain || leg.state === 'silent' || leg.state === 'down',
      ...legWord(leg, isBackup, idlesInVain),
      share: percentOf(active && most > 0 ? (rateOf(leg) / most) * 100 : 0),
      rate: bitrate(active ? rateOf(leg) : 0),
      rtt: leg.state === 'down' ? null : milliseconds(leg.rtt_ms),
      loss: active ? percent(leg.loss_percent) : null,
    };
  });
}

/** ", by usb0": what tells two legs to one address apart. */
function goesOutBy(call: string | undefined): string {
  const options = new URLSearchParams(call?.split('?')[1] ?? '');
  const by = ['bindtodevice', 'adapter', 'bind'].map((option) => options.get(option)).find(Boolean);
  return by ? `, by ${by}` : '';
}

function legWord(leg: Leg, isBackup: boolean, idlesInVain: boolean): Pick<PathRow, 'state' | 'word'> {
  if (leg.state === 'active') return { state: WORDS.live, word: 'Carries' };
  if (leg.state === 'unstable') return { state: WORDS.warning, word: `Unsteady for ${duration(leg.since_ms)}` };
  if (idlesInVain) return { state: WORDS.warning, word: `No media for ${duration(leg.since_ms)}` };
  if (leg.state === 'idle') return isBackup ? { state: WORDS.ready, word: 'Stands by' } : { state: WORDS.waiting, word: 'No media yet' };
  if (leg.state === 'silent') return { state: WORDS.warning, word: `Silent for ${duration(leg.silent_ms)}` };
  return { state: WORDS.warning, word: `Lost for ${duration(leg.since_ms)}` };
}

function linkRow(link: Link): PathRow {
  const active = link.state === 'active';
  const away = `${link.state === 'silent' ? 'Silent' : 'Lost'} for ${duration(link.last_heard_ms)}`;
  return {
    ...whereFrom(link.address, ''), missing: !active,
    state: active ? WORDS.live : WORDS.warning, word: active ? 'Carries' : away,
    share: percentOf(active ? link.share_percent : 0), rate: null, rtt: null, loss: null,
  };
}

/** One of two ways that the same RTP packets come: by where they come in. */
function pathRow(leg: Settings): PathRow {
  const from = String(leg.from ?? '');
  const [received, missing] = [number(leg.received) ?? 0, number(leg.missing) ?? 0];
  const behind = number(leg.behind_ms);
  const working = leg.working === true;
  return {
    peer: from, host: from, note: [leg.peer ? `from ${hostOf(String(leg.peer))}` : 'no sender yet', behind ? `${Math.round(behind)} ms behind` : ''].filter(Boolean).join(', '),
    missing: !working, state: working ? WORDS.live : WORDS.warning, word: working ? 'Carries' : received > 0 ? 'Silent' : 'Nothing arrived',
    share: percentOf(working ? 100 : 0), rate: null, rtt: null, loss: received + missing > 0 ? percent((missing / (received + missing)) * 100) : null,
  };
}

/** The port tells apart what comes from one address, and is not worth more than that. */
const whereFrom = (peer: string, more: string): Pick<PathRow, 'peer' | 'host' | 'note'> =>
  ({ peer, host: hostOf(peer), note: `port ${peer.slice(peer.lastIndexOf(':') + 1)}${more}` });

const percentOf = (share: number): Quantity => ({ value: String(Math.round(Math.min(100, share))), unit: '%' });
