/** What saving does to who is connected now, said before it is saved. */
import type { Config, OutputView, Settings, SourceView } from '../../api/types';
import { plural } from '../format';
import { beginning, type Beginning } from '../kinds';
import { switchOf } from '../switch/status';
import { same, settings } from './write';

const PASSPHRASES = ['passphrase', 'passphrases', 'users'];

/** Empty when nobody is disconnected. Expectations and the name of nothing else disturb a feed. */
export function sourceEffect(config: Config, base: Config, now: SourceView | undefined): string {
  if (!now || now.connection !== 'connected') return '';
  if (now.kind === 'switch') return switchEffect(config, base, now);
  const gone = disturbs(config, base) || locksOut(config, base, [now.srt?.passphrase_used]);
  if (!gone) return '';
  const calling = settings(base, 'srt').call !== undefined;
  return GONE[calling ? 'calling' : beginning({ kind: now.kind, mode: now.kind === 'srt' ? null : now.mode })];
}

/** It goes on under other settings, unless they take away what it shows, or what it is made of. */
function switchEffect(config: Config, base: Config, now: SourceView): string {
  const active = switchOf(now)?.active ?? null;
  const [own, before] = [settings(config, 'switch'), settings(base, 'switch')];
  if (active === null) return '';
  if (active !== 'slate' && Array.isArray(own.inputs) && !own.inputs.includes(active)) return `Saving takes ${active} off air: the program starts anew, and viewers see a break.`;
  return BEGINS_ANEW.some((key) => !same(own[key], before[key])) ? 'Saving starts the program anew; viewers see a break.' : '';
}

const BEGINS_ANEW = ['delay', 'merge', 'slate'];

const GONE: Record<Beginning, string> = {
  called: 'Saving disconnects the sender; it has to call again.',
  calling: 'Saving ends the call; it is placed again at once.',
  sent: 'Saving interrupts it for a moment.',
  local: 'Saving starts it anew.',
};

export function outputEffect(config: Config, base: Config, now: OutputView | undefined): string {
  if (!now?.delivering) return '';
  const readers = readersOf(now);
  const all = disturbs(config, base) || !same(config.source, base.source);
  if (now.mode !== 'listener' || readers.length === 0) return all ? `Saving interrupts ${now.name} for a moment.` : '';
  const number = all ? Math.max(now.readers ?? 0, 1) : readers.filter((used) => locksOut(config, base, [used])).length;
  return number > 0 ? `Saving disconnects ${plural(number, 'reader')}; ${number === 1 ? 'it has' : 'they have'} to call again.` : '';
}

/** By which passphrases the readers of an output came in; of up to the 50 that the server lists. */
export function readersOf(output: OutputView | undefined): (string | undefined)[] {
  const srt = output?.detail?.srt as Settings | undefined;
  const readers = Array.isArray(srt?.readers) ? (srt.readers as Settings[]) : [];
  return readers.map((reader) => (typeof reader.passphrase_used === 'string' ? reader.passphrase_used : undefined));
}

/** Whether anything but passphrases and expectations differs: then a listener lets everybody go. */
function disturbs(config: Config, base: Config): boolean {
  const own = (from: Config) => {
    const { expect: _expect, source: _source, ...rest } = from;
    const srt = { ...settings(from, 'srt') };
    if (srt.call === undefined) for (const key of PASSPHRASES) delete srt[key];
    return { ...rest, srt: sorted(srt) };
  };
  return !same(sorted(own(config)), sorted(own(base)));
}

const sorted = (from: Settings): Settings => Object.fromEntries(Object.entries(from).sort(([one], [other]) => (one < other ? -1 : 1)));

/** Whether who came in by these is not let in any more. */
const locksOut = (config: Config, base: Config, used: unknown[]): boolean =>
  hasOwn(config) !== hasOwn(base) || used.some((label) => typeof label === 'string' && !same(at(config, label), at(base, label)));

/** How many of those who came in by these are not let in any more. */
export const lockedOut = (config: Config, base: Config, used: unknown[]): number =>
  used.filter((label) => typeof label === 'string' && !same(at(config, label), at(base, label))).length;

/** Passphrases of its own put those of the listener, or none at all, out of force. */
const hasOwn = (config: Config): boolean => PASSPHRASES.some((key) => settings(config, 'srt')[key] !== undefined);

const at = (config: Config, label: string): unknown =>
  label.split('/').reduce<unknown>((value, step) => (value as Settings | undefined)?.[step], config.srt);
