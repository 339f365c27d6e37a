/** The one sentence at the top of a source: what is the matter and what to do, with the evidence beneath. */
import { inWords } from './sentence';
import type { OutputView, Rejection, SourceView } from '../api/types';
import { audioFormat, bitrate, clock, codec, milliseconds, percent, pictureFormat, plural, words, type Quantity } from './format';
import { beginning, type Beginning } from './kinds';
import { isStuck, overLimits } from './limits';
import { ownFigures } from './own';
import { missingPaths } from './paths';
import { howOften, rejectionWord } from './rejection';
import { switchOf } from './switch/status';
import { switchVerdict } from './switch/verdict';
import { delivering, reasonText, recentRejection } from './reasons';
import { calls, sourceState, WORDS, type StateWord } from './words';

export interface Verdict {
  state: StateWord;
  sentence: string;
  evidence: string;
}

export function verdict(source: SourceView, outputs: OutputView[], rejections: Rejection[], now: number): Verdict {
  const program = switchOf(source);
  if (program && !source.error) return withOutputs(switchVerdict(program, now), outputs);
  const state = sourceState(source);
  const make = (sentence: string, evidence: string): Verdict => ({ state: WORDS[state], sentence, evidence });
  switch (state) {
    case 'live':
    case 'recording':
      return make(good(source, outputs), evidence(source, outputs));
    case 'ready':
      return make(ready(source, outputs), evidence(source, outputs));
    case 'waiting':
      return make(...waiting(source, rejections, now));
    case 'connecting':
      return make(beginning(source) === 'calling' ? 'the call is in progress. Check that the far side listens, if it takes long.' : 'it is starting.', source.connection_reason ?? '');
    case 'idle':
      return make('off on purpose. Switch it on to use it.', '');
    default:
      return make(trouble(source, now), evidence(source, outputs));
  }
}

/** A program that is fine is not delivered by an output that is not. */
function withOutputs(found: Verdict, outputs: OutputView[]): Verdict {
  const stuck = outputs.filter(isStuck);
  if (stuck.length === 0) return found;
  const said = `${names(stuck)} ${stuck.length === 1 ? 'does' : 'do'} not deliver`;
  if (found.state !== WORDS.live) return { ...found, evidence: `${said}, ${found.evidence}` };
  return { state: WORDS.warning, sentence: `${found.sentence.split('. ')[0]}, but ${said}. Check below.`, evidence: found.evidence };
}

function good(source: SourceView, outputs: OutputView[]): string {
  const stuck = outputs.filter(isStuck);
  if (stuck.length > 0) return `media arrives, but ${names(stuck)} ${stuck.length === 1 ? 'does' : 'do'} not deliver. Check below.`;
  return `${arriving(source)}. Nothing to do.`;
}

function ready(source: SourceView, outputs: OutputView[]): string {
  const next = outputs.length === 0 ? 'Add an output to use it.' : 'No output delivers it yet: connect a reader, or check the outputs below.';
  return `${arriving(source)}. ${next}`;
}

function arriving(source: SourceView): string {
  const video = source.media?.video;
  const audio = source.media?.audio ?? [];
  const picture = video ? [pictureFormat(video), codec(video.codec)].filter(Boolean).join(' ') : null;
  const sound = audio[0] ? audioFormat(audio[0]) : null;
  if (picture && sound) return `${picture} and ${sound} arrive`;
  return picture || sound ? `${picture ?? sound} arrives, without ${picture ? 'sound' : 'a picture'}` : 'no picture and no sound arrive';
}

function waiting(source: SourceView, rejections: Rejection[], now: number): [string, string] {
  const latest = recentRejection(source, rejections, now);
  if (latest) {
    const often = howOften(latest);
    const what = `a sender was rejected: ${rejectionWord(latest.reason)}${often ? `, ${often}` : ''}`;
    return [inWords(what, latest.advice ?? 'Send the settings again.'), `From ${latest.peer} at ${clock(Date.parse(latest.at))}.`];
  }
  const advice = source.reasons[0]?.advice;
  return [NOBODY[beginning(source)], advice ?? source.connection_reason ?? ''];
}

const NOBODY: Record<Beginning, string> = {
  called: 'nobody is connected. Give the sender its settings.',
  calling: 'the far side has not answered. Check its address and port.',
  sent: 'nothing arrives. Check where the sender sends to, and the network interface.',
  local: 'it does not run.',
};

function trouble(source: SourceView, now: number): string {
  const first = source.reasons[0];
  if (!first) return withoutReason(source);
  const what = reasonText(first, now);
  // Calling again by itself is no advice; why the call fails is.
  const calling = first.code === 'reconnecting' && calls(source) ? source.last_error : null;
  const advice = calling ?? first.advice ?? 'Check the sender and the network.';
  // Advice that names the trouble itself is not said twice.
  const repeats = advice.toLowerCase().startsWith(`${what.toLowerCase().split(' ')[0]} `);
  return lower(repeats ? inWords(advice, null) : inWords(what, advice));
}

function withoutReason({ error, last_error, connection_reason }: SourceView): string {
  if (error) return lower(inWords(error.message, error.advice));
  return lower(inWords(last_error ?? connection_reason ?? 'no media arrives', last_error ? null : 'Check the sender.'));
}

function evidence(source: SourceView, outputs: OutputView[]): string {
  const connected = source.connection === 'connected';
  const own = connected ? ownFigures(source) : null;
  const serving = outputs.filter((output) => output.delivering).length;
  const others = source.reasons.slice(1).map((reason) => reason.text);
  const over = outputs.filter((output) => overLimits(output).length > 0);
  const facts = [
    ...others,
    connected && missingPaths(source),
    connected && `${words(bitrate(source.bitrate_bps))} arriving`,
    fact('RTT', milliseconds(own?.rtt_ms)),
    fact('loss', percent(own?.loss_percent)),
    fact('latency', milliseconds(own?.latency_ms)),
    own?.lost ? `${plural(own.lost, 'packet')} lost for good` : null,
    outputs.length > 0 && delivering(serving, outputs.length),
    over.length > 0 && `${names(over)} over the platform’s limits`,
  ];
  return facts.filter(Boolean).join(', ');
}

const fact = (name: string, quantity: Quantity | null): string | null => (quantity ? `${name} ${words(quantity)}` : null);
const names = (outputs: OutputView[]): string => outputs.map((output) => output.name).join(', ');
/** After "Failed:" a word goes on in lower case, an abbreviation stays as it is. */
const lower = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);
