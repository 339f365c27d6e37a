/** What a form made from a schema edits, and how it becomes settings again: only what was changed is written. */
import type { Settings } from '../../api/types';
import type { FieldModel } from '../schema';
import { isKept, secretDraft, secretValue, type SecretDraft } from './secret';
import { assign, listText, listValue, same, text, typed } from './write';

/** By name. Numbers, choices and lists are texts while they are edited. */
export type OwnDraft = Record<string, Entry>;
export type Entry = string | boolean | SecretDraft | PairsDraft | GroupDraft;

/** Secrets under names. */
export interface PairsDraft {
  pairs: { name: string; secret: SecretDraft }[];
}

export interface GroupDraft {
  /** Whether it is set at all. */
  on: boolean;
  fields: OwnDraft;
}

export function ownDraft(fields: FieldModel[], settings: Settings): OwnDraft {
  return Object.fromEntries(fields.map((field) => [field.key, entryOf(field, settings[field.key])]));
}

function entryOf(field: FieldModel, value: unknown): Entry {
  switch (field.shape) {
    case 'flag': return (value ?? field.default) === true;
    case 'secret': return secretDraft(value);
    case 'group': return { on: field.required || isObject(value), fields: ownDraft(field.fields, isObject(value) ? value : {}) };
    case 'pairs': return { pairs: Object.entries(isObject(value) ? value : {}).map(([name, secret]) => ({ name, secret: secretDraft(secret) })) };
    case 'list': return listText(value);
    case 'choice': return text(value) || text(field.default) || (field.required ? (field.options[0]?.[0] ?? '') : '');
    default: return text(value);
  }
}

/** `base`: the settings it was made of; null for new ones. What no field shows stays. */
export function ownSettings(fields: FieldModel[], draft: OwnDraft, base: Settings | null): Settings {
  const settings: Settings = { ...base };
  const before = base && ownDraft(fields, base);
  for (const field of fields) {
    const entry = draft[field.key];
    if (entry === undefined || (before && same(entry, before[field.key]))) continue;
    assign(settings, field.key, valueOf(field, entry, base?.[field.key]));
  }
  return settings;
}

function valueOf(field: FieldModel, entry: Entry, stored: unknown): unknown {
  if (typeof entry === 'boolean') return entry === (field.default === true) && !field.required ? undefined : entry;
  if (typeof entry === 'string') return textValue(field, entry);
  if (isPairs(entry)) return pairsValue(entry);
  if (isGroup(entry)) return entry.on ? ownSettings(field.fields, entry.fields, isObject(stored) ? stored : null) : undefined;
  return secretValue(entry);
}

/** A line without a name is no pair; one without a value is said to lack it. */
function pairsValue({ pairs }: PairsDraft): unknown {
  const named = pairs.flatMap(({ name, secret }) => (name.trim() ? [[name.trim(), secretValue(secret) ?? '']] : []));
  return named.length > 0 ? Object.fromEntries(named) : undefined;
}

function textValue(field: FieldModel, entry: string): unknown {
  if (field.shape === 'list') return listValue(entry);
  // What is set anyhow need not be written.
  if (field.shape === 'choice' && !field.required && entry === field.default) return undefined;
  // What is no number goes to the server as it is, which says what is wrong.
  if (field.shape === 'number' && /^-?\d+(\.\d+)?$/.test(entry.trim())) return Number(entry);
  return typed(entry);
}

/** What is needed and missing, by JSON pointer. */
export function ownFaults(fields: FieldModel[], draft: OwnDraft, at: string): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const field of fields) {
    const entry = draft[field.key];
    if (entry === undefined || typeof entry === 'boolean') continue;
    if (typeof entry !== 'string' && isGroup(entry)) {
      if (entry.on) Object.assign(faults, ownFaults(field.fields, entry.fields, `${at}/${field.key}`));
      continue;
    }
    if (typeof entry !== 'string' && isPairs(entry)) {
      const lacking = entry.pairs.find(({ name, secret }) => (name.trim() === '') !== (secretValue(secret) === undefined));
      if (lacking) faults[`${at}/${field.key}`] = lacking.name.trim() ? `${lacking.name.trim()} needs a value.` : 'A value needs a name.';
      continue;
    }
    const missing = typeof entry === 'string' ? entry.trim() === '' : entry.text === '' && !isKept(entry);
    if (field.required && missing) faults[`${at}/${field.key}`] = `${field.label} is needed.`;
  }
  return faults;
}

/** Every place where the server may find something wrong. */
export const ownPointers = (fields: FieldModel[], at: string): string[] =>
  fields.flatMap((field) => [`${at}/${field.key}`, ...ownPointers(field.fields, `${at}/${field.key}`)]);

/** Whether anything rarely used is set, or wrong: then it is shown without asking. */
export function isSet(field: FieldModel, entry: Entry | undefined): boolean {
  if (entry === undefined) return false;
  if (typeof entry === 'boolean') return entry !== (field.default === true);
  if (typeof entry === 'string') return entry !== '' && entry !== field.default;
  if (isPairs(entry)) return entry.pairs.length > 0;
  return isGroup(entry) ? entry.on : entry.stored !== null || entry.text !== '';
}

export const isGroup = (entry: Entry): entry is GroupDraft => typeof entry === 'object' && 'fields' in entry;
export const isPairs = (entry: Entry): entry is PairsDraft => typeof entry === 'object' && 'pairs' in entry;
const isObject = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);
