/** The verdict on a switch, and what must not be overlooked: latched, locked, held, no backup, the slate on air. */
import type { Reason, SwitchInput, SwitchStatus } from '../../api/types';
import { count, plural } from '../format';
import { capital, inWords } from '../sentence';
import { WORDS, type IconName, type StateWord } from '../words';
import { isCut } from './drill';
import { inputWords, isSettlingDown } from './input';
import { inputOf, onSlate, others, readyOthers, slateByHand } from './status';
import { lower } from './take';

export interface SwitchVerdict {
  state: StateWord;
  sentence: string;
  evidence: string;
}

export function switchVerdict(status: SwitchStatus, now: number): SwitchVerdict {
  const make = (state: StateWord, sentence: string): SwitchVerdict => ({ state, sentence, evidence: evidence(status) });
  const active = inputOf(status, status.active);
  const [next] = readyOthers(status);
  if (status.active === null) return make(...dark(status, now));
  if (slateByHand(status)) return make(WORDS.warning, next ? `viewers see the slate, as somebody chose. Take ${next.name} when it is time.` : `viewers see the slate, as somebody chose, and no input is ready. ${toDo(status, now)}`);
  if (!active) return make(WORDS.failed, onSlate(status) && next ? `viewers see the slate, though ${next.name} is ready. ${status.locked ? 'Unlock, then take it.' : 'Take it.'}` : `viewers see the slate: no input delivers. ${toDo(status, now)}`);

  if (status.drill) return make(WORDS.warning, `a drill cuts ${status.drill.input} on air, ${isCut(status, active.name) ? 'and the backup is to take over' : `and ${active.name} has taken over`}. Wait until it is over, or end it.`);
  const { why, state } = inputWords(active, now);
  const bad = state === WORDS.failed || state === WORDS.warning || state === WORDS.waiting;
  if (bad && next && stuck(status)) return make(WORDS.failed, `${active.name}: ${lower(why)}, and ${stuck(status)} keeps it on air. ${status.locked ? 'Unlock, then take' : 'Take'} ${next.name}.`);
  if (!active.connected && !next) return make(WORDS.failed, `viewers see nothing: ${active.name} is gone, and no other input is ready. ${toDo(status, now)}`);
  if (bad && !next) return make(state === WORDS.warning ? WORDS.warning : WORDS.failed, `${active.name}: ${lower(why)}, and no other input is ready. ${toDo(status, now)}`);
  if (bad) return make(WORDS.warning, `${active.name}: ${lower(why)}. ${next?.name} is ready: take it.`);
  if (status.latched) return make(WORDS.warning, `${active.name} is on air and stays there. Find out why it switched so often, then take or return.`);
  if (others(status).length > 0 && !next) return make(WORDS.warning, `${active.name} is on air, and no backup is ready. ${toDo(status, now)}`);
  if (status.slate.state === 'failed') return make(WORDS.warning, inWords(`${active.name} is on air${next ? `, ${next.name} is ready` : ''}, but there is no slate`, capital((status.slate.reason ?? 'Choose another file with Edit.').replace(/^No slate: /, ''))));
  return make(WORDS.live, `${active.name} is on air${next ? `, ${next.name} is ready` : ''}. ${calm(status)}`);
}

/** On a lower input, the way back is what comes next; what is bound is not safe by itself. */
function calm(status: SwitchStatus): string {
  const [next] = readyOthers(status);
  if (next && status.locked) return `Locked: ${next.name} does not take over.`;
  if (next && status.held) return `Held: should it fail, take ${next.name}.`;
  if (status.last_drill?.outcome === 'failed') return 'The last test of the backup failed: see below why.';
  const [main] = status.inputs;
  if (!main || main.name === status.active) return 'Nothing to do.';
  const { to, may } = returnWords(status);
  if (to !== null && status.return === 'auto') return `It returns to ${to} by itself.`;
  return to !== null && may ? `Return to ${to} when it suits.` : main.ready ? 'Nothing to do.' : `Bring ${main.name} back.`;
}

function dark(status: SwitchStatus, now: number): [StateWord, string] {
  const [ready] = readyOthers(status);
  if (ready) return [WORDS.warning, `nothing is on air yet, and ${ready.name} is ready. Take it.`];
  if (status.inputs.every((input) => !input.connected)) return [WORDS.waiting, `no input is connected. Start the sender of ${status.inputs[0]?.name ?? 'an input'}.`];
  const soon = startingOf(status);
  if (soon) return [{ ...WORDS.connecting, word: 'Starting' }, `nothing is on air yet. ${soon.name}: ${lower(inputWords(soon, now).why)}. It goes on air by itself.`];
  return [WORDS.failed, `viewers see nothing: no input is ready. ${toDo(status, now)}`];
}

/** Nothing is on air, and this one only has to be well for a moment longer. */
export const startingOf = (status: SwitchStatus): SwitchInput | undefined => (status.active === null && !stuck(status) ? status.inputs.find(isSettlingDown) : undefined);

const stuck = (status: SwitchStatus): string => (status.locked ? 'the lock' : status.latched ? 'the latch' : status.held ? 'the hold' : '');

