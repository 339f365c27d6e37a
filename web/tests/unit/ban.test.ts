import { describe, expect, it } from 'vitest';
import { banOf, endOf, meets, standing } from '../../src/model/ban';
import { contains, neighbourhood, parseNetwork } from '../../src/model/network';
import { href, parseRoute } from '../../src/model/router';
import { NOW, output, source } from './samples';

const ban = (change: object = {}) => ({ id: 1, address: '203.0.113.0/24', reason: '', by: 'admin', since: '2026-11-20T18:00:00Z', ...change });

describe('networks', () => {
  it('are told from what is none', () => {
    for (const fine of ['192.0.2.7', '192.0.2.0/24', '0.0.0.0/0', '::', '2001:db8::/32', '::ffff:192.0.2.7', '1:2:3:4:5:6:7:8']) expect(parseNetwork(fine), fine).not.toBeNull();
    for (const bad of ['', '192.0.2', '192.0.2.256', '192.0.2.7/33', '192.0.2.7/', '192.0.2.7/8/8', '2001:db8', '1::2::3', 'g::', '1:2:3:4:5:6:7:8:9', '::/129', 'localhost']) expect(parseNetwork(bad), bad).toBeNull();
  });
  it('contain what lies in them, and an IPv4 address however it is written', () => {
    expect(contains('203.0.113.0/24', '203.0.113.255')).toBe(true);
    expect(contains('203.0.113.0/24', '203.0.114.0')).toBe(false);
    expect(contains('203.0.113.0/24', '::ffff:203.0.113.9')).toBe(true);
    expect(contains('2001:db8::/32', '2001:db8:85a3::8a2e:370:7334')).toBe(true);
    expect(contains('2001:db8:85a3::/48', '2001:db8:85a4::1')).toBe(false);
    expect(contains('203.0.113.0/24', '203.0.0.0/16')).toBe(false);
    expect(contains('nonsense', '203.0.113.1')).toBe(false);
    expect(contains('::/0', '203.0.113.1')).toBe(false);
  });
  it('have a neighbourhood in which a caller easily changes its address', () => {
    expect(neighbourhood('203.0.113.48')).toBe('203.0.113.0/24');
    expect(neighbourhood('::ffff:203.0.113.48')).toBe('203.0.113.0/24');
    expect(neighbourhood('2001:db8:85a3::8a2e:370:7334')).toBe('2001:db8:85a3:0::/64');
    expect(neighbourhood('203.0.113.0/24')).toBeNull();
  });
});

describe('bans', () => {
  it('say when they end, and for how long that is', () => {
    const ends = (until: string | null) => endOf(ban({ until }), NOW).replace(/^.*, /, '');
    expect(ends(null)).toBe('for good');
    expect(ends('2026-11-20T18:42:30Z')).toBe('in 1 min');
    expect(ends('2026-11-20T19:22:07Z')).toBe('in 40 min');
    expect(ends('2026-11-21T17:42:07Z')).toBe('in 23 h');
    expect(ends('2026-11-25T18:42:07Z')).toBe('in 5 days');
  });
  it('that are over are not shown; the newest comes first', () => {
    const list = [ban({ id: 1, until: '2026-11-20T18:42:06Z' }), ban({ id: 2 }), ban({ id: 3, since: '2026-11-20T18:30:00Z', until: '2026-11-20T19:00:00Z' })];
    expect(standing(list, NOW).map(({ id }) => id)).toEqual([3, 2]);
  });
  it('are found for a caller by its address, whatever its port', () => {
    expect(banOf('203.0.113.48:51022', [ban()])?.id).toBe(1);
    expect(banOf('[2001:db8::1]:5000', [ban({ address: '2001:db8::/64' })])?.id).toBe(1);
    expect(banOf('198.51.100.1:5000', [ban()])).toBeUndefined();
  });
  it('name whom they send away: senders, their legs and links, and readers, but nobody Tidegate calls', () => {
    const sources = [
      source({ name: 'plain', peer: '203.0.113.1:1' }), source({ name: 'elsewhere', peer: '198.51.100.1:1' }),
      source({ name: 'called', mode: 'caller', peer: '203.0.113.2:1' }), source({ name: 'gone', peer: '203.0.113.3:1', connection: 'disconnected' }),
      source({ name: 'phone', peer: '198.51.100.2:1', srt: { links: [{ address: '203.0.113.4:1', state: 'active', share_percent: 50, last_heard_ms: 1 }] } }),
    ];
    const readers = [{ peer: '203.0.113.5:1' }, { peer: '203.0.113.6:1' }, { peer: '198.51.100.3:1' }];
    expect(meets('203.0.113.0/24', sources, [output({ name: 'partner', kind: 'srt', detail: { srt: { readers } } }), output()])).toEqual([
      'the sender of plain', 'the sender of phone', '2 readers of partner',
    ]);
  });
  it('have a place of their own', () => {
    expect(parseRoute(href({ screen: 'bans' }))).toEqual({ screen: 'bans' });
    expect(parseRoute(href({ screen: 'callers' }))).toEqual({ screen: 'callers' });
  });
});
