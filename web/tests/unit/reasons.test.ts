import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alarmSentence, unacknowledged, worst } from '../../src/model/alarms';
import { delivering, reasonLine, reasonText } from '../../src/model/reasons';
import { hostOf, howOften, isKnownRejection, meant, plainStreamId, rejectionWord } from '../../src/model/rejection';
import { verdict } from '../../src/model/verdict';
import { NOW, output, rejection, source } from './samples';

const noMedia = { code: 'no_media', text: 'No media', since: '2026-11-20T18:41:55Z', advice: 'Ask the pilot to start the encoder.' };

describe('the line under a state', () => {
  it('says how long a timed reason has lasted', () => {
    expect(reasonText(noMedia, NOW)).toBe('No media for 00:12');
    expect(reasonText({ ...noMedia, code: 'silent', text: 'Silent' }, NOW)).toBe('Silent 00:12');
    expect(reasonText({ ...noMedia, text: 'No media for 00:30' }, NOW)).toBe('No media for 00:30');
    expect(reasonText({ ...noMedia, code: 'latency_too_low', text: 'Latency too low' }, NOW)).toBe('Latency too low');
  });
  it('is a warning for connected without media, even when the server gives no reason', () => {
    expect(reasonLine(source({ media: null }), [], NOW)).toEqual({ text: 'No media', tone: 'warn' });
  });
  it('counts further reasons', () => {
    const low = { code: 'bitrate_low', text: 'Bitrate low', since: null, advice: null };
    expect(reasonLine(source({ state: 'warning', health: 'warning', reasons: [low, noMedia] }), [], NOW).text).toBe('Bitrate low, +1');
  });
  it('tells a waiting source’s operator that somebody is being turned away', () => {
    const waiting = source({ state: 'waiting', connection: 'disconnected', media: null });
    expect(reasonLine(waiting, [], NOW)).toEqual({ text: 'Nobody connected', tone: 'quiet' });
    expect(reasonLine(waiting, [rejection()], NOW)).toEqual({ text: 'Rejected: wrong passphrase', tone: 'warn' });
    expect(reasonLine(waiting, [rejection({ at: '2026-11-20T18:00:00Z' })], NOW).tone).toBe('quiet');
  });
  it('says until when it was so, once it is old', () => {
    expect(reasonLine(source(), [], NOW, true).text).toMatch(/^Until \d\d:\d\d:07$/);
  });
});

describe('the verdict', () => {
  it('ends in an action, with the evidence beneath', () => {
    const found = verdict(source({ state: 'failed', health: 'error', reasons: [noMedia] }), [output()], [], NOW);
    expect(found.state.word).toBe('Failed');
    expect(found.sentence).toBe('no media for 00:12. Ask the pilot to start the encoder.');
    expect(found.evidence).toContain('1 of 1 output delivers');
  });
  it('does not say twice what the advice says itself', () => {
    const advice = 'Latency 120 ms is too low for RTT 84 ms. Set 340 ms.';
    const low = source({ state: 'warning', health: 'warning', reasons: [{ code: 'latency_too_low', text: 'Latency too low', since: null, advice }] });
    expect(verdict(low, [], [], NOW).sentence).toBe('latency 120 ms is too low for RTT 84 ms. Set 340 ms.');
  });
  it('names what arrives when all is well', () => {
    expect(verdict(source(), [output()], [], NOW).sentence).toBe('1080p50 H.264 and AAC stereo 48 kHz arrive. Nothing to do.');
    expect(verdict(source({ state: 'ready' }), [], [], NOW).sentence).toContain('Add an output');
  });
  it('says what is not there where only sound or only a picture arrives', () => {
    const media = source().media!;
    expect(verdict(source({ media: { ...media, audio: [] } }), [output()], [], NOW).sentence).toBe('1080p50 H.264 arrives, without sound. Nothing to do.');
    expect(verdict(source({ media: { ...media, video: null } }), [output()], [], NOW).sentence).toBe('AAC stereo 48 kHz arrives, without a picture. Nothing to do.');
  });
  it('says when the sender was rejected, for it may have come in since', () => {
    const waiting = source({ state: 'waiting', connection: 'disconnected', media: null, srt: null });
    expect(verdict(waiting, [], [rejection()], NOW).evidence).toMatch(/^From 203\.0\.113\.48:51022 at \d\d:\d\d:00\.$/);
  });
  it('counts outputs that deliver', () => {
    expect([delivering(0, 1), delivering(1, 1), delivering(1, 2), delivering(0, 2)]).toEqual([
      '0 of 1 output delivers', '1 of 1 output delivers', '1 of 2 outputs delivers', '0 of 2 outputs deliver',
    ]);
  });
  it('puts a rejected sender first while nobody is connected', () => {
    const waiting = source({ state: 'waiting', connection: 'disconnected', media: null, srt: null });
    expect(verdict(waiting, [], [rejection()], NOW).sentence).toBe('a sender was rejected: wrong passphrase, 3 times in 9 s. Send the settings again.');
  });
});

