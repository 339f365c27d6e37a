import { describe, expect, it } from 'vitest';
import type { Config, ListenerView } from '../../src/api/types';
import { connectionsOn, listenerConfig, listenerDraft, listenerEffect, streamsOn } from '../../src/model/drafts/listener';
import { parseRoute, href } from '../../src/model/router';
import { output, source } from './samples';

const BASE: Config = {
  name: 'ingest', srt: { bind: '0.0.0.0:9000', latency: '200ms', passphrases: { '2027': { secret: 'a' } }, max_connections: 40, allow: ['192.0.2.0/24'] },
};
const view = (connections: number): ListenerView => ({ name: 'ingest', kind: 'srt', config: BASE, bound: '0.0.0.0:9000', error: null, counters: { connections } });
const changed = (change: object): Config => listenerConfig({ ...listenerDraft(BASE), ...change }, BASE);

describe('a listener', () => {
  it('saved unchanged stays as it was, whatever is set', () => {
    for (const srt of [BASE.srt, { bind: '[::]:9000' }, { bind: '0.0.0.0:9000', srtla: false, reject_detail: true, cipher: 'gcm', port_range: '9100-9149', passphrase: '•••', users: { alice: '•••' }, tos: 136 }]) {
      const base = { name: 'ingest', srt } as Config;
      expect(listenerConfig(listenerDraft(base), base)).toEqual(base);
    }
  });
  it('that is new says no more than what was typed, and takes a port alone', () => {
    const fresh = listenerConfig({ ...listenerDraft(null), name: ' devices ', bind: '9100', portRange: '9101-9149' }, null);
    expect(fresh).toEqual({ name: 'devices', srt: { bind: '0.0.0.0:9100', port_range: '9101-9149' } });
  });
  it('loses a setting that is emptied, and keeps what the form does not show', () => {
    expect(changed({ allow: '', latencyMs: '300', srtla: false }).srt).toEqual({
      bind: '0.0.0.0:9000', latency: '300ms', passphrases: { '2027': { secret: 'a' } }, max_connections: 40, srtla: false,
    });
  });
  it('says whom it sends away by another port', () => {
    expect(listenerEffect(changed({ latencyMs: '300' }), BASE, 'srt', 3, [])).toBe('');
    expect(listenerEffect(changed({ bind: '9001' }), BASE, 'srt', 0, [])).toBe('');
    expect(listenerEffect(changed({ bind: '9001' }), BASE, 'srt', 1, [])).toContain('1 connection on it ends');
    expect(listenerEffect(changed({ bind: '9001' }), BASE, 'srt', 3, [])).toContain('3 connections on it end.');
  });
  it('says who came in with a passphrase that goes', () => {
    expect(listenerEffect(changed({ more: [] }), BASE, 'srt', 3, ['passphrases/2027', 'passphrases/2027', undefined])).toBe(
      'Saving disconnects 2 callers with a passphrase that goes; they have to call again.',
    );
    expect(listenerEffect(changed({ latencyMs: '300' }), BASE, 'srt', 3, ['passphrases/2027'])).toBe('');
  });
  it('counts who is connected to the ports of its range, too', () => {
    const own = source({ config: { name: 'cam1', srt: { listener: 'ingest', port: 9101 } }, port: { bound: '0.0.0.0:9101', error: null, counters: { connections: 1 } } });
    expect(connectionsOn(view(3), [own, source()], [])).toBe(4);
    expect(connectionsOn({ ...view(3), counters: {} }, [own], [])).toBeNull();
  });
  it('knows what is reached through it', () => {
    const other = source({ name: 'own', config: { name: 'own', srt: { bind: '0.0.0.0:9101' } } });
    const partner = output({ name: 'partner', kind: 'srt', config: { name: 'partner', srt: { listener: 'ingest', stream_id: 'out/partner' } } });
    expect(streamsOn(view(0), [source(), other], [output(), partner])).toEqual(['cam1', 'partner']);
  });
  it('has a place of its own', () => {
    expect(parseRoute(href({ screen: 'listeners' }))).toEqual({ screen: 'listeners' });
  });
});
