import { describe, expect, it } from 'vitest';
import { sourceEffect } from '../../src/model/drafts/effect';
import { sourceConfig, sourceDraft } from '../../src/model/drafts/source';
import { localTime, moved, switchDraft, switchFaults, switchSettings } from '../../src/model/drafts/switch';
import { triggerDraft, TRIGGERS, triggerValue } from '../../src/model/drafts/triggers';
import { program, switchSource } from './switches';

const KINDS = [{ kind: 'switch', about: '', fields: [], unseen: [] }];
const FULL = {
  inputs: ['main', 'backup'], slate: { file: 'soon.png', sound: 'tone' }, return: 'auto', return_after: '1m', dwell: '8s', ready_after: '4s', delay: '500ms', merge: 'off', on_mismatch: 'refuse',
  triggers: { no_packets: '200ms', bitrate: { threshold: 40, after: '1s' }, pat: 'off', continuity: { threshold: 5, severity: 'alarm' } },
  schedule: [{ at: '2026-11-22T20:00:00.250Z', take: 'main' }], of_tomorrow: 1,
};

describe('the form of a switch', () => {
  it('leaves everything as it was when nothing is changed, shown or not', () => {
    expect(switchSettings(switchDraft(FULL), FULL)).toEqual(FULL);
    const config = { name: 'program', switch: FULL, expect: { video: 'h264' } };
    expect(sourceConfig(sourceDraft(config, '', KINDS), config, KINDS)).toEqual(config);
  });
  it('of a new one writes the inputs alone', () => {
    const draft = { ...switchDraft({}), inputs: ['main', 'backup'] };
    expect(switchSettings(draft, null)).toEqual({ inputs: ['main', 'backup'] });
  });
  it('writes a slate as its file, and with its sound only when it is heard', () => {
    const draft = { ...switchDraft({}), slate: ' soon.png ' };
    expect(switchSettings(draft, null).slate).toBe('soon.png');
    expect(switchSettings({ ...draft, slateSound: 'tone' }, null).slate).toEqual({ file: 'soon.png', sound: 'tone' });
    expect(switchSettings({ ...switchDraft(FULL), slate: '' }, FULL)).not.toHaveProperty('slate');
  });
  it('takes bare numbers in the unit of the field', () => {
    const draft = { ...switchDraft({}), dwell: '8', delay: '500', returnAfter: '1m 30s' };
    expect(switchSettings(draft, null)).toMatchObject({ dwell: '8s', delay: '500ms', return_after: '1m 30s' });
  });
  it('needs an input, and a time and an input in every line of the schedule', () => {
    expect(switchFaults(switchDraft({}))).toEqual({ '/switch/inputs': 'Choose at least one input.' });
    expect(switchFaults({ ...switchDraft(FULL), schedule: [{ at: '', take: 'main' }] })).toHaveProperty('/switch/schedule');
    expect(switchFaults(switchDraft(FULL))).toEqual({});
  });
  it('writes a scheduled time as one that is the same everywhere', () => {
    const draft = switchDraft({ inputs: ['main'] });
    draft.schedule.push({ at: localTime('2026-11-22T21:30:00Z'), take: 'main' });
    expect(switchSettings(draft, { inputs: ['main'] }).schedule).toEqual([{ at: '2026-11-22T21:30:00Z', take: 'main' }]);
  });
  it('says what saving does to viewers', () => {
    const base = { name: 'program', switch: { inputs: ['main', 'backup'] } };
    const other = (inputs: string[]) => ({ name: 'program', switch: { inputs, dwell: '9s' } });
    expect(sourceEffect(other(['backup', 'main']), base, switchSource(program()))).toBe('');
    expect(sourceEffect(other(['backup']), base, switchSource(program()))).toBe('Saving takes main off air: the program starts anew, and viewers see a break.');
    const delayed = { name: 'program', switch: { inputs: ['main', 'backup'], delay: '500ms' } };
    expect(sourceEffect(delayed, base, switchSource(program()))).toBe('Saving starts the program anew; viewers see a break.');
  });
});

it('moves an input up and down, and the ends stay ends', () => {
  expect(moved(['a', 'b', 'c'], 1, -1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 1, 1)).toEqual(['a', 'c', 'b']);
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
  expect(moved(['a', 'b'], 1, 1)).toEqual(['a', 'b']);
});

describe('a trigger', () => {
  const of = (key: string) => TRIGGERS.find((trigger) => trigger.key === key) ?? TRIGGERS[0]!;
  it('is written as shortly as it can be said', () => {
    expect(triggerValue(of('no_packets'), { act: 'switch', value: '' }, undefined)).toBeUndefined();
    expect(triggerValue(of('no_packets'), { act: 'switch', value: '200' }, undefined)).toBe('200ms');
    expect(triggerValue(of('bitrate'), { act: 'switch', value: '40' }, undefined)).toBe(40);
    expect(triggerValue(of('bitrate'), { act: 'alarm', value: '' }, undefined)).toEqual({ severity: 'alarm' });
    expect(triggerValue(of('pat'), { act: 'off', value: '' }, { hold: '2s' })).toBe('off');
  });
  it('keeps what the form does not show', () => {
    const stored = { after: '200ms', hold: '3s', severity: 'alarm' };
    expect(triggerDraft(of('no_packets'), stored)).toEqual({ act: 'alarm', value: '200ms' });
    expect(triggerValue(of('no_packets'), { act: 'switch', value: '250ms' }, stored)).toEqual({ after: '250ms', hold: '3s' });
  });
});