/** What is wrong with the first input that could help, and what to do about it. */
function toDo(status: SwitchStatus, now: number): string {
  const [first] = others(status).length > 0 ? others(status) : status.inputs;
  if (!first) return 'Add an input.';
  const { why, advice } = inputWords(first, now);
  return `${first.name}: ${lower(why)}. ${advice || (isSettlingDown(first) ? 'Wait a moment.' : '')}`.trim();
}

/** What becomes of the program should the input on air fail now; the server says which one is next. */
function ifItFails(status: SwitchStatus): string {
  const active = inputOf(status, status.active);
  if (!active || status.drill) return '';
  // Twins stay known as such while one of them is gone: only one that is well goes on.
  const twin = readyOthers(status).find((one) => one.name === active.twin_of || one.twin_of === active.name);
  if (twin) return `if it fails, its twin ${twin.name} goes on`;
  if (status.preview !== null && !stuck(status)) return `if it fails, ${status.preview} takes over`;
  // Out of the dark a latch lets an input go on air that has been well for long enough.
  if (status.latched && !status.locked && !status.held) return status.slate.state === 'ready' ? 'if it fails, viewers see the slate first' : '';
  return status.slate.state === 'ready' ? 'if it fails, viewers see the slate' : 'if it fails, viewers see nothing';
}

function evidence(status: SwitchStatus): string {
  const ready = readyOthers(status).length;
  return capital([
    ifItFails(status),
    others(status).length > 0 && `${ready} of ${plural(others(status).length, 'standby', 'standbys')} ready`,
    status.switches === 0 ? 'no switch yet' : `${plural(status.switches, 'switch', 'switches')}, ${status.automatic_switches} by itself`,
    status.averted > 0 && `${plural(status.averted, 'stall')} healed without one`,
    status.late_packets ? `${count(status.late_packets)} ${status.late_packets === 1 ? 'packet' : 'packets'} of twins came too late` : '',
    status.return === 'auto' ? 'returns by itself' : 'returns by hand',
  ].filter(Boolean).join(', '));
}

export interface Notice {
  code: 'locked' | 'latched' | 'held';
  icon: IconName;
  word: string;
  text: string;
  tone: 'fault' | 'solid' | 'plain';
}

/** What holds the switch, the worst first. */
export function notices(status: SwitchStatus): Notice[] {
  const found: (Notice | false)[] = [
    status.latched && { code: 'latched', icon: 'fault', word: 'Latched', tone: 'fault', text: 'It switched by itself three times in five minutes and stays where it is now. Find the cause. A take or a return lets it go on.' },
    status.locked && { code: 'locked', icon: 'lock', word: 'Locked', tone: 'solid', text: 'Nothing moves the program: no take, and no failure either. Only darkness brings the slate.' },
    status.held && { code: 'held', icon: 'hold', word: 'Held', tone: 'plain', text: 'Nothing switches by itself. A take still works.' },
  ];
  return found.filter((one): one is Notice => one !== false);
}

/** The way back to the first input that is ready: `to` is null when there is none to offer. */
export function returnWords(status: SwitchStatus): { to: string | null; may: boolean; text: string } {
  const main = status.inputs.find((input) => input.ready || input.name === status.active);
  if (!main || main.name === status.active) return { to: null, may: false, text: '' };
  if (status.locked) return { to: main.name, may: false, text: 'Locked.' };
  if (status.next_return_in_ms !== null) return { to: main.name, may: true, text: `By itself in ${Math.ceil(status.next_return_in_ms / 1000)} s.` };
  return { to: main.name, may: true, text: status.return === 'auto' ? 'By itself after a clean time.' : '' };
}

/** What must be seen of a program wherever it is listed, the worst first. Null when all is well. */
export function programReason(status: SwitchStatus): (Reason & { worst: boolean }) | null {
  if (onSlate(status)) return { code: 'slate_on_air', text: 'Slate on air', since: null, advice: slateByHand(status) ? 'Somebody took it.' : 'No input delivers.', worst: !slateByHand(status) };
  if (status.drill) return { code: 'drill', text: 'Drill on air', since: null, advice: `${status.drill.input} is cut. Wait until it is over, or end it.`, worst: false };
  if (status.latched) return { code: 'latched', text: 'Latched', since: null, advice: 'It switched by itself too often. Find the cause, then take or return.', worst: false };
  const reason = lacksBackup(status) ?? lacksSlate(status);
  return reason && { ...reason, worst: false };
}

function lacksSlate({ slate }: SwitchStatus): Reason | null {
  return slate.state === 'failed' ? { code: 'slate_failed', text: 'No slate', since: null, advice: slate.reason } : null;
}

/** Null when a backup is ready, or none was wanted. */
function lacksBackup(status: SwitchStatus): Reason | null {
  const [first] = others(status);
  if (!first || !inputOf(status, status.active) || readyOthers(status).length > 0) return null;
  const { text, advice } = first.reasons[0] ?? { text: first.connected ? 'Not ready yet' : 'Nobody connected', advice: null };
  return { code: 'no_backup_ready', text: 'No backup ready', since: null, advice: inWords(`${first.name}: ${lower(text)}`, advice) };
}
