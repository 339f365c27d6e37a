import { describe, expect, test } from 'vitest';
import { counted, readyLine } from '../../src/model/readiness';
import { NOW, source } from './samples';

const ready = { ready: true, reasons: [], clean_since: '2026-11-20T18:41:22Z' };
const silent = {
  code: 'no_packets', text: 'No packets', severity: 'switch', since: '2026-11-20T18:42:06Z',
  advice: 'No packets for 160 ms. Look at the sender and the network between it and here.',
};

describe('whether a source could go on air', () => {
  test('one that is ready says since when it is clean', () => {
    const line = readyLine(source({ readiness: ready }), NOW);
    expect(line).toMatchObject({ word: 'Ready', note: 'clean for 00:45', reasons: [] });
    expect(line?.state.tone).toBe('ok');
  });

  test('one that is not says why, and is never green', () => {
    const line = readyLine(source({ readiness: { ready: false, reasons: [silent], clean_since: null } }), NOW);
    expect(line).toMatchObject({ word: 'Not ready', reasons: [{ text: 'No packets', tone: 'fault' }] });
    expect(line?.state.tone).not.toBe('ok');
  });

  test('a claim without media is not believed', () => {
    for (const change of [{ media: null }, { connection: 'disconnected' }, { last_packet_age_ms: 4000 }]) {
      expect(readyLine(source({ readiness: ready, ...change }), NOW)?.word).toBe('Not ready');
    }
  });

  test('what only tells leaves it ready', () => {
    const told = { ...silent, code: 'bitrate', text: 'Bitrate collapsed', severity: 'alarm' };
    const line = readyLine(source({ readiness: { ...ready, reasons: [told] } }), NOW);
    expect(line).toMatchObject({ word: 'Ready', reasons: [{ tone: 'warn' }] });
  });

  test('a server that does not say shows nothing', () => {
    expect(readyLine(source(), NOW)).toBeNull();
    expect(counted(source())).toBeNull();
  });
});

test('only what was counted is listed, in the order of the report', () => {
  const none = { count: 0, last_age_ms: null };
  const tr101290 = { pts: { count: 1, last_age_ms: 61_000 }, sync_loss: none, pat: { count: 3, last_age_ms: 2000 } };
  expect(counted(source({ tr101290 }))).toEqual([
    { number: '1.3', name: 'PAT late or wrong', count: 3, last: '00:02 ago' },
    { number: '2.5', name: 'PTS stood still', count: 1, last: '01:01 ago' },
  ]);
  expect(counted(source({ tr101290: { sync_loss: none } }))).toEqual([]);
});
