/** The filter field: every word must be found in a source's name, kind, state, reason or outputs. */
import type { OutputView, SourceView } from '../api/types';
import { sourceKind, sourceState, WORDS } from './words';

export function matches(source: SourceView, outputs: OutputView[], query: string): boolean {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return true;
  const haystack = [
    source.name,
    sourceKind(source),
    WORDS[sourceState(source)].word,
    ...source.reasons.map((reason) => reason.text),
    ...outputs.map((output) => output.name),
    source.srt?.stream_id ?? '',
  ].join('\n').toLowerCase();
  return wanted.every((word) => haystack.includes(word));
}
