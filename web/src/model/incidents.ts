/** What happened to a source, as marks on its graphs. */
import type { TypedEvent } from '../api/types';

export interface Incident {
  at: number;
  label: string;
  tone: 'warn' | 'fault' | 'quiet';
}

const MARKS: Record<string, { label: string; tone: Incident['tone'] }> = {
  source_connected: { label: 'Connected', tone: 'quiet' },
  source_disconnected: { label: 'Disconnected', tone: 'fault' },
  source_reconnecting: { label: 'Reconnecting', tone: 'warn' },
  source_health: { label: 'Health', tone: 'warn' },
  alarm: { label: 'Alarm', tone: 'warn' },
};

export function incidents(events: TypedEvent[], source: string, from: number): Incident[] {
  return events
    .filter((event) => subjectOf(event) === source && event.kind in MARKS && Date.parse(event.at) >= from)
    .map(incidentOf)
    .filter((incident): incident is Incident => incident !== null)
    .sort((one, other) => one.at - other.at);
}

function incidentOf(event: TypedEvent): Incident | null {
  const mark = MARKS[event.kind];
  if (!mark) return null;
  const at = Date.parse(event.at);
  if (event.kind !== 'source_health' && event.kind !== 'alarm') return { at, ...mark };
  const worse = event.health ?? event.severity ?? event.to;
  if (worse === 'ok' || event.cleared === true || event.state === 'cleared') return null;
  const reasons = Array.isArray(event.reasons) ? event.reasons : [];
  const first = reasons[0] as { text?: unknown } | string | undefined;
  const text = typeof first === 'string' ? first : first?.text ?? event.text;
  const label = typeof text === 'string' ? text.replace(/ for \d\d:\d\d(:\d\d)?$/, '') : mark.label;
  return { at, label, tone: worse === 'error' ? 'fault' : 'warn' };
}

function subjectOf(event: TypedEvent): string | null {
  const subject = event.subject;
  if (typeof subject === 'string') return subject.replace(/^source\//, '');
  if (subject && typeof subject === 'object') return subject.name ?? null;
  return typeof event.source === 'string' ? event.source : null;
}
