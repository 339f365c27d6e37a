/** Which group a source is listed in, and in what order. A source appears once, in the first that fits. */
import type { SourceView } from '../api/types';
import { parentsOf, underSwitches } from './switch/row';
import { sourceState, type StateName } from './words';

export type GroupName = 'live' | 'attention' | 'ready' | 'idle';

export interface Group {
  name: GroupName;
  title: string;
  note: string;
  sources: SourceView[];
}

const TITLES: [GroupName, string][] = [
  ['live', 'Live'],
  ['attention', 'Attention'],
  ['ready', 'Ready'],
  ['idle', 'Idle'],
];

const GROUP_OF: Record<StateName, GroupName> = {
  live: 'live',
  recording: 'live',
  warning: 'attention',
  failed: 'attention',
  ready: 'ready',
  waiting: 'idle',
  connecting: 'idle',
  idle: 'idle',
};

export const groupOf = (source: SourceView): GroupName => GROUP_OF[sourceState(source)];

/** Groups that have members. The operator's order stays; only Attention puts the worst first. */
export function groups(sources: SourceView[]): Group[] {
  const parents = parentsOf(sources);
  /** An input stands beneath its switch, unless it needs attention that the switch does not. */
  const listedIn = (source: SourceView): GroupName => {
    const own = groupOf(source);
    const parent = own === 'attention' ? undefined : sources.find(({ name }) => name === parents.get(source.name));
    return parent ? groupOf(parent) : own;
  };
  return TITLES.map(([name, title]) => {
    const members = sources.filter((source) => listedIn(source) === name);
    if (name === 'attention') members.sort(byWorst);
    return { name, title, note: note(name, members), sources: underSwitches(members) };
  }).filter((group) => group.sources.length > 0);
}

export function counts(sources: SourceView[]): Record<GroupName | 'all', number> {
  const found = { all: sources.length, live: 0, attention: 0, ready: 0, idle: 0 };
  for (const source of sources) found[groupOf(source)] += 1;
  return found;
}

/** Sorting is stable, so equals keep the operator's order. */
function byWorst(one: SourceView, other: SourceView): number {
  const rank = (source: SourceView) => (sourceState(source) === 'failed' ? 0 : 1);
  return rank(one) - rank(other);
}

function note(name: GroupName, members: SourceView[]): string {
  if (name !== 'attention') return String(members.length);
  const troubled = members.filter((source) => groupOf(source) === name);
  const failed = troubled.filter((source) => sourceState(source) === 'failed').length;
  const warnings = troubled.length - failed;
  return [failed && `${failed} failed`, warnings && `${warnings} warning${warnings === 1 ? '' : 's'}`]
    .filter(Boolean)
    .join(', ');
}