describe('rejections', () => {
  it('say how often', () => {
    expect(howOften(rejection())).toBe('3 times in 9 s');
    expect(howOften(rejection({ count: 1 }))).toBe('');
    expect(howOften(rejection({ first_at: null }))).toBe('3 times');
  });
  it('have words for every reason the server gives', () => {
    const server = readFileSync(new URL('../../../protocols/srt/src/reject.rs', import.meta.url), 'utf8');
    const names = server.split('pub const fn name')[1]!.split('impl fmt::Display')[0]!.match(/(?<==> ")\w+(?=")/g) ?? [];
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !isKnownRejection(name))).toEqual([]);
  });
  it('have words for reasons that are not known yet', () => {
    expect(rejectionWord('key_refresh_failed')).toBe('key refresh failed');
  });
  it('find the source a caller meant', () => {
    expect(meant(rejection(), source())).toBe(true);
    expect(meant(rejection({ stream_id: '#!::r=event/cam1,m=publish' }), source())).toBe(true);
    expect(meant(rejection({ stream_id: 'event/cam9', nearest: 'cam1' }), source())).toBe(true);
    expect(meant(rejection({ stream_id: 'other' }), source())).toBe(false);
    expect(meant(rejection({ stream_id: null, nearest: null }), source({ config: { name: 'cam1' } }))).toBe(false);
  });
  it('read stream IDs and addresses without being led astray', () => {
    expect(plainStreamId('#!::m=publish')).toBe('#!::m=publish');
    expect(hostOf('203.0.113.48:51022')).toBe('203.0.113.48');
    expect(hostOf('[2001:db8::1]:5000')).toBe('2001:db8::1');
    expect(hostOf('2001:db8::1')).toBe('2001:db8::1');
  });
});

describe('alarms', () => {
  const alarm = (id: string, since: string, severity = 'warning') => ({ since, severity, subject: { type: 'source', name: id }, code: 'no_media', text: 'No media for 00:12', advice: 'Start the encoder.' });
  it('show the newest that nobody acknowledged', () => {
    const all = [alarm('a', '2026-11-20T18:00:00Z'), alarm('b', '2026-11-20T18:30:00Z')];
    expect(unacknowledged(all, new Set()).map((one) => one.subject.name)).toEqual(['b', 'a']);
    expect(unacknowledged(all, new Set(['source/b/no_media@2026-11-20T18:30:00Z'])).map((one) => one.subject.name)).toEqual(['a']);
  });
  it('come back when they are set anew', () => {
    expect(unacknowledged([alarm('b', '2026-11-20T18:40:00Z')], new Set(['source/b/no_media@2026-11-20T18:30:00Z']))).toHaveLength(1);
  });
  it('say what, since when, and what to do', () => {
    expect(alarmSentence(alarm('a', '2026-11-20T18:00:00Z'))).toMatch(/^No media since \d\d:\d\d:00\. Start the encoder\.$/);
  });
  it('give the header the worst of them', () => {
    expect(worst([])).toBeNull();
    expect(worst([alarm('a', ''), alarm('b', '', 'error')])?.word).toBe('Failed');
  });
});
