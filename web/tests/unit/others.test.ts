/** What comes and goes by other protocols than SRT is shown as it is: nothing pretended, nothing good hidden trouble. */
import { describe, expect, it } from 'vitest';
import type { ListenerView, OutputView } from '../../src/api/types';
import { outputFacts, sourceFacts } from '../../src/model/facts';
import { sourceEffect } from '../../src/model/drafts/effect';
import { isOn, listenerConfig, listenerDraft } from '../../src/model/drafts/listener';
import { trackLines } from '../../src/model/expect';
import { figures } from '../../src/model/figures';
import { graphs } from '../../src/model/graphs';
import { emptyColumns } from '../../src/model/history';
import { bearOut } from '../../src/model/honesty';
import { beginning } from '../../src/model/kinds';
import { listenerKind, refused, refusedWhy } from '../../src/model/listeners';
import { missingPaths, paths } from '../../src/model/paths';
import { placeOf } from '../../src/model/place';
import { reasonLine } from '../../src/model/reasons';
import { chips } from '../../src/model/chips';
import { verdict } from '../../src/model/verdict';
import { isPlayable, isShared, outputKind, outputState, sourceKind, sourceState } from '../../src/model/words';
import { NOW, output, source } from './samples';

const other = (kind: string, own: object, detail: object = {}, change: object = {}) =>
  source({ kind, mode: null, srt: null, config: { name: 'cam1', [kind]: own }, detail: { [kind]: detail }, ...change });
const rtmp = (detail: object, change: Partial<OutputView> = {}): OutputView =>
  output({ name: 'to-tube', kind: 'rtmp', url: null, config: { name: 'to-tube', source: 'cam1', rtmp: { platform: 'tube', key: '•••' } }, detail: { rtmp: { to: 'rtmps://a.tube/live', ...detail } }, ...change });
const WARNING = { about: 'video_bitrate', text: 'The picture has 8.0 Mb/s, and Tube takes 6.0 Mb/s', advice: 'Lower the encoder’s bitrate' };

describe('a source of another protocol', () => {
  it('has no round trip, loss or buffer where there is none, and is not green without media', () => {
    const shown = figures(other('rtmp', {}), false);
    expect([shown.bitrate.shown?.value, shown.rtt.shown, shown.loss.shown, shown.buffer]).toEqual(['8.0', null, null, null]);
    expect(sourceState(other('rtmp', {}, {}, { media: null }))).toBe('warning');
    expect(graphs(other('udp', {}), emptyColumns(), false).map((graph) => graph.title)).toEqual(['Bitrate']);
  });
  it('shows the loss that RTP counts, in numbers and as a graph', () => {
    const rtp = other('rtp', { from: ':5004' }, { loss_percent: 1.4, latency_ms: 200, unrecovered: 3 });
    expect(figures(rtp, false).loss).toEqual({ shown: { value: '1.4', unit: '%' }, tone: 'warn' });
    expect(graphs(rtp, { ...emptyColumns(), time: [1], loss: [1.4], bitrate: [8e6], rtt: [null], buffer: [null] }, false).map((graph) => graph.title)).toEqual(['Bitrate', 'Loss']);
    expect(verdict(rtp, [], [], NOW).evidence).toBe('8.0 Mb/s arriving, loss 1.4 %, latency 200 ms, 3 packets lost for good');
  });
  it('names what it is, where it comes in, and what nobody does yet', () => {
    const kinds = [['rtmp', 'Nobody connected'], ['rtsp', 'No answer yet'], ['udp', 'Nothing arrives'], ['file', 'The file has ended']] as const;
    for (const [kind, words] of kinds) {
      const waiting = other(kind, {}, {}, { state: 'waiting', connection: 'disconnected', media: null, connection_reason: 'The file has ended' });
      expect(reasonLine(waiting, [], NOW).text).toBe(words);
    }
    expect([sourceKind(other('rtsp', {})), sourceKind(other('rtmp', {}, { tls: 'TLS 1.3' })), sourceKind(other('a_new_one', {}))]).toEqual(['RTSP camera', 'RTMPS', 'A new one']);
    const encoders: ListenerView = { name: 'encoders', kind: 'rtmp', config: { name: 'encoders', rtmp: {} }, bound: '0.0.0.0:1935', error: null };
    expect(placeOf(other('rtmp', { listener: 'encoders', app: 'live' }), [encoders])).toEqual({ port: 'on port 1935', name: '/live' });
    expect(placeOf(other('udp', { from: '239.1.1.1:5000', source: '10.0.0.1' }), [])).toEqual({ port: '', name: '239.1.1.1:5000' });
  });
  it('that calls is called anew by a change; one that is sent to us is interrupted', () => {
    const rtsp = other('rtsp', { url: 'rtsp://a' });
    expect(sourceEffect({ name: 'cam1', rtsp: { url: 'rtsp://b' } }, rtsp.config, rtsp)).toBe('Saving ends the call; it is placed again at once.');
    const udp = other('udp', { from: ':1' });
    expect(sourceEffect({ name: 'cam1', udp: { from: ':2' } }, udp.config, udp)).toBe('Saving interrupts it for a moment.');
    expect(sourceEffect(udp.config, udp.config, udp)).toBe('');
    expect([beginning({ kind: 'srt', mode: 'caller' }), beginning({ kind: 'new' }), beginning({ kind: 'new', mode: 'listener' })]).toEqual(['calling', 'local', 'called']);
  });
  it('has no counters of MPEG-TS where no MPEG-TS comes', () => {
    const tracks = (kind: string) => trackLines(other(kind, {})).map((line) => line.track);
    expect([tracks('rtmp').includes('TS errors'), tracks('udp').includes('TS errors')]).toEqual([false, true]);
  });
});

