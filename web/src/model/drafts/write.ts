/** How a form's fields become settings again: only what was changed is written, so nothing else can be damaged. */
import type { Config, Settings } from '../../api/types';

/** A value as a text field shows it. */
export const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');

export const settings = (config: Config | null, key: string): Settings => (config?.[key] as Settings | undefined) ?? {};

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Writes one draft's fields into settings, leaving alone what is as it was when the form opened. */
export class Writer<Draft extends object> {
  readonly #draft: Draft;
  /** Null for a new object: then everything is written. */
  readonly #before: Draft | null;

  constructor(draft: Draft, before: Draft | null) {
    this.#draft = draft;
    this.#before = before;
  }

  changed(...fields: (keyof Draft)[]): boolean {
    return fields.some((field) => this.#before === null || !same(this.#draft[field], this.#before[field]));
  }

  /** `undefined` takes the setting away. */
  put(target: Settings, key: string, field: keyof Draft, value: unknown): void {
    if (this.changed(field)) assign(target, key, value);
  }
}

export function assign(target: Settings, key: string, value: unknown): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

/** What was typed, or nothing. */
export const typed = (value: string): string | undefined => value.trim() || undefined;

/** "200ms", "0.2s" or 200 as milliseconds, for a field that carries the unit itself. */
export function latencyText(value: unknown): string {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*$/.exec(text(value));
  if (!found) return text(value);
  return String(Number(found[1]) * (found[2] === 's' ? 1000 : 1));
}

export const latencyValue = (value: string): string | undefined =>
  /^\d+(\.\d+)?$/.test(value.trim()) ? `${value.trim()}ms` : typed(value);

/** A number where it is one; what else was typed goes to the server as it is, which says what is wrong. */
export function numberValue(value: string): number | string | undefined {
  const trimmed = value.trim();
  return trimmed === '' ? undefined : /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** A list of texts in one line. */
export const listText = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(', ') : '');

export function listValue(value: string): string[] | undefined {
  const parts = value.split(/[\s,;]+/).filter(Boolean);
  return parts.length > 0 ? parts : undefined;
}
