import { expect, it } from 'vitest';
import { adviceLines } from '../../src/model/advice';
import { chips } from '../../src/model/chips';
import { differing, expectedBitrate, expectedVideo, trackLines } from '../../src/model/expect';
import { audioCell, figures } from '../../src/model/figures';
import { graphs, summary, timeMarks } from '../../src/model/graphs';
import { append, columnsOf, emptyColumns, nearest, secondsBefore, WINDOW_S } from '../../src/model/history';
import { incidents } from '../../src/model/incidents';
import { LossMeter, LossMeters } from '../../src/model/loss';
import { sparkShape } from '../../src/model/spark';
import { output, source } from './samples';

const shownValues = (given: ReturnType<typeof figures>) => [given.bitrate.shown, given.rtt.shown, given.loss.shown, given.buffer];

it('shows no value that is older than two seconds, nor any of a source that is not connected', () => {
  expect(shownValues(figures(source(), true))).toEqual([null, null, null, null]);
  expect(shownValues(figures(source({ connection: 'disconnected' }), false))).toEqual([null, null, null, null]);
});
it('colours only wrong numbers', () => {
  const well = figures(source(), false);
  expect([well.bitrate.tone, well.rtt.tone, well.loss.tone, well.buffer?.tone]).toEqual(['', '', '', '']);
  const low = { code: 'latency_too_low', text: 'Latency too low', since: null, advice: null };
  const bad = figures(source({ bitrate_bps: 0, reasons: [low], srt: { rtt_ms: 84, latency_ms: 120, receive_buffer_ms: 28, loss_percent: 2.1 } }), false);
  expect([bad.bitrate.tone, bad.rtt.tone, bad.loss.tone, bad.buffer?.tone]).toEqual(['fault', 'warn', 'warn', 'warn']);
});
it('has no buffer bar where the protocol has no latency', () => {
  expect(figures(source({ srt: null }), false).buffer).toBeNull();
});
it('says No sound, in colour only where sound is expected', () => {
  const mute = source({ media: { video: null, audio: [] } });
  expect(audioCell(mute)).toMatchObject({ text: 'No sound', tone: '' });
  expect(audioCell({ ...mute, expect: { audio: 'aac' } })?.tone).toBe('fault');
  expect(audioCell(source({ media: null }))).toBeNull();
});

it('reads expectations as people write them', () => {
  expect([expectedBitrate({ bitrate: '8M' }), expectedBitrate({ bitrate: '800k' }), expectedBitrate({ bitrate: 5e6 }), expectedBitrate({ bitrate: 'lots' }), expectedBitrate(null)])
    .toEqual([8e6, 8e5, 5e6, null, null]);
  expect(expectedVideo('h264 1920x1080 50')).toEqual({ codec: 'h264', width: 1920, height: 1080, fps: 50 });
  expect(expectedVideo('1280x720p25')).toEqual({ width: 1280, height: 720, fps: 25 });
});
it('compares what arrives with what is expected', () => {
  const expecting = { video: 'hevc 1920x1080 50', audio: 'aac stereo', bitrate: '20M' };
  expect(differing(trackLines(source({ expect: expecting }))).map((line) => [line.track, line.result])).toEqual([['Video', 'Differs'], ['Bitrate', 'Low']]);
  expect(differing(trackLines(source({ expect: { video: 'h264', audio: 'aac stereo', bitrate: '8M' } })))).toEqual([]);
});
it('calls an expected track that is absent Missing, but only once something arrives', () => {
  const expecting = { audio: 'aac stereo' };
  expect(differing(trackLines(source({ expect: expecting, media: { video: null, audio: [] } }))).map((line) => line.track)).toEqual(['Audio']);
  expect(differing(trackLines(source({ expect: expecting, media: null })))).toEqual([]);
});

