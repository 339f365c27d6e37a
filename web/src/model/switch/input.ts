/** One input of a switch in words: its state, why, what to do, and the figures that tell how a switch to it would go. */
import type { Reason, SwitchInput } from '../../api/types';
import { clock, codec, duration } from '../format';
import { capital, inWords } from '../sentence';
import { WORDS, type StateWord } from '../words';

export interface InputWords {
  state: StateWord;
  /** Replaces the state's own word. */
  label?: string;
  /** Why, in one line; empty when there is nothing to say. */
  why: string;
  /** What to do about it. */
  advice: string;
}

/** It has been good for a while, but not for long enough: then it is neither ready nor wrong. */
export function inputWords(input: SwitchInput, now: number): InputWords {
  const [first] = input.reasons;
  const why = first ? reasonsOf(input, now) : '';
  const advice = first ? adviceOf(first) : '';
  // Cut on purpose: it is well, and let in again by itself.
  if (first?.code === 'drill') return { state: WORDS.warning, label: 'Cut by a drill', why: lasting(first, now).replace(/^ for /, 'For '), advice: '' };
  if (!input.connected) return { state: input.on_air ? WORDS.failed : WORDS.waiting, why: `Nobody connected${lasting(first, now)}`, advice: advice || 'Start its sender.' };
  if (input.ready && !first) return { state: input.on_air ? WORDS.live : WORDS.ready, why: cleanFor(input), advice: '' };
  if (input.ready) return { state: WORDS.warning, why, advice };
  if (first?.code === 'format') return { state: WORDS.warning, label: 'Refused', why: mismatch(first.text), advice: 'Set its encoder like that of the program, or allow it with Edit.' };
  if (first && isCovered(input, first)) return { state: WORDS.warning, why, advice };
  if (first && !isSettling(input, first)) return { state: first.severity === 'alarm' ? WORDS.warning : WORDS.failed, why, advice };
  if (input.on_air) return { state: WORDS.live, why: cleanFor(input), advice: '' };
  return { state: WORDS.connecting, label: 'Not ready yet', why: settling(first) || why || cleanFor(input) || 'Being watched', advice: '' };
}

/** It will be ready by itself, if it stays as it is. */
export const isSettlingDown = ({ ready, connected, reasons }: SwitchInput): boolean => !ready && connected && reasons[0]?.code === 'settling';

/** Nothing is wrong; it only has not been right for long enough. On air a key frame must have been there. */
const isSettling = ({ on_air }: SwitchInput, { code }: Reason): boolean => code === 'settling' || (code === 'no_key_frame' && !on_air);

/** "format differs: h264 1280x720 30 · aac mono instead of h264 1920x1080 50 · aac stereo" */
function mismatch(text: string): string {
  const found = /^format differs: (.*) instead of (.*)$/.exec(text);
  return found?.[1] ? `Another format: ${formatWords(found[1])}` : phrase(text);
}

/** Nothing came for a moment, and what is held for the latency is still being played: viewers notice nothing yet. */
function isCovered({ latency_ms }: SwitchInput, { code, text }: Reason): boolean {
  const silent = /(\d+) ms/.exec(text);
  return code === 'no_packets' && silent !== null && Number(silent[1]) < (latency_ms ?? 0);
}

/** "well for 1200 ms, 3000 ms are asked for" */
function settling(reason: Reason | undefined): string {
  const found = /(\d+) ms\D+(\d+) ms/.exec(reason?.text ?? '');
  return found ? `Good for ${seconds(Number(found[1]))} of ${seconds(Number(found[2]))}` : '';
}

/** Advice that begins with the trouble itself does not say it twice. */
function adviceOf({ text, advice }: Reason): string {
  const [first = '', ...rest] = (advice ?? '').split(/(?<=\.) /);
  const begins = (text.split(' ')[0] ?? '').toLowerCase();
  const repeats = rest.length > 0 && begins !== '' && first.toLowerCase().startsWith(begins);
  return advice ? inWords(repeats ? rest.join(' ') : advice, null) : '';
}

function lasting(reason: Reason | undefined, now: number): string {
  const since = Date.parse(reason?.since ?? '');
  return Number.isFinite(since) && now - since >= 1000 ? ` for ${duration(now - since)}` : '';
}

function reasonsOf({ reasons }: SwitchInput, now: number): string {
  const [first] = reasons;
  const text = phrase(first?.text ?? '');
  const lasts = / for /.test(text) ? '' : lasting(first, now);
  return `${text}${lasts}`;
}

/** A reason as it begins a line. */
const phrase = (text: string): string => capital(inSeconds(text.replace(/\.$/, '')));

/** Long times: "for 12 s", not "for 12300 ms". */
export const inSeconds = (text: string): string => text.replace(/\b(\d{4,}) ms\b/g, (_, ms: string) => (Number(ms) < 60_000 ? seconds(Number(ms)) : duration(Number(ms))));

/** ", +1": what else is wrong, where there is room for all of it on asking. */
export const moreReasons = ({ reasons, connected }: SwitchInput): string => (connected && reasons.length > 1 ? `, +${reasons.length - 1}` : '');

/** The names of all that is wrong, for whoever looks closer. */
export const allReasons = ({ reasons }: SwitchInput): string =>
  reasons.map(({ text, since, advice }) => inWords(`${phrase(text)}${Number.isFinite(Date.parse(since ?? '')) ? ` since ${clock(Date.parse(since ?? ''))}` : ''}`, advice)).join('\n');

const cleanFor = ({ clean_for_ms }: SwitchInput): string => (clean_for_ms === null ? '' : `Clean for ${duration(clean_for_ms)}`);

/** "0.4 s": tenths as long as they matter. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;

/** A key frame that is older than two groups of pictures, and a group that makes a take wait long, are wrong numbers. */
export function keyFrames(input: SwitchInput): { text: string; warn: boolean } | null {
  const { key_frame_age_ms: age, gop_ms: gop } = input;
  if (!input.connected) return null;
  if (age === null) return { text: 'none yet', warn: true };
  const late = gop !== null && age > 2 * gop + 500;
  if (gop === null) return { text: `${seconds(age)} ago`, warn: false };
  return { text: late ? `${seconds(age)} ago, of ${seconds(gop)}` : `every ${seconds(gop)}`, warn: late || gop > LONG_GOP_MS };
}

/** From here on a take by hand waits longer than anybody likes. */
const LONG_GOP_MS = 4000;

/** "h264 1920x1080 50 · aac stereo" as "H.264 1920×1080 50 · AAC stereo". */
export function formatWords(format: string | null): string {
  return (format ?? '').split(' · ').map(track).filter(Boolean).join(' · ');
}

function track(text: string): string {
  const [first = '', ...rest] = text.trim().split(' ');
  return [first && codec(first), ...rest].join(' ').replace(/(\d)x(\d)/g, '$1×$2');
}
