/** What has happened, in sentences: the last switch with its evidence, older ones, a drill. */
import type { LastDrill, LastSwitch, SwitchStatus, TypedEvent } from '../../api/types';
import { capital, inWords } from '../sentence';

/** "cam1-main: no packets for 150 ms → cam1-backup" */
export function switchCause({ from, to, text, why, automatic, by }: LastSwitch): string {
  const cause = (text || WHY[why] || why.replaceAll('_', ' ')).replace(/[.\s]+$/, '');
  const who = automatic || by === null ? '' : `, by ${by}`;
  const named = from !== null && !cause.startsWith(from) ? `${from}: ${cause}` : cause;
  return `${named}${who} → ${to ?? 'nothing'}`;
}

const WHY: Record<string, string> = { take: 'taken', return: 'returned', schedule: 'as scheduled', drill: 'cut for a drill' };

/** "Viewers saw no gap, 310 ms repeated." Empty when it was not measured. */
export function switchEffect(last: LastSwitch): string {
  const seen = effect(last.gap_ms, last.repeated_ms);
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
export function switchFigures({ decided_after_ms: decided, delay_ms: delay, automatic }: LastSwitch): string {
  return inWords(capital([
    automatic && typeof decided === 'number' && `decided ${span(decided)} after the last packet`,
    typeof delay === 'number' && delay > 0 && `its packets are held ${span(delay)} longer`,
  ].filter(Boolean).join(', ')), null);
}

/** "Passed: viewers would have seen no gap, 120 ms repeated." */
export function drillSentence(drill: LastDrill): string {
  const seen = effect(drill.gap_ms, drill.repeated_ms);
  const would = drill.would || (seen && `viewers ${drill.on_air ? 'saw' : 'would have seen'} ${seen}`);
  const problems = drill.problems.map((problem) => inWords(capital(problem), null)).join(' ');
  return `${drill.passed ? 'Passed' : 'Failed'}: ${inWords(would || (drill.passed ? 'nothing found' : 'see below'), null)}${problems ? ` ${problems}` : ''}`;
}

/** Before the main is cut on air; the server's own words come first. */
export function cutWarning(status: SwitchStatus): string {
  const next = status.standby.find((one) => one.ready)?.name;
  if (next) return `${status.active} is cut off for real, and ${next} goes on air. Viewers see that switch.`;
  return status.slate.state === 'ready' ? `${status.active} is cut off for real. No backup is ready: viewers see the slate.` : `${status.active} is cut off for real. No backup is ready: viewers see nothing.`;
}

export const SWITCH_EVENTS = ['switched'];

/** Of one source, the newest first; some events come twice. */
export function switchesOf(events: TypedEvent[], source: string): LastSwitch[] {
  const own = new Map<unknown, LastSwitch>();
  for (const event of events) {
    if (!SWITCH_EVENTS.includes(event.kind) || subjectOf(event) !== source) continue;
    own.set(event.id ?? `${event.at}${String(event.to)}`, {
      at: event.at, from: text(event.from), to: text(event.to), why: text(event.why) ?? '', text: text(event.text) ?? '', automatic: event.automatic === true, by: text(event.by),
      gap_ms: number(event.gap_ms), repeated_ms: number(event.repeated_ms), decided_after_ms: number(event.decided_after_ms), delay_ms: number(event.delay_ms),
    });
  }
  return [...own.values()].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function subjectOf({ subject }: TypedEvent): string | null {
  if (subject && typeof subject === 'object') return subject.name ?? null;
  return typeof subject === 'string' ? subject.replace(/^source\//, '') : null;
}