it('measures loss from the counters over ten seconds, and anew for a new connection', () => {
  const meter = new LossMeter();
  expect(meter.note(1000, 10)).toBeNull();
  expect(meter.note(1099, 11)).toBe(1);
  for (let second = 1; second <= 20; second += 1) meter.note(1099 + second * 100, 11);
  expect(meter.note(3199, 11)).toBe(0);
  expect(meter.note(5, 0)).toBeNull();
  expect(meter.note(5, 0)).toBe(0);
});
it('believes the server’s own loss', () => {
  const meters = new LossMeters();
  expect(meters.fillIn(source()).srt?.loss_percent).toBe(0.02);
  const without = source({ srt: { rtt_ms: 1, packets_received: 100, packets_lost: 0 } });
  meters.fillIn(without);
  expect(meters.fillIn(without).srt?.loss_percent).toBe(0);
});

it('calls nothing a match while nothing arrives', () => {
  const gone = source({ connection: 'disconnected', expect: { video: 'h264 1920x1080 50', bitrate: '8M' } });
  expect(trackLines(gone).map((line) => line.result).filter(Boolean)).toEqual([]);
  expect(audioCell(gone)).toBeNull();
});

it('lists outputs worst first with a count or a word only when useful', () => {
  const all = chips([
    output({ name: 'archive', kind: 'record', readers: 0 }), output({ readers: 1284 }), output({ name: 'one', readers: 1 }),
    output({ name: 'partner', kind: 'srt', mode: 'caller', state: 'reconnecting', delivering: false }),
    output({ name: 'disk', kind: 'record', state: 'failed', delivering: false }),
  ]);
  expect(all.map((chip) => `${chip.name} ${chip.note}`.trim())).toEqual(['disk failed', 'partner reconnecting', 'viewers 1,284', 'one', 'archive']);
});

it('draws the spark line from zero to 135 % of what is expected, with gaps', () => {
  const { line, area } = sparkShape([8e6, null, 8e6], 8e6, 59, 27);
  expect(line).toBe('M57.0 7.0M59.0 7.0');
  expect(area).toContain('Z');
  expect(sparkShape([], null, 59, 27)).toEqual({ line: '', area: '' });
});

