/** The second line under a state word: the reason, or since when. */
import type { Reason, Rejection, SourceView } from '../api/types';
import { clock, duration, plural } from './format';
import { beginning, type Beginning } from './kinds';
import { meant, rejectionWord } from './rejection';
import { rowWords } from './switch/row';
import { switchOf } from './switch/status';
import { programReason } from './switch/verdict';
import { sourceState, type StateName } from './words';

export interface ReasonLine {
  text: string;
  tone: 'quiet' | 'warn' | 'fault';
}

/** Reasons that grow worse with time say how long they have lasted. */
const TIMED = new Set(['no_media', 'picture_frozen', 'picture_black', 'silent', 'no_sound', 'no_picture', 'reconnecting']);

/** A rejection older than this no longer explains why nobody is connected. */
const RECENT_MS = 10 * 60_000;

export function reasonText(reason: Reason, now: number): string {
  const since = Date.parse(reason.since ?? '');
  if (/\d\d:\d\d/.test(reason.text) || !TIMED.has(reason.code) || !Number.isFinite(since)) return reason.text;
  const joint = reason.code === 'no_media' ? ' for ' : ' ';
  return `${reason.text}${joint}${duration(now - since)}`;
}

/** `old`: the state is the last known one, of the time `now`. */
export function reasonLine(source: SourceView, rejections: Rejection[], now: number, old = false): ReasonLine {
  const state = sourceState(source);
  if (state === 'warning' || state === 'failed') return { text: troubleText(source, now), tone: state === 'failed' ? 'fault' : 'warn' };
  if (state === 'waiting') return waitingLine(source, rejections, now);
  return { text: old ? `Until ${clock(now)}` : quietText(source, state), tone: 'quiet' };
}

function troubleText(source: SourceView, now: number): string {
  const first = source.reasons[0];
  if (first) return reasonText(first, now) + (source.reasons.length > 1 ? `, +${source.reasons.length - 1}` : '');
  if (source.error) return source.error.message;
  const program = switchOf(source);
  if (program) return programReason(program)?.text ?? rowWords(program);
  if (source.connection === 'reconnecting') return 'Reconnecting';
  return source.media === null ? 'No media' : (source.connection_reason ?? 'No media');
}

const NOBODY: Record<Beginning, string> = { called: 'Nobody connected', calling: 'No answer yet', sent: 'Nothing arrives', local: '' };

/** Somebody who is being turned away is the likeliest reason for an empty source. */
function waitingLine(source: SourceView, rejections: Rejection[], now: number): ReasonLine {
  const latest = recentRejection(source, rejections, now);
  if (latest) return { text: `Rejected: ${rejectionWord(latest.reason)}`, tone: 'warn' };
  return { text: NOBODY[beginning(source)] || (source.connection_reason ?? 'Does not run'), tone: 'quiet' };
}

export function recentRejection(source: SourceView, rejections: Rejection[], now: number): Rejection | null {
  const found = rejections.find((rejection) => meant(rejection, source));
  return found && now - Date.parse(found.at) < RECENT_MS ? found : null;
}

function quietText(source: SourceView, state: StateName): string {
  if (state === 'connecting') return beginning(source) === 'calling' ? 'Call in progress' : 'Starting';
  if (state === 'idle') return 'Off on purpose';
  const program = switchOf(source);
  if (program) return rowWords(program);
  const since = Date.parse(source.connected_at ?? '');
  return Number.isFinite(since) ? `Since ${clock(since, false)}` : '';
}

/** "2 of 3 outputs deliver". */
export const delivering = (number: number, all: number): string => `${number} of ${plural(all, 'output')} deliver${number === 1 || all === 1 ? 's' : ''}`;
