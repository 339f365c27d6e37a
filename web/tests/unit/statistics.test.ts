import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { statistics } from '../../src/model/statistics';

describe('all figures of a connection', () => {
  const srt = {
    total: { packets_received: 12345, packets_lost: 0, packets_sent: 7, acks_sent: 900 },
    interval: { packets_received: 1010, packets_lost: 0, packets_sent: 0, acks_sent: 101 },
    interval_ms: 1010,
    instant: { rtt_ms: 42.4, link_capacity_bps: 9.1e6, flight_packets: 3, send_period_micros: 10.2 },
  };
  it('are told apart by their direction, with what came in the last second', () => {
    const found = statistics(srt);
    expect(found?.received).toEqual([{ name: 'Packets received', total: '12,345', second: '1,000' }, { name: 'Acks sent', total: '900', second: '100' }]);
    expect(found?.sent).toEqual([{ name: 'Packets sent', total: '7', second: '0' }]);
  });
  it('leave out of the lists what never happened, and name it', () => {
    expect(statistics(srt)?.never).toEqual(['Packets lost']);
  });
  it('carry their units', () => {
    expect(statistics(srt)?.now).toEqual([
      { name: 'RTT', value: '42 ms' }, { name: 'Link capacity', value: '9.1 Mb/s' }, { name: 'Flight', value: '3 packets' }, { name: 'Send period', value: '10 µs' },
    ]);
  });
  it('are none where the server sent no lists', () => {
    expect(statistics(null)).toBeNull();
    expect(statistics({ rtt_ms: 42 })).toBeNull();
  });
  it('have names of their own without their units, whatever the server measures', () => {
    const page = readFileSync(new URL('../../../docs/srt/statistics.md', import.meta.url), 'utf8');
    const gauges = page.split('<!-- gauges -->')[1]!.split('<!-- end -->')[0]!.match(/(?<=^\| `)\w+/gm) ?? [];
    expect(gauges.length).toBeGreaterThan(15);
    const names = statistics({ total: { packets_lost: 1 }, instant: Object.fromEntries(gauges.map((name) => [name, 1])) })?.now.map((row) => row.name);
    expect(new Set(names).size).toBe(gauges.length);
  });
});
