import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/api/http';
import type { LastDrill } from '../../src/api/types';
import { steer } from '../../src/api/resources';
import { cutWarning, drillSentence, historyOf, missedOf, switchCause, switchEffect, switchFigures } from '../../src/model/switch/story';
import { ARM_MS, REST_MS, takeWords, WAIT_MS, type TakeState } from '../../src/model/switch/take';
import { Desk } from '../../src/switch/desk.svelte';
import { Drills } from '../../src/switch/drills.svelte';
import { NOW } from './samples';
import { gone, input, program, silent } from './switches';

vi.mock('../../src/api/resources', () => ({ steer: vi.fn(() => Promise.resolve(program())) }));
const sent = vi.mocked(steer);
beforeEach(() => void sent.mockClear());

const idle: TakeState = { waitingFor: null, since: null };
const words = (change: Parameters<typeof program>[0], preview: string | null = 'backup', take = idle, at = 0) => takeWords(program(change), preview, take, at, NOW, false);

describe('beside TAKE stands what it will do', () => {
  it('when the next input comes, at most', () => {
    expect(words({})).toEqual({ may: 'ready', text: 'On air at its next key frame, in 1.0 s at most.', tone: 'quiet' });
    expect(words({ inputs: [input('main'), input('backup', { twin_of: 'main' })] }).text).toBe('On air at once, the same packets go on.');
    expect(words({}, 'slate')).toEqual({ may: 'ready', text: 'Viewers see the slate at once.', tone: 'warn' });
  });
  it('that players start anew when the format differs', () => {
    const other = input('backup', { same_format: false, format: 'hevc 1280x720 25 · aac mono' });
    expect(words({ inputs: [input('main'), other] })).toMatchObject({ may: 'ready', text: 'Format differs: H.265 1280×720 25 · AAC mono. Players start anew.', tone: 'warn' });
  });
  it('why it does nothing', () => {
    expect(words({ locked: true })).toMatchObject({ may: 'no', text: 'Locked. Unlock first.' });
    expect(words({ inputs: [input('main')] }, null)).toMatchObject({ may: 'no', text: 'There is no other input.' });
    expect(words({}, 'backup', { waitingFor: 'backup', since: 0 })).toMatchObject({ may: 'no', text: 'backup comes at its next key frame, in 1.0 s at most.' });
    expect(words({}, 'backup', { waitingFor: null, since: 100 }, 100 + REST_MS - 1)).toMatchObject({ may: 'no', text: 'Just taken.' });
    expect(takeWords(program(), 'backup', idle, 0, NOW, true).may).toBe('no');
  });
  it('that it asks once more before an input that is not ready', () => {
    expect(words({ inputs: [input('main'), silent('backup')] })).toEqual({ may: 'ask', text: 'Not ready: no packets for 00:12.', tone: 'warn' });
  });
  it('that nothing comes of an input that nobody sends to', () => {
    expect(words({ inputs: [input('main'), gone('backup')] })).toMatchObject({ may: 'no', text: 'backup has nothing to show: nobody connected.' });
  });
});

