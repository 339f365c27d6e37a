/** What a port counts, whatever speaks on it. */
import type { ListenerView } from '../api/types';
import { settings } from './drafts/write';
import { kindName } from './kinds';

/** "SRT", "RTMPS". */
export const listenerKind = ({ kind, config }: ListenerView): string => (settings(config, kind).tls ? `${kindName(kind)}S` : kindName(kind));

/** Callers that were turned away, by why; each adapter counts its own reasons. */
const REASONS: [key: string, words: string][] = [
  ['refused', 'wrong key or taken'], ['banned', 'banned'], ['not_allowed', 'address not allowed'], ['tls_failed', 'TLS failed'], ['malformed', 'not understood'], ['timed_out', 'no answer'],
  ['full', 'no place left'], ['address_full', 'too many from one address'], ['pending_full', 'too many at once'],
  ['refused_wrong_password', 'wrong password'], ['refused_no_password', 'password missing'], ['refused_unknown_path', 'unknown path'], ['refused_public_address', 'public address'],
  ['refused_max_connections', 'no place left'], ['refused_max_connections_per_address', 'too many from one address'], ['refused_pending', 'too many at once'],
];

/** All of them; null while the port counts nothing. SRT has one counter for all. */
export function refused({ kind, counters }: ListenerView): number | null {
  if (kind === 'srt') return counters?.refused ?? null;
  const known = REASONS.filter(([key]) => counters?.[key] !== undefined);
  return known.length === 0 ? null : known.reduce((sum, [key]) => sum + (counters?.[key] ?? 0), 0);
}

/** The most frequent reasons, where the port tells them apart: "31 wrong password, 4 not understood". */
export function refusedWhy({ kind, counters }: ListenerView): string {
  if (kind === 'srt') return '';
  const found = REASONS.map(([key, words]): [string, number] => [words, counters?.[key] ?? 0]).filter(([, number]) => number > 0);
  return found.sort(([, one], [, other]) => other - one).slice(0, 2).map(([words, number]) => `${number.toLocaleString('en-GB')} ${words}`).join(', ');
}
