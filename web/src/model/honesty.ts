/** Green is earned: a source whose output should deliver and does not is not shown as good. */
import type { OutputView, Reason, SourceView } from '../api/types';
import { outputState } from './words';

/** The source as it may be shown, given what its outputs do. Waiting for a reader is no fault. */
export function bearOut(source: SourceView, outputs: OutputView[]): SourceView {
  if (source.state !== 'live' && source.state !== 'ready') return source;
  const stuck = outputs.find((output) => output.source === source.name && ['failed', 'warning'].includes(outputState(output)));
  if (!stuck) return source;
  return { ...source, state: 'warning', reasons: [...source.reasons, reasonOf(stuck)] };
}

function reasonOf(output: OutputView): Reason {
  const failed = outputState(output) === 'failed';
  const why = output.error?.message ?? output.last_error;
  return {
    code: 'output_down',
    text: failed ? 'Output failed' : 'Output reconnecting',
    since: null,
    advice: why ? `${output.name}: ${why}` : `Check ${output.name}.`,
  };
}