describe('what an adapter says', () => {
  it('is told in words, what is wrong is marked, nothing and never are left out', () => {
    const facts = sourceFacts(other('rtp', {}, { from: ['239.1.1.1:5000'], host_drops: 41, ignored_packets: 0, ignored_sender: null, has_rtp_header: true, fec: { columns: 5, rows: 10, recovered: 7, unrecovered: 0 }, order: { late: 2 } }));
    expect(facts.map(({ name, text, warn }) => `${name}: ${text}${warn ? ' !' : ''}`)).toEqual([
      'Comes in at: 239.1.1.1:5000', 'RTP header: yes, taken off', 'Rebuilt by FEC: 7 packets', 'Dropped by this machine: 41 packets !', 'FEC, columns × rows: 5 × 10', 'Late: 2',
    ]);
  });
  it('is told under its own name where nobody here knows it', () => {
    expect(sourceFacts(other('new', {}, { spin_rate_bps: 2e6, hops: 3, is_wet: true, inner: { deep: {} } })).map(({ name, text }) => `${name}: ${text}`)).toEqual(['Spin rate: 2.0 Mb/s', 'Hops: 3', 'Is wet: yes']);
  });
  it('of strangers is known to be theirs', () => {
    expect(sourceFacts(other('rtmp', {}, { encoder: '<b>', tls: 'TLS 1.3' })).map(({ name, stranger }) => [name, stranger])).toEqual([['Encoder', true], ['Encryption', false]]);
  });
  it('of an output may stand beside its own name', () => {
    expect(outputFacts(output({ kind: 'udp', detail: { to: '239.1.1.1:5000', pacing: { paced_by: 'pcr', late_p99_us: 50 } } })).map(({ name, text }) => `${name}: ${text}`)).toEqual(
      ['Goes to: 239.1.1.1:5000', 'Late, 99 of 100: 50 µs', 'Paced by: PCR'],
    );
    expect(outputFacts(output({ kind: 'rtsp', detail: { rtsp: { path: 'a', readers: [{ peer: 'x' }] }, left_out: [{ track: 2, codec: 'ac3' }] } })).map(({ name, text, warn }) => [name, text, warn])).toEqual([['Left out', 'AC-3', true]]);
    expect(outputFacts(rtmp({ tracks: ['h264 1920x1080', 'aac 48000 Hz'], left_out: ['scte35'], round_trip_ms: 18, warnings: [] })).map(({ name, text }) => `${name}: ${text}`)).toEqual(
      ['Goes to: rtmps://a.tube/live', 'Sends: H.264 1920×1080, AAC 48 kHz', 'Round trip: 18 ms', 'Left out: SCTE-35'],
    );
  });
});

