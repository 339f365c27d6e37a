/** Settings that name another object are chosen from those there are. */
import type { ListenerView } from '../api/types';
import type { OwnDraft } from './drafts/own';
import type { Platform } from './platforms';
import type { FieldModel } from './schema';

export interface There {
  listeners: ListenerView[];
  /** Those that take uploads of HLS among them. */
  platforms?: Platform[];
}

export interface Names {
  options: [value: string, words: string][];
  /** What leaving it out means. */
  none: string;
  /** What to do when there is nothing to choose. */
  empty: string;
}

/** Null for a setting that stands for itself. */
export function refersTo(kind: string, field: FieldModel, there: There): Names | null {
  if (field.shape !== 'text') return null;
  if (field.key === 'listener') {
    const fit = there.listeners.filter((listener) => listener.kind === kind);
    return {
      options: fit.map(({ name, bound }) => [name, `${name}, ${bound ?? 'not bound'}`]),
      none: 'All of them',
      empty: `There is no ${kind.toUpperCase()} listener yet. Add one under Listeners first.`,
    };
  }
  if (field.key === 'platform') {
    const fit = (there.platforms ?? []).filter((platform) => platform.hls_url);
    return { options: fit.map(({ id, name }) => [id, name]), none: 'None, by its address', empty: 'No platform is known that takes it.' };
  }
  return null;
}

/** A new object begins with the first of what it needs. */
export function chooseFirst(kind: string, fields: FieldModel[], draft: OwnDraft, there: There): OwnDraft {
  const chosen = fields.filter((field) => field.required && draft[field.key] === '').map((field) => [field.key, refersTo(kind, field, there)?.options[0]?.[0] ?? '']);
  return { ...draft, ...Object.fromEntries(chosen) };
}

/** What is chosen stays a choice, also when it is not there any more. */
export function withMissing(options: [string, string][], chosen: string, note = 'missing'): [string, string][] {
  const isThere = chosen === '' || options.some(([value]) => value === chosen);
  return isThere ? options : [[chosen, `${chosen}, ${note}`], ...options];
}
