import { expect, it } from 'vitest';
import { matches } from '../../src/model/filter';
import { counts, groups } from '../../src/model/group';
import { output, source } from './samples';

const many = [
  source({ name: 'a', state: 'ready' }),
  source({ name: 'b', state: 'warning', health: 'warning' }),
  source({ name: 'c', state: 'live' }),
  source({ name: 'd', state: 'waiting' }),
  source({ name: 'e', state: 'failed', health: 'error' }),
  source({ name: 'f', state: 'ready' }),
  source({ name: 'g', state: 'connecting' }),
  source({ name: 'h', state: 'warning', health: 'warning' }),
];

it('lists every source once, groups in order, the operator’s order inside them', () => {
  const listed = groups(many).map((group) => [group.name, group.sources.map((one) => one.name).join('')]);
  expect(listed).toEqual([['live', 'c'], ['attention', 'ebh'], ['ready', 'af'], ['idle', 'dg']]);
});
it('puts the worst first in Attention and says how many of each', () => {
  expect(groups(many).find((group) => group.name === 'attention')?.note).toBe('1 failed, 2 warnings');
});
it('leaves out groups without members', () => {
  expect(groups([source()]).map((group) => group.name)).toEqual(['live']);
  expect(groups([])).toEqual([]);
});
it('counts each group and all', () => {
  expect(counts(many)).toEqual({ all: 8, live: 1, attention: 3, ready: 2, idle: 2 });
});
it('never lists a connected source without media as Live or Ready', () => {
  const [group] = groups([source({ media: null }), source({ state: 'ready', last_packet_age_ms: null })]);
  expect(group?.name).toBe('attention');
  expect(group?.sources).toHaveLength(2);
});
it('filters by name, state word, reason and output, every word needed', () => {
  const cam = source({ reasons: [{ code: 'losing_packets', text: 'Losing packets', since: null, advice: null }], state: 'warning', health: 'warning' });
  const outputs = [output({ name: 'partner-tv' })];
  for (const query of ['', 'CAM', 'warning', 'losing', 'partner cam', 'srt listener', 'event/cam1']) expect(matches(cam, outputs, query)).toBe(true);
  for (const query of ['live', 'cam drone']) expect(matches(cam, outputs, query)).toBe(false);
});
