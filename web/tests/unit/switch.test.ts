import { describe, expect, it } from 'vitest';
import type { LastDrill } from '../../src/api/types';
import { groups } from '../../src/model/group';
import { bearOut } from '../../src/model/honesty';
import { reasonLine } from '../../src/model/reasons';
import { drillBand, drillResult } from '../../src/model/switch/drill';
import { formatWords, inputWords, keyFrames } from '../../src/model/switch/input';
import { backupWords, branchOf, tallyOf } from '../../src/model/switch/row';
import { slateWords } from '../../src/model/switch/slate';
import { keyOf, nameAt, onAirSince, previewOf, switchOf } from '../../src/model/switch/status';
import { takeWords } from '../../src/model/switch/take';
import { notices, returnWords, switchVerdict } from '../../src/model/switch/verdict';
import { verdict } from '../../src/model/verdict';
import { sourceKind, WORDS } from '../../src/model/words';
import { NOW, output, source } from './samples';
import { gone, input, program, silent, switchSource } from './switches';

const said = (change: Parameters<typeof program>[0]) => {
  const { state, sentence } = switchVerdict(program(change), NOW);
  return `${state.word}: ${sentence}`;
};

describe('the preview', () => {
  it('is what was chosen here, then what the server would take, then the best there is', () => {
    const three = program({ inputs: [input('main'), input('backup'), input('phone')] });
    expect(previewOf(three, 'phone')).toBe('phone');
    expect(previewOf(three, null)).toBe('backup');
    expect(previewOf({ ...three, preview: null, inputs: [input('main'), silent('backup'), input('phone')] }, null)).toBe('phone');
    expect(previewOf({ ...three, preview: null, inputs: [input('main'), gone('backup'), silent('phone')] }, null)).toBe('phone');
  });
  it('is never what is on air, nor what is not there any more', () => {
    expect(previewOf(program(), 'main')).toBe('backup');
    expect(previewOf(program(), 'renamed')).toBe('backup');
    expect(previewOf(program({ inputs: [input('main')], preview: null }), null)).toBeNull();
  });
  it('has the number of its place for a key, and the slate has 0 while it is made', () => {
    const status = program();
    expect([keyOf(status, 'main'), keyOf(status, 'backup'), keyOf(status, 'slate')]).toEqual(['1', '2', '0']);
    expect([nameAt(status, '1'), nameAt(status, '2'), nameAt(status, '3'), nameAt(status, '0')]).toEqual(['main', 'backup', null, 'slate']);
    expect(nameAt(program({ slate: { state: 'making', reason: null } }), '0')).toBeNull();
    const many = program({ inputs: Array.from({ length: 12 }, (_, at) => input(`cam${at + 1}`)) });
    expect([keyOf(many, 'cam9'), keyOf(many, 'cam10')]).toEqual(['9', null]);
  });
});

