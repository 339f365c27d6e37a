/** A drill on air while it runs: what is cut, until when, what viewers see meanwhile, and how it is ended. */
import type { LastDrill, SwitchStatus } from '../../api/types';
import { clock } from '../format';
import { capital } from '../sentence';
import { WORDS, type StateWord } from '../words';
import { inputOf, onSlate } from './status';

export interface DrillBand {
  /** What is cut. */
  input: string;
  /** "cam1-main is cut since 18:42:01, by admin." */
  what: string;
  /** What viewers see, and how it ends by itself. */
  then: string;
  /** What the button does: the cut input comes back on air. */
  end: string;
}

/** Null while none runs. `now`: the server's time; `stale`: nothing is known since then. */
export function drillBand(status: SwitchStatus, now: number, stale: boolean): DrillBand | null {
  const { drill } = status;
  if (!drill) return null;
  const since = Date.parse(drill.since);
  const what = `${drill.input} is cut${Number.isFinite(since) ? ` since ${clock(since)}` : ''}${drill.by ? `, by ${drill.by}` : ''}.`;
  return { input: drill.input, what, then: `${capital(seen(status, drill.input))} ${ending(Date.parse(drill.ends_at), now, stale)} ${afterwards(status)}`, end: `End now, take ${drill.input} back` };
}

function seen(status: SwitchStatus, cut: string): string {
  if (status.active === cut) return 'the backup has not come on air yet.';
  if (onSlate(status)) return 'viewers see the slate.';
  return inputOf(status, status.active) ? `viewers see ${status.active}.` : 'viewers see nothing.';
}

function ending(endsAt: number, now: number, stale: boolean): string {
  if (!Number.isFinite(endsAt)) return 'The cut ends by itself.';
  const left = Math.ceil((endsAt - now) / 1000);
  return `The cut ends by itself at ${clock(endsAt)}${stale || left <= 0 ? '' : `, in ${left} s`}.`;
}

/** What was cut is let in again, which alone moves nothing. */
function afterwards(status: SwitchStatus): string {
  return status.return === 'auto' ? 'Then the program returns by itself after a clean time.' : 'The program stays where it is then.';
}

/** What is cut by a drill is well: taking it ends the drill. */
export const isCut = (status: SwitchStatus, name: string | null): boolean => name !== null && status.drill?.input === name;

export const drillResult = ({ outcome }: LastDrill): { state: StateWord; label: string } => RESULTS[outcome];

const RESULTS = { passed: { state: WORDS.ready, label: 'Pass' }, failed: { state: WORDS.failed, label: 'Failed' }, broken_off: { state: WORDS.idle, label: 'Broken off' } };