it('keeps ten minutes of history and one value a second', () => {
  let columns = columnsOf({ interval_ms: 1000, points: [{ t: '2026-11-20T18:00:00Z', bitrate_bps: 1, rtt_ms: 2, loss_percent: 3, buffer_ms: 4 }] });
  const start = Date.parse('2026-11-20T18:00:00Z') / 1000;
  expect(columns.time).toEqual([start]);
  columns = append(columns, source(), start);
  expect(columns.time).toHaveLength(1);
  columns = append(columns, source({ connection: 'disconnected' }), start + 1);
  expect(columns.rtt).toEqual([2, null]);
  columns = append(columns, source(), start + WINDOW_S + 1);
  expect(columns.time).toEqual([start + 1, start + WINDOW_S + 1]);
});
it('reads numeric times in seconds and in milliseconds', () => {
  const point = { bitrate_bps: 1, rtt_ms: null, loss_percent: null, buffer_ms: null };
  expect(columnsOf({ interval_ms: 1000, points: [{ t: 1.8e9, ...point }, { t: 1.8e12 + 1000, ...point }] }).time).toEqual([1.8e9, 1.8e9 + 1]);
});
it('finds the second nearest to the cursor', () => {
  expect([nearest([], 5), nearest([10, 20, 30], 0), nearest([10, 20, 30], 24), nearest([10, 20, 30], 26), nearest([10, 20, 30], 99)]).toEqual([-1, 0, 1, 2, 2]);
});
it('keeps limits out of a graph whose values are far below them', () => {
  const [, rtt] = graphs(source(), { ...emptyColumns(), time: [1, 2], rtt: [0.4, 0.5] }, false);
  expect(rtt?.limits).toEqual([]);
  const [, high] = graphs(source(), { ...emptyColumns(), time: [1], rtt: [84] }, false);
  expect(high?.limits[0]?.label).toBe('67, latency ÷ 3');
});
it('gives readers a summary of each graph', () => {
  const [bitrate] = graphs(source(), { ...emptyColumns(), time: [1, 2], bitrate: [6e6, 8e6] }, false);
  expect(bitrate && summary(bitrate)).toBe('Bitrate: now 8.0 Mb/s, mean 7.0, between 6.0 and 8.0.');
});
it('marks whole minutes', () => {
  expect(timeMarks(30, 200)).toEqual([60, 120, 180]);
});
it('marks incidents of this source only, not its recoveries', () => {
  const [at, later] = ['2026-11-20T18:00:00Z', '2026-11-20T18:00:05Z'];
  const found = incidents([
    { id: 5, at: later, kind: 'source_disconnected', subject: { type: 'source', name: 'cam1' }, connection: 'disconnected' },
    { id: 1, at, kind: 'source_disconnected', subject: { type: 'source', name: 'cam2' } },
    { id: 2, at, kind: 'source_health', subject: 'cam1', health: 'ok' },
    { id: 3, at, kind: 'source_health', subject: 'cam1', health: 'error', reasons: [{ text: 'No media for 00:02' }] },
    { id: 3, at, kind: 'source_health', subject: 'cam1', health: 'error', reasons: [{ text: 'No media for 00:02' }] },
    { id: 4, at, kind: 'config_changed', subject: 'cam1' },
  ], 'cam1', 0);
  expect(found.map((one) => one.label)).toEqual(['No media', 'Disconnected']);
});
it('calls nothing an incident before anybody has connected', () => {
  const subject = { type: 'source', name: 'cam1' };
  const found = incidents([
    { id: 1, at: '2026-11-20T18:00:00Z', kind: 'source_disconnected', subject, connection: 'disconnected', reason: 'waiting for the sender' },
    { id: 2, at: '2026-11-20T18:00:01Z', kind: 'source_health', subject, health: 'warning', reasons: [{ text: 'No media' }] },
    { id: 3, at: '2026-11-20T18:00:09Z', kind: 'source_connected', subject },
  ], 'cam1', 0);
  expect(found.map((one) => one.label)).toEqual(['Connected']);
});
it('fills the spark line second by second from points that are further apart', () => {
  const columns = { ...emptyColumns(), time: [100, 101.25, 102.5, 110], bitrate: [1, 2, 3, 4] };
  expect(secondsBefore(columns, 60)).toEqual([1, 2, 3, 3, 3, null, null, null, null, 4, 4]);
  expect(secondsBefore(emptyColumns(), 60)).toEqual([]);
});

const advised = (given: object) => adviceLines({ latency_ms: 120, advice: { latency_ms: 220, overhead_percent: 25, enough_now: false, why: ['RTT 48 ms'], ...given } });

it('says which latency is advised, and why', () => {
  expect(advised({})).toEqual({ headline: '120 ms, advised 220 ms', short: true, why: ['RTT 48 ms', 'Leave 25 % of the bitrate for repetitions'] });
  expect(advised({ latency_ms: 80, enough_now: true })).toMatchObject({ headline: '120 ms is enough; 80 ms would do', short: false });
  expect(advised({ latency_ms: 130, enough_now: true })?.headline).toBe('120 ms is enough');
});
it('advises nothing before enough was measured, nor without SRT', () => {
  const early = { latency_ms: null, overhead_percent: null, enough_now: null, why: ['not enough data yet: 3 of 30 seconds measured'] };
  expect(advised(early)).toEqual({ headline: '120 ms, nothing advised yet', short: false, why: early.why });
  expect(adviceLines(null)).toBeNull();
  expect(adviceLines({ latency_ms: 120 })).toBeNull();
});

it('marks on the graphs of a switch what went on air, in yellow where viewers saw a gap', () => {
  const switched = { kind: 'switched', subject: { type: 'source', name: 'program' }, from: 'main' };
  const found = incidents([{ ...switched, id: 1, at: '2026-11-20T18:30:00Z', to: 'backup', gap_ms: 0 }, { ...switched, id: 2, at: '2026-11-20T18:31:00Z', to: 'main', gap_ms: 240 }], 'program', 0);
  expect(found.map(({ label, tone }) => [label, tone])).toEqual([['→ backup', 'quiet'], ['→ main', 'warn']]);
});