describe('an input', () => {
  it('is Live on air and Ready beside it, with how long it has been clean', () => {
    expect(inputWords(input('main', { on_air: true }), NOW)).toMatchObject({ state: WORDS.live, why: 'Clean for 12:34' });
    expect(inputWords(input('backup'), NOW)).toMatchObject({ state: WORDS.ready, why: 'Clean for 12:34', advice: '' });
  });
  it('says why it is not ready, since when, and what to do', () => {
    expect(inputWords(silent('backup'), NOW)).toEqual({ state: WORDS.failed, why: 'No packets for 00:12', advice: 'Look at the sender.' });
    expect(inputWords(gone('backup'), NOW)).toMatchObject({ state: WORDS.waiting, why: 'Nobody connected', advice: 'Start its sender.' });
    expect(inputWords(input('backup', { ready: false, clean_for_ms: 1400 }), NOW)).toMatchObject({ label: 'Not ready yet', why: 'Clean for 00:01' });
    const settling = { code: 'settling', text: 'well for 1200 ms, 3000 ms are asked for' };
    expect(inputWords(input('backup', { ready: false, reasons: [settling] as never }), NOW)).toMatchObject({ label: 'Not ready yet', why: 'Good for 1.2 s of 3.0 s' });
    const worded = { code: 'no_packets', text: 'no packets for 12300 ms', severity: 'switch', since: '2026-11-20T18:41:55Z', advice: null };
    expect(inputWords(input('backup', { ready: false, reasons: [worded] }), NOW).why).toBe('No packets for 12 s');
  });
  it('only warns of what does not keep it from the air', () => {
    const noisy = input('backup', { reasons: [{ code: 'continuity', text: 'Gaps in the stream', severity: 'alarm', since: null, advice: null }] });
    expect(inputWords(noisy, NOW)).toMatchObject({ state: WORDS.warning, why: 'Gaps in the stream' });
  });
  it('only warns while the latency covers what is missing', () => {
    const stalled = (ms: number) => inputWords(input('main', { ready: false, on_air: true, reasons: [{ code: 'no_packets', text: `no packets for ${ms} ms`, severity: 'switch', since: null, advice: null }] }), NOW).state;
    expect([stalled(166), stalled(600)]).toEqual([WORDS.warning, WORDS.failed]);
  });
  it('without a key frame is only not ready yet beside the air, and a failure on it', () => {
    const bare = (on_air: boolean) => inputWords(input('main', { ready: false, on_air, reasons: [{ code: 'no_key_frame', text: 'No key frame', severity: 'switch', since: null, advice: null }] }), NOW);
    expect(bare(false)).toMatchObject({ label: 'Not ready yet', why: 'No key frame' });
    expect(bare(true)).toMatchObject({ state: WORDS.failed, why: 'No key frame' });
  });
  it('colours a key frame that is overdue, and a group of pictures that makes a take wait', () => {
    expect(keyFrames(input('a'))).toEqual({ text: 'every 1.0 s', warn: false });
    expect(keyFrames(input('a', { key_frame_age_ms: 6200 }))).toEqual({ text: '6.2 s ago, of 1.0 s', warn: true });
    expect(keyFrames(input('a', { gop_ms: 10_000 }))).toEqual({ text: 'every 10 s', warn: true });
    expect(keyFrames(input('a', { key_frame_age_ms: null }))).toEqual({ text: 'none yet', warn: true });
    expect(keyFrames(gone('a'))).toBeNull();
  });
  it('names formats as people write them', () => {
    expect(formatWords('h264 1920x1080 50 · aac stereo')).toBe('H.264 1920×1080 50 · AAC stereo');
    expect(formatWords(null)).toBe('');
  });
});

