/** Alarms: which one the line at the foot shows, and what it says. */
import type { Alarm } from '../api/types';
import { clock } from './format';
import { inWords } from './sentence';
import { WORDS, type StateWord } from './words';

/** An alarm that cleared and came back is a new one, to be acknowledged again. */
export const keyOf = ({ subject, code, since }: Alarm): string => `${subject.type}/${subject.name}/${code}@${since}`;

export function unacknowledged(alarms: Alarm[], acknowledged: ReadonlySet<string>): Alarm[] {
  return alarms
    .filter((alarm) => !acknowledged.has(keyOf(alarm)))
    .sort((one, other) => Date.parse(other.since) - Date.parse(one.since));
}

const isFailure = (alarm: Alarm): boolean => !['warning', 'info'].includes(alarm.severity);

export const alarmState = (alarm: Alarm): StateWord => (isFailure(alarm) ? WORDS.failed : WORDS.warning);

/** The header wears the worst alarm's colour and shape. */
export const worst = (alarms: Alarm[]): StateWord | null =>
  alarms.length === 0 ? null : alarms.some(isFailure) ? WORDS.failed : WORDS.warning;

/** "No media since 18:41:58. Ask the sender to start the encoder." */
export function alarmSentence(alarm: Alarm): string {
  const what = alarm.text.replace(/ for \d\d:\d\d(:\d\d)?$/, '').replace(/\.$/, '');
  const since = Date.parse(alarm.since);
  const when = Number.isFinite(since) && !what.includes('.') ? ` since ${clock(since)}` : '';
  return inWords(`${what}${when}`, alarm.advice);
}
