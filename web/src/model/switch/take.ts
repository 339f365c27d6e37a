/**
 * What a press of TAKE does, in words before it is pressed, and when it does nothing.
 *
 *   press ─▶ refused (says why)
 *         ─▶ asks once more: the preview is not ready; a second press within a second is a slip, and ignored
 *         ─▶ sent ─▶ waits for the key frame ─▶ rests, so that the same finger does not take back
 */
import type { SwitchStatus } from '../../api/types';
import { formatWords, inputWords, seconds } from './input';
import { isCut } from './drill';
import { differs, inputOf, onSlate, SLATE } from './status';

/** After a take, and before a confirmation counts: longer than any slip of a finger. */
export const REST_MS = 1500;
export const ARM_MS = 1000;
/** A take that has not come on air by then is not waited for any longer. */
export const WAIT_MS = 12_000;

export interface TakeWords {
  /** `ready` takes at once, `ask` asks once more. */
  may: 'ready' | 'ask' | 'no';
  /** Beside the button: what it will do, or why it does nothing. */
  text: string;
  tone: 'quiet' | 'warn';
}

/** Where this screen's own take stands. */
export interface TakeState {
  /** What was sent and is not on air yet. */
  waitingFor: string | null;
  /** When it was sent, and once it is on air when that was, by the browser's own clock; null before the first. */
  since: number | null;
}

/** `at`: the browser's own clock, for what was pressed; `now`: the time of day. */
export function takeWords(status: SwitchStatus, preview: string | null, take: TakeState, at: number, now: number, stale: boolean): TakeWords {
  const no = (text: string): TakeWords => ({ may: 'no', text, tone: 'quiet' });
  if (stale) return no('Tidegate does not answer, so nothing can be taken.');
  if (take.waitingFor !== null) return no(`${name(take.waitingFor)} comes ${when(status, take.waitingFor)}.`);
  if (status.locked) return no('Locked. Unlock first.');
  if (preview === null) return no(status.inputs.length > 1 ? 'Nothing to take.' : 'There is no other input.');
  if (rests(take, at)) return no('Just taken.');
  const input = inputOf(status, preview);
  if (!input) return { may: 'ready', text: 'Viewers see the slate at once.', tone: 'warn' };
  if (isCut(status, preview)) return { may: 'ready', text: 'Cut by a drill. Taking it ends the drill.', tone: 'warn' };
  if (!input.connected) return { may: 'no', text: `${preview} has nothing to show: ${lower(inputWords(input, now).why)}.`, tone: 'warn' };
  if (!input.ready) return { may: 'ask', text: `Not ready: ${lower(inputWords(input, now).why)}.`, tone: 'warn' };
  if (differs(status, input)) return { may: 'ready', text: `Format differs: ${formatWords(input.format)}. Players start anew.`, tone: 'warn' };
  return { may: 'ready', text: `On air ${when(status, preview)}.`, tone: 'quiet' };
}

/** When it would be on air after a press. */
function when(status: SwitchStatus, preview: string): string {
  const input = inputOf(status, preview);
  if (!input) return 'at once';
  const twins = input.twin_of === status.active || inputOf(status, status.active)?.twin_of === preview;
  if (twins && status.active !== null) return 'at once, the same packets go on';
  if (onSlate(status) || status.active === null) return 'at its next key frame';
  return input.gop_ms === null ? 'at its next key frame' : `at its next key frame, in ${seconds(input.gop_ms)} at most`;
}

/** From when it came on air: whoever grew impatient with the wait does not take back what has just come. */
export const rests = ({ since }: TakeState, at: number): boolean => since !== null && at - since < REST_MS;

/** What is asked before an input that is not ready is taken all the same. */
export function forceQuestion(status: SwitchStatus, preview: string, now: number): string {
  const input = inputOf(status, preview);
  const why = input ? lower(inputWords(input, now).why) : 'it is not there';
  return `${preview} is not ready: ${why}. Viewers may see a frozen picture or none.`;
}

/** Inputs have names; the slate is a thing. */
export const name = (preview: string): string => (preview === SLATE ? 'the slate' : preview);

/** Inside a sentence; "H.264" and "PAT missing" stay as they are. */
export const lower = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);
