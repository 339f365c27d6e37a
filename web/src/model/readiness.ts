/** Whether a source could go on air this moment, and what measuring instruments count in it. */
import type { Readiness, SourceView } from '../api/types';
import { duration } from './format';
import { WORDS, mediaArrives, type StateWord } from './words';

/** Indicators of TR 101 290 in the order of the report: name, number, what it says. */
const INDICATORS: [string, string, string][] = [
  ['sync_loss', '1.1', 'Sync lost'],
  ['sync_byte', '1.2', 'Sync byte missing'],
  ['pat', '1.3', 'PAT late or wrong'],
  ['continuity', '1.4', 'Continuity'],
  ['pmt', '1.5', 'PMT late or scrambled'],
  ['pid', '1.6', 'Track missing'],
  ['transport', '2.1', 'Marked as damaged'],
  ['crc', '2.2', 'Table damaged'],
  ['pcr_repetition', '2.3a', 'PCR late'],
  ['pcr_discontinuity', '2.3b', 'PCR jumped'],
  ['pts', '2.5', 'PTS stood still'],
];

export interface ReadyLine {
  state: StateWord;
  word: string;
  /** Since when it is clean. */
  note: string;
  reasons: { text: string; advice: string; tone: 'fault' | 'warn' }[];
}

/** `now`: the server's time of the message it came with. */
export function readyLine(source: SourceView, now: number): ReadyLine | null {
  const found: Readiness | null | undefined = source.readiness;
  if (!found) return null;
  const reasons = found.reasons.map(({ text, advice, severity }) => ({ text, advice, tone: severity === 'switch' ? ('fault' as const) : ('warn' as const) }));
  // Green is earned: a claim without media is none.
  if (!found.ready || !mediaArrives(source)) return { state: WORDS.waiting, word: 'Not ready', note: '', reasons };
  const since = Date.parse(found.clean_since ?? '');
  const note = Number.isFinite(since) ? `clean for ${duration(Math.max(0, now - since))}` : '';
  return { state: WORDS.ready, word: 'Ready', note, reasons };
}

export interface CountedLine {
  number: string;
  name: string;
  count: number;
  last: string;
}

/** What was counted at all; `null` while nothing could be. */
export function counted(source: SourceView): CountedLine[] | null {
  const found = source.tr101290;
  if (!found) return null;
  return INDICATORS.flatMap(([key, number, name]) => {
    const { count = 0, last_age_ms: age = null } = found[key] ?? {};
    return count > 0 ? [{ number, name, count, last: age === null ? '' : `${duration(age)} ago` }] : [];
  });
}
