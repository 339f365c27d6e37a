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
  source_health: { label: 'Health', tone: 'warn' },
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
  if (event.kind === 'source_disconnected' && event.connection === 'connecting') return null;
  if (event.kind === 'source_disconnected' && event.connection === 'reconnecting') return { at, label: 'Reconnecting', tone: 'warn' };
  if (event.kind !== 'source_health') return { at, ...mark };
  const first = Array.isArray(event.reasons) ? (event.reasons[0] as { text?: unknown } | undefined) : undefined;
  if (event.health === 'ok' || typeof first?.text !== 'string') return null;
  return { at, label: first.text.replace(/ for \d\d:\d\d(:\d\d)?$/, ''), tone: event.health === 'error' ? 'fault' : 'warn' };
}

function subjectOf(event: TypedEvent): string | null {
  const subject = event.subject;
  if (typeof subject === 'string') return subject.replace(/^source\//, '');
  if (subject && typeof subject === 'object') return subject.name ?? null;
  return typeof event.source === 'string' ? event.source : null;
}
