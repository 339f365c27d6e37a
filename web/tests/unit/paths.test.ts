import { describe, expect, it } from 'vitest';
import type { Leg, Link, SrtFigures } from '../../src/api/types';
import { LossMeters } from '../../src/model/loss';
import { missingPaths, paths } from '../../src/model/paths';
import { chips } from '../../src/model/chips';
import { outputKind, sourceKind } from '../../src/model/words';
import { verdict } from '../../src/model/verdict';
import { NOW, output, source } from './samples';

const leg = (change: Partial<Leg> = {}): Leg => ({
  peer: '203.0.113.48:51022', state: 'active', weight: 1, since_ms: 60_000, silent_ms: 3, rtt_ms: 46, receive_rate_bps: 6e6,
  packets_received: 1000, packets_lost: 10, loss_percent: 1, ...change,
});
const link = (change: Partial<Link> = {}): Link => ({ address: '203.0.113.48:40001', state: 'active', share_percent: 60, last_heard_ms: 10, ...change });

const pathsOf = (srt: SrtFigures) => paths({ kind: 'srt', srt });
const missingOf = (srt: SrtFigures) => missingPaths({ kind: 'srt', srt });

describe('legs and links', () => {
  it('are nothing for a plain connection', () => {
    expect(paths({ kind: 'srt', srt: null })).toBeNull();
    expect(pathsOf({ legs: [], links: null })).toBeNull();
  });
  it('of a broadcast group each carry everything; one that is gone stands out', () => {
    const found = pathsOf({ group: 'broadcast', legs: [leg(), leg({ peer: '[2001:db8::1]:51023', state: 'down', since_ms: 12_000, receive_rate_bps: 0 })] });
    expect(found).toMatchObject({ title: 'Legs', kind: 'every leg carries everything', missing: 1, trouble: '1 of 2 legs is missing' });
    expect(found?.rows[0]).toMatchObject({ host: '203.0.113.48', note: 'port 51022', word: 'Carries', missing: false, share: { value: '100' }, loss: { value: '1.0' } });
    expect(found?.rows[1]).toMatchObject({ host: '2001:db8::1', note: 'port 51023', word: 'Lost for 00:12', missing: true, share: { value: '0' }, rtt: null, loss: null });
    expect(found?.rows[1]?.state.tone).toBe('warn');
  });
  it('of a backup group may idle: that is their work', () => {
    const found = pathsOf({ group: 'backup', legs: [leg({ weight: 10 }), leg({ state: 'idle', receive_rate_bps: 0 })] });
    expect(found).toMatchObject({ missing: 0, trouble: '' });
    expect(found?.rows.map((row) => row.word)).toEqual(['Carries', 'Stands by']);
    expect(found?.rows[0]?.note).toBe('port 51022, priority 10');
  });
  it('of a broadcast group that idle beside one that carries are missing, and not before', () => {
    const idle = leg({ state: 'idle', receive_rate_bps: 0, since_ms: 5000 });
    expect(pathsOf({ group: 'broadcast', legs: [leg(), idle] })).toMatchObject({ missing: 1, rows: [{}, { word: 'No media for 00:05' }] });
    expect(pathsOf({ group: 'broadcast', legs: [idle, idle] })).toMatchObject({ missing: 0 });
  });
  it('that are missing are named, with their ports where the address names several', () => {
    const gone = leg({ peer: '192.0.2.9:51023', state: 'down' });
    expect(missingOf({ group: 'broadcast', legs: [leg(), gone] })).toBe('1 of 2 legs is missing: 192.0.2.9');
    expect(missingOf({ group: 'broadcast', legs: [leg(), gone, { ...gone, peer: '192.0.2.9:51024' }] })).toBe('2 of 3 legs are missing: 192.0.2.9:51023, 192.0.2.9:51024');
    expect(missingOf({ group: 'broadcast', legs: [leg()] })).toBeNull();
    const missing = source({ state: 'warning', health: 'warning', srt: { links: [link(), link({ address: '192.0.2.61:40002', state: 'lost' })] } });
    expect(verdict(missing, [], [], NOW).evidence).toContain('1 of 2 links is missing: 192.0.2.61');
  });
  it('say how long they have been silent', () => {
    expect(pathsOf({ group: 'backup', legs: [leg({ state: 'silent', silent_ms: 4000 })] })?.rows[0]).toMatchObject({ word: 'Silent for 00:04', missing: true });
  });
  it('that Tidegate calls say by what they go out, what they carry, and why one is down', () => {
    const out = (change: Partial<Leg>) => leg({ peer: '203.0.113.9:9000', receive_rate_bps: undefined, packets_received: undefined, loss_percent: undefined, send_rate_bps: 6e6, ...change });
    const legs = [
      out({ call: 'srt://203.0.113.9:9000?streamid=x' }),
      out({ call: 'srt://203.0.113.9:9000?bindtodevice=usb0', state: 'down', since_ms: 31_000, reason: 'the far side does not answer' }),
      out({ call: 'srt://203.0.113.9:9000?adapter=192.0.2.5', state: 'unstable', since_ms: 2000 }),
    ];
    const found = pathsOf({ group: 'broadcast', legs });
    expect(found?.has).toEqual({ rate: true, rtt: true, loss: false });
    expect(found?.rows.map((row) => [row.word, row.note, row.missing, row.rate?.value])).toEqual([
      ['Carries', 'port 9000', false, '6.0'],
      ['Lost for 00:31', 'port 9000, by usb0: the far side does not answer', true, '0.0'],
      ['Unsteady for 00:02', 'port 9000, by 192.0.2.5', false, '6.0'],
    ]);
    expect(new Set(found?.rows.map((row) => row.peer)).size).toBe(3);
    expect(missingOf({ group: 'broadcast', legs })).toBe('1 of 3 legs is missing: srt://203.0.113.9:9000?bindtodevice=usb0');
  });
  it('of SRTLA share the packets out, and have no columns without figures', () => {
    const found = pathsOf({ links: [link(), link({ address: '192.0.2.1:1', share_percent: 40 }), link({ address: '192.0.2.2:1', state: 'lost', last_heard_ms: 61_000 })] });
    expect(found).toMatchObject({ title: 'Links', trouble: '1 of 3 links is missing', has: { rate: false, rtt: false, loss: false } });
    expect(found?.rows.map((row) => [row.word, row.share?.value])).toEqual([['Carries', '60'], ['Carries', '40'], ['Lost for 01:01', '0']]);
  });
  it('get their loss from their own counters', () => {
    const meters = new LossMeters();
    const at = (received: number, lost: number) => source({ srt: { loss_percent: 0, legs: [leg({ packets_received: received, packets_lost: lost })] } });
    meters.fillIn(at(1000, 0));
    expect(meters.fillIn(at(1090, 10)).srt?.legs?.[0]?.loss_percent).toBe(10);
  });
});

describe('a rendezvous', () => {
  it('is a call: nobody is told to give a sender its settings, and no readers are counted', () => {
    const waiting = source({ mode: 'rendezvous', state: 'waiting', connection: 'disconnected', config: { name: 'a', srt: { call: 'srt://h:1?mode=rendezvous' } } });
    expect(verdict(waiting, [], [], NOW).sentence).toBe('the far side has not answered. Check its address and port.');
    expect(chips([output({ kind: 'srt', mode: 'rendezvous', readers: 5 })])[0]?.note).toBe('');
  });
  it('and a port of its own have their own words', () => {
    expect(sourceKind(source({ mode: 'rendezvous', config: { name: 'a', srt: { call: 'srt://h:1?mode=rendezvous' } } }))).toBe('SRT rendezvous');
    expect(sourceKind(source({ config: { name: 'a', srt: { bind: '0.0.0.0:9101' } } }))).toBe('SRT, own port');
    expect(outputKind(output({ kind: 'srt', mode: 'rendezvous', config: { name: 'a', srt: { call: 'srt://h:1?mode=rendezvous' } } }))).toBe('SRT rendezvous');
  });
});
