/** What has happened, in sentences: the last switch with its evidence, older ones, a drill. */
import type { LastDrill, LastSwitch, SwitchStatus, TypedEvent } from '../../api/types';
import { inSeconds } from './input';
import { capital, inWords } from '../sentence';

/** "cam1-main: no packets for 150 ms → cam1-backup", "cam1-backup → cam1-main, taken by admin" */
export function switchCause({ from, to, text, why, automatic, by }: LastSwitch): string {
  const asked = by === RESTART ? 'as before the restart' : ASKED[why];
  const target = to ?? 'nothing';
  if (asked !== undefined) return `${from ?? 'nothing'} → ${target}, ${asked}${by === RESTART ? '' : by === null ? (automatic && why === 'return' ? ' by itself' : '') : ` by ${by}`}`;
  const cause = inSeconds(text || why.replaceAll('_', ' ')).replace(/[.\s]+$/, '');
  return `${from !== null && !cause.startsWith(`${from}:`) ? `${from}: ${cause}` : cause} → ${target}`;
}

/** What it remembered. */
const RESTART = 'restart';

/** What is no fault of an input. */
const ASKED: Record<string, string> = { take: 'taken', return: 'returned', schedule: 'as scheduled', twin: 'its twin: the same packets go on', start: 'the first that was ready', media_back: 'media is back', unlock: 'unlocked', hold: 'let go' };

/** "Viewers saw no gap, 310 ms repeated." Empty when it was not measured. */
export function switchEffect(last: LastSwitch): string {
  // Before the first there was nothing to see.
  const seen = last.from === null ? '' : effect(last.gap_ms, last.repeated_ms);
  return seen === '' ? '' : `Viewers saw ${seen}.`;
}

function effect(gap: number | null | undefined, repeated: number | null | undefined): string {
  if (typeof gap !== 'number') return '';
  const parts = [gap > 0 ? `a gap of ${span(gap)}` : 'no gap', typeof repeated === 'number' && repeated > 0 && `${span(repeated)} repeated`];
  return parts.filter(Boolean).join(', ');
}

/** "150 ms", "2.4 s" */
export const span = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** What it took, beneath the sentence. */
export function switchFigures({ decided_after_ms: decided, delay_ms: delay, why }: LastSwitch): string {
  return inWords(capital([
    !(why in ASKED) && typeof decided === 'number' && decided > 0 && `decided after ${span(decided)}`,
    typeof delay === 'number' && delay > 0 && `held ${span(delay)} longer since`,
  ].filter(Boolean).join(', ')), null);
}

/** "Viewers would have seen no gap, 120 ms repeated.", or what was cut and who took over; then what was wrong. */
export function drillSentence(drill: LastDrill): string {
  const seen = effect(drill.gap_ms, drill.repeated_ms);
  const viewers = seen && `Viewers ${drill.on_air ? 'saw' : 'would have seen'} ${seen}`;
  const told = drill.would && (drill.on_air || !drill.passed) ? [sentence(drill.would), drill.passed ? viewers : ''] : [sentence(drill.would || viewers)];
  // What was wrong follows in full.
  const counted = /; (one thing was|\d+ things were) wrong$/;
  const said = [...told.map((one) => (drill.problems.length > 0 ? one.replace(counted, '') : one)), ...drill.problems.map(capital)].filter(Boolean).map((one) => inSeconds(inWords(one, null)));
  return said.join(' ') || 'Nothing was told.';
}

/** Before the main is cut on air; the server's own words come first. */
export function cutWarning(status: SwitchStatus): string {
  const next = status.standby.find((one) => one.ready)?.name;
  if (next) return `${status.active} is cut off for real, and ${next} goes on air. Viewers see that switch.`;
  return status.slate.state === 'ready' ? `${status.active} is cut off for real. No backup is ready: viewers see the slate.` : `${status.active} is cut off for real. No backup is ready: viewers see nothing.`;
}

/** What is told of a switch: what it did, and what it decided. */
export const SWITCH_EVENTS = ['switched', 'switch_decision'];

/** A line of the history. */
export interface Told {
  key: string;
  at: string;
  text: string;
  /** What viewers saw. */
  effect: string;
  gap: boolean;
  /** Something that was wanted did not happen. */
  trouble: boolean;
  /** A take by the clock that was not done. */
  missed: boolean;
}

/** Of one switch, the newest first; some events come twice, and what came of an order is told by the switch itself. */
export function historyOf(events: TypedEvent[], source: string): Told[] {
  const own = new Map<string, Told>();
  for (const event of events) {
    const told = subjectOf(event) === source ? toldOf(event) : null;
    if (told) own.set(told.key, told);
  }
  return [...own.values()].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
}

/** Decisions that say more than the switch that followed. */
const SAID = new Set(['stayed', 'given_up', 'missed', 'latched', 'set', 'drill_ended']);

/** For how long a take by the clock that was missed is told beside TAKE. */
const MISSED_MS = 30 * 60_000;

/** What the clock should have put on air and did not, until something else was put there. */
export function missedOf(list: Told[], status: SwitchStatus, now: number): Told | null {
  const last = Date.parse(status.last_switch?.at ?? '');
  return list.find(({ missed, at }) => missed && now - Date.parse(at) < MISSED_MS && !(Date.parse(at) < last)) ?? null;
}

/** Those that nobody wanted. */
const TROUBLE = new Set(['given_up', 'missed', 'latched']);

function toldOf(event: TypedEvent): Told | null {
  const key = String(event.id ?? `${event.at} ${event.kind}`);
  if (event.kind === 'switched') {
    const last: LastSwitch = {
      at: event.at, from: text(event.from), to: text(event.to), why: text(event.why) ?? '', text: text(event.text) ?? '', automatic: event.automatic === true, by: text(event.by),
      gap_ms: number(event.gap_ms), repeated_ms: number(event.repeated_ms), decided_after_ms: number(event.decided_after_ms), delay_ms: number(event.delay_ms),
    };
    return { key, at: event.at, text: switchCause(last), effect: switchEffect(last), gap: (last.gap_ms ?? 0) > 0, trouble: false, missed: false };
  }
  const said = text(event.text);
  if (event.kind !== 'switch_decision' || said === null || event.by === RESTART || !SAID.has(String(event.decision))) return null;
  const by = text(event.by);
  return { key, at: event.at, text: `${sentence(inSeconds(said))}${by ? `, by ${by}` : ''}`, effect: '', gap: false, trouble: TROUBLE.has(String(event.decision)), missed: event.decision === 'missed' };
}

/** Names of inputs stay as they are. */
const sentence = (said: string): string => (/^(the|a|an|automatic|cut|viewers|no|nothing)\b/.test(said) ? capital(said) : said);

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function subjectOf({ subject }: TypedEvent): string | null {
  if (subject && typeof subject === 'object') return subject.name ?? null;
  return typeof subject === 'string' ? subject.replace(/^source\//, '') : null;
}
