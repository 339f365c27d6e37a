import { describe, expect, it } from 'vitest';
import { bearOut } from '../../src/model/honesty';
import { outputKind, outputState, sourceKind, sourceState } from '../../src/model/words';
import { output, source } from './samples';

describe('green is earned', () => {
  it('believes Live while media arrives and nothing is wrong', () => {
    expect(sourceState(source())).toBe('live');
  });
  it.each([
    ['no media was ever seen', { media: null }],
    ['the last packet is older than two seconds', { last_packet_age_ms: 2500 }],
    ['no packet ever came', { last_packet_age_ms: null }],
    ['health is a warning', { health: 'warning' as const }],
  ])('shows a claimed Live as Warning when %s', (_why, change) => {
    expect(sourceState(source(change))).toBe('warning');
    expect(sourceState(source({ ...change, state: 'ready' }))).toBe('warning');
  });
  it('shows a claimed Live as Failed when health is an error', () => {
    expect(sourceState(source({ health: 'error' }))).toBe('failed');
  });
  it('shows a word it does not know as Warning', () => {
    expect(sourceState(source({ state: 'splendid' as never }))).toBe('warning');
  });
  it('warns when an output that should deliver does not, and names it', () => {
    const stuck = output({ name: 'partner', kind: 'srt', mode: 'caller', state: 'reconnecting', delivering: false, last_error: 'No answer.' });
    const shown = bearOut(source(), [stuck], []);
    expect(sourceState(shown)).toBe('warning');
    expect(shown.reasons.at(-1)).toMatchObject({ text: 'Output reconnecting', advice: 'partner: No answer.' });
  });
  it('stays green while an output waits for its first reader', () => {
    expect(sourceState(bearOut(source(), [output({ state: 'waiting', delivering: false, readers: 0 })], []))).toBe('live');
  });
  it('does not blame a source for the outputs of another', () => {
    expect(bearOut(source(), [output({ source: 'cam2', state: 'failed', delivering: false })], []).state).toBe('live');
  });
  it('warns when an output has lost one of its legs, though it delivers', () => {
    const leg = { peer: '203.0.113.9:9000', weight: 1, since_ms: 1, silent_ms: 1, rtt_ms: 20, send_rate_bps: 6e6, packets_sent: 1, packets_lost: 0 };
    const bonded = (state: string) => output({ kind: 'srt', mode: 'caller', detail: { srt: { group: 'broadcast', legs: [{ ...leg, state: 'active' }, { ...leg, peer: '203.0.113.10:9000', state }] } } });
    const shown = bearOut(source(), [bonded('down')], []);
    expect([sourceState(shown), shown.reasons[0]?.text, shown.reasons[0]?.advice]).toEqual(['warning', 'Output lost a leg', 'viewers: 1 of 2 legs is missing: 203.0.113.10']);
    expect(bearOut(source(), [bonded('active')], []).state).toBe('live');
  });
  it('warns while an alarm stands at a source that is fine otherwise, in words that a row has room for', () => {
    const alarm = { since: '2026-11-20T18:41:00Z', severity: 'warning', subject: { type: 'source', name: 'cam1' }, code: 'publisher_flapping', text: 'Publishers took source cam1 from each other 4 times', advice: 'Stop one of them' };
    const shown = bearOut(source(), [], [alarm]);
    expect(sourceState(shown)).toBe('warning');
    expect(shown.reasons).toEqual([{ code: 'publisher_flapping', text: 'Senders take turns', since: alarm.since, advice: 'Stop one of them' }]);
    expect(bearOut(source(), [], [{ ...alarm, subject: { type: 'output', name: 'cam1' } }]).state).toBe('live');
    expect(bearOut(source(), [], [{ ...alarm, code: 'new_one' }]).reasons[0]?.text).toBe(alarm.text);
  });
});

describe('outputs', () => {
  it('calls a recording that delivers Recording, anything else Live', () => {
    expect(outputState(output({ kind: 'record' }))).toBe('recording');
    expect(outputState(output())).toBe('live');
  });
  it('never calls an output Live that delivers nothing', () => {
    expect(outputState(output({ delivering: false }))).toBe('waiting');
    expect(outputState(output({ delivering: false, state: 'reconnecting' }))).toBe('warning');
    expect(outputState(output({ delivering: false, state: 'failed' }))).toBe('failed');
    expect(outputState(output({ state: 'stopped' }))).toBe('idle');
  });
});

it('says who calls whom, from the settings when the view does not', () => {
  expect(sourceKind(source())).toBe('SRT listener');
  expect(sourceKind(source({ mode: null, config: { name: 'a', srt: { call: 'srt://x:1' } } }))).toBe('SRT caller');
  expect(outputKind(output({ kind: 'srt', mode: 'caller' }))).toBe('SRT caller');
});