describe('the verdict on a switch', () => {
  it('has nothing to do while the first input is on air and a backup is ready', () => {
    expect(said({})).toBe('Live: main is on air, backup is ready. Nothing to do.');
  });
  it('warns when no backup is ready, and says what to do about it', () => {
    expect(said({ inputs: [input('main'), gone('backup')] })).toBe('Warning: main is on air, and no backup is ready. backup: nobody connected. Start its sender.');
  });
  it('says what follows should the input on air fail now', () => {
    const next = (change: Parameters<typeof program>[0]) => switchVerdict(program(change), NOW).evidence.split(', ').slice(0, 2).join(', ');
    expect(next({})).toBe('If it fails, backup takes over');
    expect(next({ locked: true })).toBe('If it fails, viewers see the slate');
    expect(next({ preview: null, slate: { state: 'off', reason: null } })).toBe('If it fails, viewers see nothing');
    expect(next({ locked: true, inputs: [input('main'), input('backup', { twin_of: 'main' })] })).toBe('If it fails, its twin backup goes on');
    expect(next({ locked: true, inputs: [input('main'), { ...gone('backup'), twin_of: 'main' }] })).toBe('If it fails, viewers see the slate');
    expect(next({ latched: true })).toBe('If it fails, viewers see the slate first');
  });
  it('is not at rest while a lock or a hold keeps the backup from taking over', () => {
    expect(said({ locked: true })).toBe('Live: main is on air, backup is ready. Locked: backup does not take over.');
    expect(said({ held: true })).toBe('Live: main is on air, backup is ready. Held: should it fail, take backup.');
  });
  it('is not at rest either once a test of the backup has failed', () => {
    const drill: LastDrill = { at: '2026-11-20T18:30:00Z', input: 'main', on_air: false, outcome: 'failed', passed: false, gap_ms: 840, repeated_ms: 0, would: null, problems: [] };
    expect(said({ last_drill: drill })).toBe('Live: main is on air, backup is ready. The last test of the backup failed: see below why.');
    expect(said({ last_drill: { ...drill, outcome: 'passed', passed: true } })).toMatch(/Nothing to do\.$/);
    // Ended by hand, it has proved nothing, whatever its words are.
    const broken: LastDrill = { ...drill, on_air: true, outcome: 'broken_off', gap_ms: 0, would: 'main was taken before its time', problems: [] };
    expect(said({ last_drill: broken })).toMatch(/Nothing to do\.$/);
    expect([drillResult(drill).label, drillResult(broken).label, drillResult({ ...broken, outcome: 'passed', passed: true }).label]).toEqual(['Failed', 'Broken off', 'Pass']);
  });
  it('leads the way back once the first input is good again', () => {
    expect(said({ active: 'backup' })).toBe('Live: backup is on air, main is ready. Return to main when it suits.');
    expect(said({ active: 'backup', return: 'auto' })).toBe('Live: backup is on air, main is ready. It returns to main by itself.');
  });
  it('fails when a lock keeps something broken on air', () => {
    const inputs = [silent('main'), input('backup')];
    expect(said({ inputs, locked: true })).toBe('Failed: main: no packets for 00:12, and the lock keeps it on air. Unlock, then take backup.');
    expect(said({ inputs, held: true })).toBe('Failed: main: no packets for 00:12, and the hold keeps it on air. Take backup.');
  });
  it('fails when what is on air is gone and nothing can follow', () => {
    expect(said({ inputs: [gone('main'), gone('backup')] })).toBe('Failed: viewers see nothing: main is gone, and no other input is ready. backup: nobody connected. Start its sender.');
  });
  it('fails while viewers see the slate or nothing, and waits while nobody ever connected', () => {
    expect(said({ active: 'slate', inputs: [gone('main'), gone('backup')] })).toBe('Failed: viewers see the slate: no input delivers. main: nobody connected. Start its sender.');
    expect(said({ active: 'slate', locked: true })).toBe('Failed: viewers see the slate, though main is ready. Unlock, then take it.');
    expect(said({ active: null, inputs: [silent('main'), gone('backup')] })).toMatch(/^Failed: viewers see nothing: no input is ready\. main: no packets/);
    expect(said({ active: null, inputs: [gone('main'), gone('backup')] })).toBe('Waiting: no input is connected. Start the sender of main.');
  });
  it('only warns of a slate that somebody chose', () => {
    const taken = { at: '2026-11-20T18:41:00Z', from: 'main', to: 'slate', why: 'take', text: '', automatic: false, by: 'admin', gap_ms: 0, repeated_ms: 0, decided_after_ms: 0, delay_ms: 0 };
    expect(said({ active: 'slate', last_switch: taken })).toBe('Warning: viewers see the slate, as somebody chose. Take main when it is time.');
    expect(bearOut(switchSource(program({ active: 'slate', last_switch: taken })), [], []).state).toBe('warning');
  });
  it('says that it is latched', () => {
    expect(said({ latched: true })).toMatch(/^Warning: main is on air and stays there\./);
  });
  it('is told at the head of its page, with an output that does not deliver', () => {
    const stuck = output({ name: 'youtube', state: 'reconnecting', delivering: false, source: 'program' });
    expect(verdict(switchSource(program()), [stuck], [], NOW).sentence).toBe('main is on air, backup is ready, but youtube does not deliver. Check below.');
  });
});

it('shows latched, locked and held each in a band of its own, the worst first', () => {
  expect(notices(program()).length).toBe(0);
  expect(notices(program({ held: true, locked: true, latched: true })).map((one) => one.word)).toEqual(['Latched', 'Locked', 'Held']);
});

it('offers the return to the first input that is ready, and says why not while it is locked', () => {
  expect(returnWords(program()).to).toBeNull();
  expect(returnWords(program({ active: 'backup' }))).toEqual({ to: 'main', may: true, text: '' });
  expect(returnWords(program({ active: 'backup', inputs: [gone('main'), input('backup')] })).to).toBeNull();
  expect(returnWords(program({ active: 'backup', locked: true }))).toEqual({ to: 'main', may: false, text: 'Locked.' });
  expect(returnWords(program({ active: 'backup', next_return_in_ms: 11_200 })).text).toBe('By itself in 12 s.');
});

it('tells of the slate whether it is there, and why not', () => {
  expect(slateWords(program({ slate: { state: 'off', reason: null } }))).toBeNull();
  expect(slateWords(program({ slate: { state: 'making', reason: null } }))?.label).toBe('Being made');
  expect(slateWords(program({ slate: { state: 'failed', reason: 'ffmpeg is not installed' } }))).toMatchObject({ state: WORDS.failed, text: 'ffmpeg is not installed.' });
});

