/** A switch in the list of routes: which input is on air, whether a backup is ready, and its inputs beneath it. */
import type { SourceView, SwitchStatus } from '../../api/types';
import { plural } from '../format';
import { inputOf, onSlate, previewOf, readyOthers, switchOf } from './status';

/** "cam1-main, locked": the line under the state word. */
export function rowWords(status: SwitchStatus): string {
  if (status.active === null) return 'Nothing on air';
  return [onSlate(status) ? 'Slate' : status.active, status.locked && 'locked', status.held && 'held'].filter(Boolean).join(', ');
}

/** "1 backup", beside "On air". */
export const backupWords = (status: SwitchStatus): string => {
  const ready = readyOthers(status).length;
  return ready > 0 ? plural(ready, 'backup') : 'no backup';
};

export type Tally = 'program' | 'preview' | null;

/** The frame that a source's picture wears: red for a program and what it shows, green for what it would show next. */
export function tallyOf(source: SourceView, sources: SourceView[]): Tally {
  let found: Tally = null;
  for (const other of sources) {
    const status = switchOf(other);
    if (!status || status.active === null) continue;
    if (status.active === source.name || other.name === source.name) return 'program';
    if (previewOf(status, null) === source.name && inputOf(status, source.name)?.ready) found = 'preview';
  }
  return found;
}

/** Which switch each input belongs under; of several the first. */
export function parentsOf(sources: SourceView[]): Map<string, string> {
  const parents = new Map<string, string>();
  for (const source of sources)
    for (const { name } of switchOf(source)?.inputs ?? []) if (!parents.has(name) && name !== source.name) parents.set(name, source.name);
  return parents;
}

/** Puts inputs right behind their switch, in its order; everything else stays where it is. */
export function underSwitches(listed: SourceView[]): SourceView[] {
  const parents = parentsOf(listed);
  const byName = new Map(listed.map((source) => [source.name, source]));
  const free = listed.filter((source) => !parents.has(source.name));
  const walked = new Set<SourceView>();
  const walk = (source: SourceView): SourceView[] => {
    if (walked.has(source)) return [];
    walked.add(source);
    const own = (switchOf(source)?.inputs ?? []).filter(({ name }) => parents.get(name) === source.name);
    return [source, ...own.flatMap(({ name }) => { const child = byName.get(name); return child ? walk(child) : []; })];
  };
  return [...free, ...listed].flatMap(walk);
}

/** How the tree line runs beside a row: through to the next input, or to its end. */
export function branchOf(listed: SourceView[], at: number): 'through' | 'end' | null {
  const parents = parentsOf(listed);
  const parent = parents.get(listed[at]?.name ?? '');
  if (parent === undefined) return null;
  return listed.slice(at + 1).some(({ name }) => parents.get(name) === parent) ? 'through' : 'end';
}
