/** Opening a form and saving it unchanged gives back the very same object, whatever is set. */
import { describe, expect, it } from 'vitest';
import type { Config, Settings } from '../../src/api/types';
import { outputConfig, outputDraft } from '../../src/model/drafts/output';
import { listenerConfig, listenerDraft } from '../../src/model/drafts/listener';
import { sourceConfig, sourceDraft } from '../../src/model/drafts/source';
import { LISTENERS, OUTPUTS, settingsOf, SOURCES } from './api';

const WEBHOOK = { url: 'https://auth.example.com/srt', timeout: '1s', secret: '•••', on_failure: 'allow', ca: '/etc/ca.pem', allow_link_local: true };
const PASSPHRASES = { old: '•••', '2027': { secret: 'cam1-2027' } };
const USERS = { alice: { secret: 'alice' }, bob: { old: '•••', new: { secret: 'bob-2' } }, carol: '•••', secret: { secret: { secret: 'odd' } } };

/** What both sources and outputs may say. */
const WAYS: Settings[] = [
  { listener: 'ingest', stream_id: 'live/cam1' },
  { listener: 'gone', stream_id: 'live/cam1', passphrase: { secret: 'cam1' }, latency: '200ms' },
  { bind: '0.0.0.0:9101' },
  { bind: '[::]:9101', passphrase: '•••', latency: '1m 1s' },
  { call: 'srt://h:1?streamid=a%20b&latency=200', passphrase: '•••', pbkeylen: 32, cipher: 'gcm' },
  { call: 'srt://h:1?mode=rendezvous&port=9001&latency=200', latency: '0.2s' },
  { call: 'srt://h:1?mode=caller', latency: 200 },
  { call: 'srt://[2001:db8::1]:9000?port=9000&mode=rendezvous' },
  { listener: 'ingest', stream_id: 's', passphrase: '•••', passphrases: PASSPHRASES, users: USERS, allow: ['192.0.2.0/24', '2001:db8::/32'], webhook: WEBHOOK },
  { listener: 'ingest', stream_id: 's', cipher: 'auto', pbkeylen: 16, packet_filter: 'fec,cols:10,rows:-5,layout:even,arq:always', allow: [] },
  { listener: 'ingest', stream_id: ' s ', passphrases: {}, users: {}, packet_filter: 'none' },
  { listener: 'ingest', port: 9107, interface: 'eth1', tos: 136, ttl: 32 },
  { something: 'of a later version', legs: [{ call: 'srt://h:1' }] },
];

const OF_SOURCES: Settings[] = [
  { listener: 'ingest', stream_id: 's', second_publisher: 'stand_by' },
  { bind: '0.0.0.0:9101', second_publisher: 'take_over', allow: ['192.0.2.7'] },
  { listener: 'ingest', stream_id: 's', second_publisher: 'reject' },
];

const OF_OUTPUTS: Settings[] = [
  { listener: 'ingest', stream_id: 's', open: true, low_delay: true, max_readers: 5 },
  { listener: 'ingest', stream_id: 's', open: false, low_delay: false },
  { bind: '0.0.0.0:9201', open: true },
  { call: 'srt://h:1', low_delay: true, key_refresh: { packets: 1000000, announce_packets: 4000 }, repeats: { budget_percent: 50, copies_percent: 0 } },
  { call: 'srt://h:1', repeats: {} },
  { call: 'srt://h:1?streamid=a', bonding: { mode: 'backup', weight: 9, min_stability: '80ms', legs: [{ call: 'srt://h:1?bindtodevice=usb0', weight: 1 }] } },
  { call: 'srt://h:1', bonding: { mode: 'broadcast', legs: [{ call: 'srt://i:1' }, { call: 'srt://j:1', of: 'a later version' }] } },
];

const sourceAgain = (config: Config) => sourceConfig(sourceDraft(config, 'first', SOURCES), config, SOURCES);
const outputAgain = (config: Config) => outputConfig(outputDraft(config, 'other', 'first', OUTPUTS), config, OUTPUTS);
const listenerAgain = (config: Config) => listenerConfig(listenerDraft(config, LISTENERS), config, LISTENERS);
const text = (config: Config) => JSON.stringify(config);

describe('a source saved unchanged', () => {
  for (const srt of [...WAYS, ...OF_SOURCES]) {
    it(`stays as it was: ${JSON.stringify(srt)}`, () => {
      for (const expectation of [undefined, {}, { video: 'h264 1920x1080 50', gop: '2s' }, { bitrate: 8_000_000 }]) {
        const config: Config = { name: 'cam1', tags: ['x'], srt, ...(expectation ? { expect: expectation } : {}) };
        expect(sourceAgain(config)).toEqual(config);
        expect(text(sourceAgain(config))).toHaveLength(text(config).length);
      }
    });
  }
  it('of another protocol stays as it was', () => {
    const config: Config = { name: 'cam1', rtmp: { key: 'a' } };
    expect(sourceAgain(config)).toEqual(config);
  });
});

describe('an output saved unchanged', () => {
  const others: Settings[] = [
    { udp: { to: '239.1.1.1:5000', ttl: 4, interface: 'eth1' } }, { hls: {} }, { hls: { segment: '2s', window: 8 } },
    { record: { format: 'ts', segment: '1h', keep: '7d' } }, { record: {} }, { webrtc: { of: 'a later version' } },
  ];
  for (const body of [...[...WAYS, ...OF_OUTPUTS].map((srt) => ({ srt })), ...others]) {
    it(`stays as it was: ${JSON.stringify(body)}`, () => {
      const config: Config = { name: 'a', source: 'cam1', tags: ['x'], ...body };
      expect(outputAgain(config)).toEqual(config);
      expect(text(outputAgain(config))).toHaveLength(text(config).length);
    });
  }
});

describe('every setting the server has', () => {
  const VALUES = ['text', 7, true, { secret: 'a' }, ['192.0.2.7'], { url: 'x', columns: 5 }];
  it('is told by the server', () => expect(settingsOf('SourceConfig', 'srt').length).toBeGreaterThan(10));
  for (const { kind } of SOURCES) {
    it.each(settingsOf('SourceConfig', kind))(`survives in a source, whatever it holds: ${kind}.%s`, (key) => {
      for (const value of VALUES) {
        const config: Config = { name: 'cam1', [kind]: { [key]: value } };
        expect(sourceAgain(config)).toEqual(config);
      }
    });
  }
  for (const { kind } of OUTPUTS) {
    it.each(settingsOf('OutputConfig', kind))(`survives in an output, whatever it holds: ${kind}.%s`, (key) => {
      for (const value of VALUES) {
        const config: Config = { name: 'a', source: 'cam1', [kind]: { [key]: value } };
        expect(outputAgain(config)).toEqual(config);
      }
    });
  }
  for (const { kind } of LISTENERS) {
    it.each(settingsOf('ListenerConfig', kind))(`survives in a listener, whatever it holds: ${kind}.%s`, (key) => {
      for (const value of VALUES) {
        const config: Config = { name: 'a', [kind]: { [key]: value } };
        expect(listenerAgain(config)).toEqual(config);
      }
    });
  }
});