it('knows since when an input is on air, from the last switch or from the start', () => {
  const last = { at: '2026-11-20T18:41:00Z', from: 'backup', to: 'main', why: 'take', text: '', automatic: false, by: 'admin', gap_ms: 0, repeated_ms: 0, decided_after_ms: null, delay_ms: null };
  expect(onAirSince(program({ last_switch: last }), switchSource(program()))).toBe(Date.parse(last.at));
  expect(onAirSince(program({ last_switch: { ...last, to: 'backup' } }), switchSource(program()))).toBe(Date.parse('2026-11-20T18:38:01Z'));
  expect(onAirSince(program({ active: null }), switchSource(program()))).toBeNull();
});

describe('in the list of routes', () => {
  const main = source({ name: 'main' });
  const backup = source({ name: 'backup', state: 'ready' });
  it('a switch says what is on air and how many backups are ready', () => {
    const one = switchSource(program());
    expect(sourceKind(one)).toBe('Switch, returns by hand');
    expect(reasonLine(bearOut(one, [], []), [], NOW)).toEqual({ text: 'main', tone: 'quiet' });
    expect(backupWords(program())).toBe('1 backup');
  });
  it('a switch without a ready backup is a warning, and one on its slate has failed', () => {
    const bare = bearOut(switchSource(program({ inputs: [input('main'), gone('backup')] })), [], []);
    expect([bare.state, reasonLine(bare, [], NOW)]).toEqual(['warning', { text: 'No backup ready', tone: 'warn' }]);
    const slate = bearOut(switchSource(program({ active: 'slate' })), [], []);
    expect([slate.state, reasonLine(slate, [], NOW).text]).toEqual(['failed', 'Slate on air']);
    expect(bearOut(switchSource(program({ inputs: [input('main')] })), [], []).state).toBe('live');
  });
  it('red frames what is on air and green what is ready to be taken, and nothing else', () => {
    const all = [switchSource(program()), main, backup, source({ name: 'other' })];
    expect(all.map((one) => tallyOf(one, all))).toEqual(['program', 'program', 'preview', null]);
    const bare = [switchSource(program({ inputs: [input('main'), gone('backup')] })), main, backup];
    expect(tallyOf(backup, bare)).toBeNull();
  });
  it('the inputs stand beneath their switch in its order, unless they need attention', () => {
    const failed = source({ name: 'backup', state: 'failed', health: 'error' });
    const names = (list: typeof main[]) => groups(list).map((group) => [group.name, ...group.sources.map((one) => one.name)]);
    const other = source({ name: 'other' });
    expect(names([backup, other, main, switchSource(program())])).toEqual([['live', 'other', 'program', 'main', 'backup']]);
    expect(names([failed, main, switchSource(program())])).toEqual([['live', 'program', 'main'], ['attention', 'backup']]);
    const listed = [other, switchSource(program()), main, backup];
    expect(listed.map((_, at) => branchOf(listed, at))).toEqual([null, null, 'through', 'end']);
  });
  it('switches that read each other do not lose anybody', () => {
    const a = switchSource(program({ inputs: [input('b')] }), { name: 'a' });
    const b = switchSource(program({ inputs: [input('a')] }), { name: 'b' });
    expect(groups([a, b]).flatMap((group) => group.sources)).toHaveLength(2);
  });
});

it('reads the status where it stands, and what it leaves out is nothing', () => {
  const bare = switchSource(program(), { switch: { inputs: [{ name: 'main' }] } as never });
  expect(switchOf(bare)).toMatchObject({ active: null, preview: null, inputs: [{ name: 'main', ready: false, gop_ms: null }] });
  expect(switchOf(bare)).toBe(switchOf(bare));
  expect(switchOf(switchSource(program()))?.active).toBe('main');
  expect(switchOf(source())).toBeNull();
  expect(switchOf(switchSource(program(), { switch: null }))).toBeNull();
});