describe('a press of TAKE', () => {
  it('names the preview, so that two screens never take different things by accident', () => {
    const desk = new Desk('program');
    desk.press(program(), false, 0);
    expect(sent).toHaveBeenCalledExactlyOnceWith('program', 'take', { input: 'backup' });
  });
  it('that comes twice takes once: while it waits, and for a while after', () => {
    const desk = new Desk('program');
    desk.press(program(), false, 0);
    desk.press(program(), false, 120);
    const aired = program({ active: 'backup', preview: 'main' });
    // It waited long for a key frame: what was pressed in impatience comes just after it.
    desk.follow(aired, 4000);
    desk.press(aired, false, 4000 + REST_MS - 1);
    expect(sent).toHaveBeenCalledTimes(1);
    desk.press(aired, false, 4000 + REST_MS);
    expect(sent).toHaveBeenLastCalledWith('program', 'take', { input: 'main' });
  });
  it('on an input that is not ready asks, and a slip of the finger is no answer', () => {
    const bare = program({ inputs: [input('main'), silent('backup')] });
    const desk = new Desk('program');
    desk.press(bare, false, 0);
    expect(desk.asked).toBe('backup');
    desk.press(bare, false, ARM_MS - 1);
    expect(sent).not.toHaveBeenCalled();
    desk.press(bare, false, ARM_MS + 1);
    expect(sent).toHaveBeenCalledExactlyOnceWith('program', 'take', { input: 'backup', force: true });
  });
  it('forces nothing once what was asked about is ready', () => {
    const desk = new Desk('program');
    desk.press(program({ inputs: [input('main'), silent('backup')] }), false, 0);
    desk.press(program(), false, ARM_MS + 1);
    expect(sent).toHaveBeenCalledExactlyOnceWith('program', 'take', { input: 'backup' });
  });
  it('is no answer to a question while nothing is known, or when its input is gone; then it asks anew', () => {
    const bare = program({ inputs: [input('main'), silent('backup')] });
    const left = program({ inputs: [input('main'), gone('backup')] });
    for (const [status, stale] of [[bare, true], [left, false]] as const) {
      const desk = new Desk('program');
      desk.press(bare, false, 0);
      desk.press(status, stale, ARM_MS + 1);
      desk.press(bare, false, 2 * ARM_MS);
      expect(desk.asked).toBe('backup');
    }
    expect(sent).not.toHaveBeenCalled();
  });
  it('asks anew when another preview was chosen meanwhile', () => {
    const bare = program({ inputs: [input('main'), silent('backup'), silent('phone')] });
    const desk = new Desk('program');
    desk.press(bare, false, 0);
    desk.choose('phone');
    desk.press(bare, false, ARM_MS + 1);
    expect([desk.asked, sent.mock.calls.length]).toEqual(['phone', 0]);
  });
  it('does nothing while it is locked or nothing is known', () => {
    const desk = new Desk('program');
    desk.press(program({ locked: true }), false, 0);
    desk.press(program(), true, 0);
    expect(sent).not.toHaveBeenCalled();
  });
  it('that is refused says so in the server’s words, and may be tried again at once', async () => {
    sent.mockRejectedValueOnce(new Problem(409, 'Conflict', { message: 'program is locked.', advice: 'Unlock it first.' }));
    const desk = new Desk('program');
    desk.press(program(), false, 0);
    await vi.waitFor(() => expect(desk.refused).toBe('program is locked. Unlock it first.'));
    desk.press(program(), false, 10);
    expect(sent).toHaveBeenCalledTimes(2);
  });
  it('that brings nothing on air is not waited for any longer', () => {
    const desk = new Desk('program');
    desk.press(program(), false, 0);
    desk.follow(program(), WAIT_MS - 1);
    expect(desk.take.waitingFor).toBe('backup');
    desk.follow(program(), WAIT_MS + 1);
    expect([desk.take.waitingFor, desk.refused]).toEqual([null, expect.stringMatching(/^backup has not come on air in 12 s/)]);
  });
  it('lets go of the choice once it is on air', () => {
    const desk = new Desk('program');
    desk.choose('backup');
    desk.follow(program({ active: 'backup' }), 0);
    expect(desk.chosen).toBeNull();
  });
});

describe('lock and hold', () => {
  it('pressed twice act once: what was just done is not undone by the same finger', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    const desk = new Desk('program');
    expect(await desk.act('lock')).toBe(true);
    clock.mockReturnValue(ARM_MS - 1);
    expect(await desk.act('unlock')).toBe(false);
    // Another act is no slip of that finger.
    expect(await desk.act('hold', { on: true })).toBe(true);
    clock.mockReturnValue(ARM_MS);
    expect(await desk.act('unlock')).toBe(true);
    expect(sent.mock.calls.map(([, act]) => act)).toEqual(['lock', 'hold', 'unlock']);
    clock.mockRestore();
  });
  it('that were refused may be tried again at once', async () => {
    sent.mockRejectedValueOnce(new Problem(409, 'Conflict', { message: 'Nothing is on air yet.' }));
    const desk = new Desk('program');
    expect(await desk.act('lock')).toBe(false);
    expect(await desk.act('lock')).toBe(true);
  });
});

describe('before an input is cut on air', () => {
  const refused = () => new Problem(409, 'Conflict', { message: 'This cuts main on air for 8 s.' });
  it('it is asked, and the answer names the input that was asked about', async () => {
    sent.mockRejectedValueOnce(refused());
    const drills = new Drills('program');
    await drills.ask(program(), false, 0);
    expect([drills.question, drills.cut]).toEqual(['This cuts main on air for 8 s.', 'main']);
    drills.confirm(ARM_MS - 1);
    drills.confirm(ARM_MS);
    expect(sent.mock.calls.slice(1)).toEqual([['program', 'drill', { input: 'main', on_air: true, confirm: 'program' }]]);
  });
  it('nothing is asked any more once another came on air', async () => {
    sent.mockRejectedValueOnce(refused());
    const drills = new Drills('program');
    await drills.ask(program(), false, 0);
    drills.follow(program());
    expect(drills.cut).toBe('main');
    drills.follow(program({ active: 'backup' }));
    drills.confirm(2 * ARM_MS);
    expect([drills.question, sent.mock.calls.length]).toEqual(['', 1]);
  });
  it('what was let be does not come back with a late answer', async () => {
    sent.mockRejectedValueOnce(refused());
    const drills = new Drills('program');
    const asked = drills.ask(program(), false, 0);
    drills.keep();
    await asked;
    expect([drills.question, drills.error]).toEqual(['', '']);
  });
});

const last = {
  at: '2026-11-20T18:41:00Z', from: 'cam1-main', to: 'cam1-backup', why: 'no_packets', text: 'cam1-main: no packets for 150 ms', automatic: true, by: null, decided_after_ms: 152, gap_ms: 0,
  repeated_ms: 310, delay_ms: 310,
};

