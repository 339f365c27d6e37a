/** What the form of a switch edits: its inputs in order, what comes when none delivers, and when it acts by itself. */
import type { Settings } from '../../api/types';
import { isObject } from '../own';
import { TRIGGERS, triggerDraft, triggerValue, type TriggerDraft } from './triggers';
import { assign, same, text, typed, Writer } from './write';

export interface SwitchDraft {
  /** The preferred one first. */
  inputs: string[];
  slate: string;
  /** Empty: a clip’s own, and silence with a picture. */
  slateSound: string;
  returns: string;
  returnAfter: string;
  dwell: string;
  readyAfter: string;
  delay: string;
  merge: string;
  onMismatch: string;
  triggers: Record<string, TriggerDraft>;
  schedule: ScheduledDraft[];
}

export interface ScheduledDraft {
  /** Local time, as a field for it writes it: `2026-11-22T20:00`. */
  at: string;
  take: string;
}

export const INPUTS_MAX = 16;
/** Settings that the form shows; others are kept, and named. */
export const SWITCH_FIELDS = ['inputs', 'slate', 'return', 'return_after', 'dwell', 'ready_after', 'delay', 'merge', 'on_mismatch', 'triggers', 'schedule'];

export const switchPointers = (): string[] => [...SWITCH_FIELDS, ...TRIGGERS.map(({ key }) => `triggers/${key}`)].map((field) => `/switch/${field}`);

export function switchDraft(from: Settings): SwitchDraft {
  const slate = isObject(from.slate) ? from.slate : { file: from.slate };
  const triggers = isObject(from.triggers) ? from.triggers : {};
  return {
    inputs: list(from.inputs).map(text),
    slate: text(slate.file),
    slateSound: text(slate.sound),
    returns: text(from.return) || 'manual',
    returnAfter: text(from.return_after),
    dwell: text(from.dwell),
    readyAfter: text(from.ready_after),
    delay: text(from.delay),
    merge: text(from.merge) || 'auto',
    onMismatch: text(from.on_mismatch) || 'switch',
    triggers: Object.fromEntries(TRIGGERS.map((trigger) => [trigger.key, triggerDraft(trigger, triggers[trigger.key])])),
    schedule: list(from.schedule).filter(isObject).map((one) => ({ at: localTime(text(one.at)), take: text(one.take) })),
  };
}

/** Only what was changed is written. `base`: what was set before; null for a new switch. */
export function switchSettings(draft: SwitchDraft, base: Settings | null): Settings {
  const before = base && switchDraft(base);
  const settings: Settings = { ...base };
  const writer = new Writer(draft, before);
  writer.put(settings, 'inputs', 'inputs', draft.inputs);
  if (writer.changed('slate', 'slateSound')) assign(settings, 'slate', slateValue(draft));
  writer.put(settings, 'return', 'returns', unless(draft.returns, 'manual'));
  writer.put(settings, 'return_after', 'returnAfter', spanValue(draft.returnAfter));
  writer.put(settings, 'dwell', 'dwell', spanValue(draft.dwell));
  writer.put(settings, 'ready_after', 'readyAfter', spanValue(draft.readyAfter));
  writer.put(settings, 'delay', 'delay', spanValue(draft.delay, 'ms'));
  writer.put(settings, 'merge', 'merge', unless(draft.merge, 'auto'));
  writer.put(settings, 'on_mismatch', 'onMismatch', unless(draft.onMismatch, 'switch'));
  if (writer.changed('schedule')) assign(settings, 'schedule', scheduleValue(draft.schedule, before?.schedule ?? [], list(base?.schedule)));
  if (writer.changed('triggers')) assign(settings, 'triggers', triggersValue(draft, before, isObject(base?.triggers) ? base.triggers : {}));
  return settings;
}

export function switchFaults(draft: SwitchDraft): Record<string, string> {
  const faults: Record<string, string> = {};
  if (draft.inputs.length === 0) faults['/switch/inputs'] = 'Choose at least one input.';
  const wanting = draft.schedule.find(({ at, take }) => !Number.isFinite(Date.parse(at)) || take === '');
  if (wanting) faults['/switch/schedule'] = 'Every line needs a time and an input.';
  return faults;
}

/** Moves one input up (−1) or down (1); the ends stay ends. */
export function moved(inputs: string[], at: number, step: -1 | 1): string[] {
  const to = at + step;
  if (to < 0 || to >= inputs.length) return inputs;
  const changed = [...inputs];
  [changed[at], changed[to]] = [changed[to] ?? '', changed[at] ?? ''];
  return changed;
}

function slateValue({ slate, slateSound }: SwitchDraft): unknown {
  const file = typed(slate);
  return file === undefined || slateSound === '' ? file : { file, sound: slateSound };
}

function triggersValue(draft: SwitchDraft, before: SwitchDraft | null, stored: Settings): Settings | undefined {
  const triggers: Settings = { ...stored };
  for (const trigger of TRIGGERS) {
    const now = draft.triggers[trigger.key];
    if (now && !same(now, before?.triggers[trigger.key])) assign(triggers, trigger.key, triggerValue(trigger, now, stored[trigger.key]));
  }
  return Object.keys(triggers).length > 0 ? triggers : undefined;
}

/** A line that was not touched keeps its time to the letter. */
function scheduleValue(schedule: ScheduledDraft[], before: ScheduledDraft[], stored: unknown[]): unknown {
  const lines = schedule.map((one) => {
    const at = before.findIndex((other) => same(one, other));
    return at >= 0 ? stored[at] : { at: utc(one.at), take: one.take };
  });
  return lines.length > 0 ? lines : undefined;
}

/** `30` is in the field's own unit; `1m 30s` goes as it is. */
export const spanValue = (value: string, unit = 's'): string | undefined =>
  /^\d+(\.\d+)?$/.test(value.trim()) ? `${value.trim()}${unit}` : typed(value);

const unless = (value: string, standard: string): string | undefined => (value === standard ? undefined : value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** "2026-11-22T20:00:00Z" as the local time that a field for it takes; seconds only where there are some. */
export function localTime(at: string): string {
  const date = new Date(at);
  if (!Number.isFinite(date.getTime())) return '';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, date.getSeconds() === 0 ? 16 : 19);
}

function utc(local: string): string {
  const date = new Date(local);
  return Number.isFinite(date.getTime()) ? date.toISOString().replace(/\.\d+Z$/, 'Z') : local;
}
