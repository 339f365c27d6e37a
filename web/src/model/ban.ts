/** Bans: how long they last, and whom they meet. */
import type { Ban, OutputView, Settings, SourceView } from '../api/types';
import { moment, plural } from './format';
import { contains } from './network';
import { detailOf } from './own';
import { hostOf } from './rejection';
import { beginning } from './kinds';

/** How long a ban may be made for; the first is what is offered. */
export const DURATIONS: [value: string, words: string][] = [
  ['1d', '24 hours'], ['1h', '1 hour'], ['7d', '7 days'], ['30d', '30 days'], ['', 'for good'],
];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "21 Nov 18:42, in 23 h", "for good". */
export function endOf(ban: Ban, now: number): string {
  const until = Date.parse(ban.until ?? '');
  if (!Number.isFinite(until)) return 'for good';
  return `${moment(until, now)}, in ${span(until - now)}`;
}

function span(ms: number): string {
  if (ms >= 2 * DAY_MS) return plural(Math.round(ms / DAY_MS), 'day');
  return ms >= HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.max(1, Math.round(ms / MINUTE_MS))} min`;
}

/** The bans that stand at `now`, the newest first. */
export const standing = (bans: Ban[], now: number): Ban[] =>
  bans.filter((ban) => !ban.until || Date.parse(ban.until) > now).sort((one, other) => Date.parse(other.since) - Date.parse(one.since));

export const banOf = (peer: string, bans: Ban[]): Ban | undefined => bans.find((ban) => contains(ban.address, hostOf(peer)));

/** Who is connected from there now and would be sent away: "the sender of moto-2", "1 reader of partner-tv". */
export function meets(network: string, sources: SourceView[], outputs: OutputView[]): string[] {
  const within = (peer: unknown) => typeof peer === 'string' && contains(network, hostOf(peer));
  const senders = sources
    .filter((source) => source.connection === 'connected' && beginning(source) === 'called')
    .filter((source) => [source.peer, ...peersOf(source.srt?.legs, 'peer'), ...peersOf(source.srt?.links, 'address')].some(within))
    .map((source) => `the sender of ${source.name}`);
  const readers = outputs.flatMap((output) => {
    const here = peersOf(detailOf(output).readers, 'peer').filter(within).length;
    return here > 0 ? [`${plural(here, 'reader')} of ${output.name}`] : [];
  });
  return [...senders, ...readers];
}

const peersOf = (list: unknown, field: string): unknown[] => (Array.isArray(list) ? (list as Settings[]).map((one) => one[field]) : []);