describe('what happened', () => {
  it('is one sentence with its evidence', () => {
    expect(switchCause(last)).toBe('cam1-main: no packets for 150 ms → cam1-backup');
    expect(switchEffect(last)).toBe('Viewers saw no gap, 310 ms repeated.');
    expect(switchFigures(last)).toBe('Decided after 152 ms, held 310 ms longer since.');
  });
  it('names who did it by hand, and what nobody measured is not said', () => {
    expect(switchCause({ ...last, why: 'take', text: '', automatic: false, by: 'admin' })).toBe('cam1-main → cam1-backup, taken by admin');
    expect(switchCause({ ...last, from: null, why: 'start', text: 'whatever' })).toBe('nothing → cam1-backup, the first that was ready');
    expect(switchCause({ ...last, from: null, why: 'take', text: 'x', by: 'restart' })).toBe('nothing → cam1-backup, as before the restart');
    expect(switchCause({ ...last, why: 'twin', text: 'cam1-backup carries the same packets as cam1-main, and goes on for it' })).toBe('cam1-main → cam1-backup, its twin: the same packets go on');
    expect(switchCause({ ...last, text: 'cam1-main: no packets for 61200 ms' })).toBe('cam1-main: no packets for 01:01 → cam1-backup');
    expect(switchEffect({ ...last, gap_ms: null })).toBe('');
    expect(switchEffect({ ...last, gap_ms: 2400, repeated_ms: 0 })).toBe('Viewers saw a gap of 2.4 s.');
  });
  it('is listed for this switch alone, each once, the newest first', () => {
    const event = { id: 1, kind: 'switched', subject: { type: 'source', name: 'program' }, ...last };
    const found = historyOf([event, event, { ...event, id: 2, at: '2026-11-20T18:42:00Z' }, { ...event, id: 3, subject: { type: 'source', name: 'other' } }, { ...event, id: 4, kind: 'source_health' }], 'program');
    expect(found.map((one) => one.at)).toEqual(['2026-11-20T18:42:00Z', '2026-11-20T18:41:00Z']);
    expect(found[1]).toMatchObject({ text: 'cam1-main: no packets for 150 ms → cam1-backup', effect: 'Viewers saw no gap, 310 ms repeated.', gap: false });
  });
  it('tells what the clock did not put on air, until something else is', () => {
    const missed = { kind: 'switch_decision', at: '2026-11-20T18:41:30Z', id: 9, decision: 'missed', text: 'the scheduled take of backup was not done: too late', subject: { type: 'source', name: 'program' } };
    const list = historyOf([missed], 'program');
    expect(missedOf(list, program(), NOW)).toMatchObject({ text: 'The scheduled take of backup was not done: too late', trouble: true });
    expect(missedOf(list, program({ last_switch: { ...last, at: '2026-11-20T18:42:00Z' } }), NOW)).toBeNull();
    expect(missedOf(list, program(), NOW + 31 * 60_000)).toBeNull();
  });
  it('also tells why it stayed, and who locked it, but no order twice', () => {
    const decision = { kind: 'switch_decision', at: last.at, subject: { type: 'source', name: 'program' } };
    const events = [{ ...decision, id: 1, decision: 'set', text: 'the program was locked', by: 'admin' }, { ...decision, id: 2, decision: 'ordered', text: 'cam1-main: no packets for 150 ms' }];
    expect(historyOf(events, 'program').map((one) => one.text)).toEqual(['The program was locked, by admin']);
  });
  it('of a drill is what viewers would have seen', () => {
    const drill: LastDrill = { at: last.at, input: 'cam1-backup', on_air: false, outcome: 'passed', passed: true, gap_ms: 0, repeated_ms: 120, would: null, problems: [] };
    expect(drillSentence(drill)).toBe('Viewers would have seen no gap, 120 ms repeated.');
    expect(drillSentence({ ...drill, would: 'viewers would have seen no gap' })).toBe('Viewers would have seen no gap.');
    expect(drillSentence({ ...drill, outcome: 'failed', passed: false, gap_ms: 840, problems: ['its next key frame came late'] })).toBe('Viewers would have seen a gap of 840 ms, 120 ms repeated. Its next key frame came late.');
    const stood: LastDrill = { ...drill, outcome: 'failed', passed: false, would: 'viewers would have seen the picture standing for 840 ms; one thing was wrong', problems: ['the picture would have stood for 840 ms'] };
    expect(drillSentence(stood)).toBe('Viewers would have seen the picture standing for 840 ms. The picture would have stood for 840 ms.');
    expect(drillSentence({ ...drill, on_air: true, would: 'main was cut for 10 s: backup took over' })).toBe('main was cut for 10 s: backup took over. Viewers saw no gap, 120 ms repeated.');
  });
  it('by cutting the main is said before it is done', () => {
    expect(cutWarning(program())).toBe('main is cut off for real, and backup goes on air. Viewers see that switch.');
    expect(cutWarning(program({ standby: [] }))).toMatch(/No backup is ready: viewers see the slate\.$/);
    expect(cutWarning(program({ standby: [], slate: { state: 'off', reason: null } }))).toMatch(/viewers see nothing\.$/);
  });
});
