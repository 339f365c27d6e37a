/** What a row says of its outputs: worst first, a count or a reason only when useful. */
import type { OutputView } from '../api/types';
import { isStuck } from './limits';
import { isShared, outputState, WORDS, type StateName, type StateWord } from './words';

export interface Chip {
  name: string;
  note: string;
  state: StateWord;
}

const ORDER: StateName[] = ['failed', 'warning', 'connecting', 'live', 'recording', 'ready', 'waiting', 'idle'];

export function chips(outputs: OutputView[]): Chip[] {
  return [...outputs]
    .sort((one, other) => rank(one) - rank(other))
    .map((output) => ({ name: output.name, note: note(output), state: WORDS[outputState(output)] }));
}

/** Of two warnings the one that delivers nothing is worse. */
const rank = (output: OutputView): number => ORDER.indexOf(outputState(output)) + (outputState(output) === 'warning' && !isStuck(output) ? 0.5 : 0);

function note(output: OutputView): string {
  const state = outputState(output);
  if (state === 'failed') return 'failed';
  if (state === 'warning') return isStuck(output) ? 'reconnecting' : 'over limits';
  return isShared(output) && (output.readers ?? 0) > 1 ? (output.readers ?? 0).toLocaleString('en-GB') : '';
}
