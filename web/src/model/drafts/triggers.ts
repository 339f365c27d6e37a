/** What makes a switch leave an input by itself. In settings each is `off`, a value, or an object. */
import type { Settings } from '../../api/types';
import { isObject } from '../own';
import { numberValue, text } from './write';

export interface Trigger {
  key: string;
  label: string;
  /** What the one value of the form is: a time, or a number with its unit. */
  value: 'time' | 'number';
  /** Under which name an object has it. */
  field: 'after' | 'threshold';
  unit: string;
  /** What holds while nothing is set. */
  standard: string;
}

const time = (key: string, label: string, standard: string): Trigger => ({ key, label, value: 'time', field: 'after', unit: '', standard });
const number = (key: string, label: string, unit: string, standard: string): Trigger => ({ key, label, value: 'number', field: 'threshold', unit, standard });

/** The one that says most first. */
export const TRIGGERS: Trigger[] = [
  time('no_packets', 'No packets for', '150ms'),
  time('disconnect', 'Not connected for', '0s'),
  number('bitrate', 'Bitrate below', '% of usual', '30'),
  number('unrecovered_loss', 'Lost for good in 5 s', 'packets', '20'),
  number('continuity', 'Gaps in the stream', 'per second', '10'),
  time('pts_stall', 'Time stands still for', '700ms'),
  time('ts_sync', 'No sync for', '500ms'),
  time('pat', 'PAT missing for', '500ms'),
  time('pmt', 'PMT missing for', '500ms'),
  time('pid', 'A track missing for', '500ms'),
];

export interface TriggerDraft {
  act: 'switch' | 'alarm' | 'off';
  /** Empty: the standard value. */
  value: string;
}

export function triggerDraft(trigger: Trigger, set: unknown): TriggerDraft {
  if (set === 'off') return { act: 'off', value: '' };
  if (!isObject(set)) return { act: 'switch', value: text(set) };
  return { act: set.severity === 'alarm' ? 'alarm' : 'switch', value: text(set[trigger.field]) };
}

/** As shortly as it can be said. What an object says beside stays. */
export function triggerValue(trigger: Trigger, draft: TriggerDraft, stored: unknown): unknown {
  if (draft.act === 'off') return 'off';
  const { severity: _severity, [trigger.field]: _value, ...beside } = isObject(stored) ? stored : ({} as Settings);
  const value = valueOf(trigger, draft.value);
  const all: Settings = { ...(value === undefined ? {} : { [trigger.field]: value }), ...beside, ...(draft.act === 'alarm' ? { severity: 'alarm' } : {}) };
  const keys = Object.keys(all);
  if (keys.length === 0) return undefined;
  return keys.length === 1 && keys[0] === trigger.field ? value : all;
}

function valueOf(trigger: Trigger, value: string): unknown {
  if (trigger.value === 'number') return numberValue(value);
  return /^\d+(\.\d+)?$/.test(value.trim()) ? `${value.trim()}ms` : value.trim() || undefined;
}
