/** What happened to a source, as marks on its graphs. */
import type { TypedEvent } from '../api/types';

export interface Incident {
  at: number;
  label: string;
  tone: 'warn' | 'fault' | 'quiet';
}

/** Newest and older events in any order, some of them twice, become marks in the order of time. */
export function incidents(events: TypedEvent[], source: string, from: number): Incident[] {
  const own = new Map<unknown, TypedEvent>();
  for (const event of events) if (subjectOf(event) === source) own.set(event.id ?? event, event);
  const ordered = [...own.values()].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));

  const found: Incident[] = [];
  // Before anybody has connected nothing can fail; what is not known counts as connected.
  let present = true;
  for (const event of ordered) {
    const { connection } = event;
    if (event.kind === 'source_connected') present = true;
    const mark = present ? markOf(event) : null;
    if (event.kind === 'source_disconnected') present = false;
    if (event.kind === 'source_disconnected' && connection === 'reconnecting') present = true;
    // A repeated attempt is no new incident.
    if (mark && mark.at >= from && found.at(-1)?.label !== mark.label) found.push(mark);
  }
  return found;
}

function markOf(event: TypedEvent): Incident | null {
  const at = Date.parse(event.at);
  switch (event.kind) {
    case 'source_connected':
      return { at, label: 'Connected', tone: 'quiet' };
    case 'source_disconnected':
      return disconnected(at, event);
    case 'source_health':
      return health(at, event);
    case 'switched':
      return typeof event.to === 'string' ? { at, label: `→ ${event.to}`, tone: Number(event.gap_ms) > 0 ? 'warn' : 'quiet' } : null;
    default:
      return null;
  }
}

function disconnected(at: number, { connection, reason }: TypedEvent): Incident | null {
  if (connection === 'connecting' || /^waiting/i.test(String(reason ?? ''))) return null;
  if (connection === 'reconnecting') return { at, label: 'Reconnecting', tone: 'warn' };
  return { at, label: 'Disconnected', tone: 'fault' };
}

function health(at: number, event: TypedEvent): Incident | null {
  const first = Array.isArray(event.reasons) ? (event.reasons[0] as { text?: unknown } | undefined) : undefined;
  if (event.health === 'ok' || typeof first?.text !== 'string') return null;
  return { at, label: first.text.replace(/ for \d\d:\d\d(:\d\d)?$/, ''), tone: event.health === 'error' ? 'fault' : 'warn' };
}

function subjectOf({ subject }: TypedEvent): string | null {
  if (subject && typeof subject === 'object') return subject.type === undefined || subject.type === 'source' ? (subject.name ?? null) : null;
  return typeof subject === 'string' ? subject.replace(/^source\//, '') : null;
}