describe('two paths of one RTP stream', () => {
  const legs = [{ from: '239.1.1.1:5000', peer: '10.0.0.4:5004', working: true, received: 990, missing: 10, behind_ms: 12 }, { from: '239.1.2.1:5000', peer: null, working: false, received: 0, missing: 0, behind_ms: 0 }];
  it('are shown, and the one that is missing stands out', () => {
    const found = paths(other('rtp', {}, { legs }));
    expect(found).toMatchObject({ title: 'Paths', missing: 1, trouble: '1 of 2 paths is missing' });
    expect(found?.rows[0]).toMatchObject({ host: '239.1.1.1:5000', note: 'from 10.0.0.4, 12 ms behind', word: 'Carries', loss: { value: '1.0' } });
    expect(found?.rows[1]).toMatchObject({ word: 'Nothing arrived', note: 'no sender yet', loss: null });
    expect(missingPaths(other('rtp', {}, { legs }))).toBe('1 of 2 paths is missing: 239.1.2.1:5000');
  });
});

describe('an output to a platform', () => {
  it('is named after it, and after the entrance it takes', () => {
    const names = [{ id: 'tube', name: 'Tube' }];
    expect(outputKind(rtmp({}), names)).toBe('RTMPS, Tube');
    expect(outputKind(rtmp({}, { config: { name: 'a', rtmp: { platform: 'tube', backup: true } } }), names)).toBe('RTMPS, Tube backup');
    expect(isShared(rtmp({}))).toBe(false);
    const upload = output({ config: { name: 'a', hls: { push: { platform: 'tube' } } } });
    expect([outputKind(upload, names), isShared(upload), isPlayable(upload), isPlayable(output())]).toEqual(['HLS upload, Tube', false, false, true]);
  });
  it('that breaks its limits is no Live, but the source is not to blame', () => {
    const over = rtmp({ warnings: [WARNING] });
    expect([outputState(over), chips([over])[0]?.note, bearOut(source(), [over], []).state]).toEqual(['warning', 'over limits', 'live']);
    expect(verdict(source(), [over], [], NOW).evidence).toContain('to-tube over the platform’s limits');
    expect(outputState(rtmp({ warnings: [WARNING] }, { delivering: false, state: 'connecting' }))).toBe('connecting');
  });
  it('that delivers nothing comes before one that breaks a limit', () => {
    const stuck = rtmp({}, { name: 'to-partner', state: 'reconnecting', delivering: false });
    expect(chips([rtmp({ warnings: [WARNING] }), output(), stuck]).map(({ name }) => name)).toEqual(['to-partner', 'to-tube', 'viewers']);
  });
  it('that is connected and delivers nothing is not Live', () => {
    expect(outputState(rtmp({ connected: true }, { delivering: false }))).toBe('waiting');
  });
  it('that is refused says so at the source', () => {
    const refusal = rtmp({}, { state: 'reconnecting', delivering: false, last_error: 'Tube refused the stream key.' });
    expect(bearOut(source(), [refusal], []).reasons[0]?.advice).toBe('to-tube: Tube refused the stream key.');
  });
});

describe('a listener of another protocol', () => {
  const encoders: ListenerView = { name: 'encoders', kind: 'rtmp', config: { name: 'encoders', rtmp: { bind: '0.0.0.0:1935', tls: {} } }, bound: null, error: null, counters: { accepted: 40, refused: 31, tls_failed: 4, full: 0, published: 12 } };
  it('says what speaks there, how many it refused, and why most of them', () => {
    expect([listenerKind(encoders), refused(encoders), refusedWhy(encoders)]).toEqual(['RTMPS', 35, '31 wrong key or taken, 4 TLS failed']);
    expect([refused({ ...encoders, counters: {} }), refused({ ...encoders, kind: 'srt', counters: { refused: 7, malformed: 9 } })]).toEqual([null, 7]);
  });
  it('has the streams of its own kind, and RTSP outputs that name none', () => {
    const players = { name: 'players', kind: 'rtsp' };
    expect(isOn(output({ kind: 'rtsp', config: { name: 'a', rtsp: { path: 'a' } } }), players)).toBe(true);
    expect(isOn(output({ kind: 'rtsp', config: { name: 'a', rtsp: { path: 'a', listener: 'b' } } }), players)).toBe(false);
    expect(isOn(other('rtmp', { listener: 'players' }), players)).toBe(false);
  });
  it('takes a port alone', () => {
    const kinds = [{ kind: 'rtmp', about: '', unseen: [], fields: [{ key: 'bind', shape: 'text', required: true } as never] }];
    expect(listenerConfig({ ...listenerDraft(null, kinds), name: 'e', kind: 'rtmp', own: { bind: '1935' } }, null, kinds)).toEqual({ name: 'e', rtmp: { bind: '0.0.0.0:1935' } });
  });
});