describe('a drill on air', () => {
  const drill = { input: 'main', since: '2026-11-20T18:42:03Z', ends_at: '2026-11-20T18:42:13Z', by: 'admin' };
  const cut = input('main', { ready: false, reasons: [{ code: 'drill', text: 'cut by a drill, no packets for 4000 ms', severity: 'switch', since: '2026-11-20T18:42:03Z', advice: null }] });
  const running = program({ active: 'backup', inputs: [cut, input('backup')], drill });

  it('says what is cut and by whom, what viewers see, how it ends, and what ends it now', () => {
    const band = drillBand(running, NOW, false);
    expect(band?.what).toMatch(/^main is cut since \d\d:\d\d:03, by admin\.$/);
    expect(band?.then).toMatch(/^Viewers see backup\. The cut ends by itself at \d\d:\d\d:13, in 6 s\. The program stays where it is then\.$/);
    expect(band).toMatchObject({ input: 'main', end: 'End now, take main back' });
    expect(drillBand({ ...running, return: 'auto' }, NOW, false)?.then).toMatch(/Then the program returns by itself after a clean time\.$/);
    expect(drillBand(program(), NOW, false)).toBeNull();
  });
  it('does not count down while nothing is known, nor past its end', () => {
    expect(drillBand(running, NOW, true)?.then).not.toMatch(/, in /);
    expect(drillBand(running, NOW + 60_000, false)?.then).not.toMatch(/, in /);
  });
  it('says so while the backup has not come yet, and when the slate or nothing is seen', () => {
    const seen = (active: string | null) => drillBand({ ...running, active }, NOW, false)?.then.split('. ')[0];
    expect([seen('main'), seen('slate'), seen(null)]).toEqual(['The backup has not come on air yet', 'Viewers see the slate', 'Viewers see nothing']);
  });
  it('is a warning wherever the program is listed, and no failure of what it cuts', () => {
    expect(said({ active: 'backup', inputs: [cut, input('backup')], drill })).toBe('Warning: a drill cuts main on air, and backup has taken over. Wait until it is over, or end it.');
    expect(bearOut(switchSource(running), [], []).reasons[0]).toMatchObject({ code: 'drill', text: 'Drill on air' });
    expect(inputWords(cut, NOW)).toMatchObject({ state: WORDS.warning, label: 'Cut by a drill' });
  });
  it('is ended by taking what it cuts, without a question', () => {
    expect(takeWords(running, 'main', { waitingFor: null, since: null }, 0, NOW, false)).toMatchObject({ may: 'ready', text: 'Cut by a drill. Taking it ends the drill.' });
  });
});

describe('nothing that is not well is called good', () => {
  it('an input that is refused for its format says so, and is no failure', () => {
    const text = 'format differs: h264 1280x720 30 · aac mono instead of h264 1920x1080 50 · aac stereo';
    const phone = input('phone', { ready: false, same_format: false, reasons: [{ code: 'format', text, severity: null, since: null, advice: 'Set its encoder as that of the input on air.' }] });
    expect(inputWords(phone, NOW)).toEqual({ state: WORDS.warning, label: 'Refused', why: 'Another format: H.264 1280×720 30 · AAC mono', advice: 'Set its encoder like that of the program, or allow it with Edit.' });
  });
  it('a slate on air is never green', () => {
    expect(slateWords(program({ active: 'slate' }))).toMatchObject({ state: WORDS.warning, label: 'Shown' });
  });
  it('a slate on air is told in the list, whatever else is wrong with the program', () => {
    const low = { code: 'bitrate_low', text: 'Bitrate low', since: null, advice: null };
    const shown = bearOut(switchSource(program({ active: 'slate', inputs: [gone('main'), gone('backup')] }), { state: 'warning', health: 'warning', reasons: [low] }), [], []);
    expect(shown).toMatchObject({ state: 'failed', reasons: [{ text: 'Slate on air' }, low] });
  });
  it('a slate that could not be made is told while all the rest is well', () => {
    const slate = { state: 'failed' as const, reason: 'There is no file soon.png.' };
    expect(said({ slate })).toBe('Warning: main is on air, backup is ready, but there is no slate. There is no file soon.png.');
    expect(bearOut(switchSource(program({ slate })), [], [])).toMatchObject({ state: 'warning' });
  });
  it('a program that begins is neither failed nor good', () => {
    const settling = input('main', { ready: false, reasons: [{ code: 'settling', text: 'well for 1200 ms, 3000 ms are asked for', severity: null, since: null, advice: null }] });
    expect(said({ active: null, inputs: [settling] })).toBe('Starting: nothing is on air yet. main: good for 1.2 s of 3.0 s. It goes on air by itself.');
  });
  it('packets of twins that came too late are counted beside the verdict', () => {
    expect(switchVerdict(program({ late_packets: 1204 }), NOW).evidence).toContain('1,204 packets of twins came too late');
    expect(switchVerdict(program(), NOW).evidence).not.toContain('twins');
  });
});
