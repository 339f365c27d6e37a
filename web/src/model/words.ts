/** The state vocabulary: one word and one icon for every state, the same on every screen. */
import type { OutputView, SourceView } from '../api/types';

export type Tone = 'ok' | 'warn' | 'fault' | 'rec' | 'idle';
export type IconName =
  | 'live' | 'ready' | 'wait' | 'conn' | 'warn' | 'fault' | 'idle' | 'rec' | 'air'
  | 'search' | 'x' | 'play' | 'picture' | 'routes' | 'port' | 'callers' | 'bell' | 'sound' | 'muted' | 'plus';

export interface StateWord {
  word: string;
  icon: IconName;
  tone: Tone;
}

export const WORDS = {
  live: { word: 'Live', icon: 'live', tone: 'ok' },
  ready: { word: 'Ready', icon: 'ready', tone: 'ok' },
  waiting: { word: 'Waiting', icon: 'wait', tone: 'idle' },
  connecting: { word: 'Connecting', icon: 'conn', tone: 'idle' },
  warning: { word: 'Warning', icon: 'warn', tone: 'warn' },
  failed: { word: 'Failed', icon: 'fault', tone: 'fault' },
  idle: { word: 'Idle', icon: 'idle', tone: 'idle' },
  recording: { word: 'Recording', icon: 'rec', tone: 'rec' },
} as const satisfies Record<string, StateWord>;

export type StateName = keyof typeof WORDS;

/** Media older than this is not live, whatever else is claimed. */
export const STALE_MS = 2000;

/**
 * The state a source is shown in. Green is earned: the server's word is believed only as far as
 * its own figures bear it out, so a socket that is open without media is never Live or Ready.
 */
export function sourceState(source: SourceView): StateName {
  const claimed: StateName = source.state in WORDS ? source.state : 'warning';
  if (claimed !== 'live' && claimed !== 'ready') return claimed;
  if (source.health === 'error') return 'failed';
  if (source.health !== 'ok' || !mediaArrives(source)) return 'warning';
  return claimed;
}

export function mediaArrives(source: SourceView): boolean {
  return source.connection === 'connected' && source.media !== null && source.last_packet_age_ms !== null && source.last_packet_age_ms <= STALE_MS;
}

/** An output's state, in the same words. Bytes on a disk are Recording, not Live. */
export function outputState(output: OutputView): StateName {
  if (output.state === 'failed' || output.error) return 'failed';
  if (output.state === 'reconnecting') return 'warning';
  if (output.state === 'stopped') return 'idle';
  if (output.delivering) return output.kind === 'record' ? 'recording' : 'live';
  if (output.state === 'connecting') return 'connecting';
  return 'waiting';
}

const SOURCE_KINDS: Record<string, string> = {
  'srt listener': 'SRT listener', 'srt caller': 'SRT caller', 'srt rendezvous': 'SRT rendezvous', 'srt port': 'SRT, own port', udp: 'UDP',
};
const OUTPUT_KINDS: Record<string, string> = {
  'srt listener': 'SRT listener', 'srt caller': 'SRT caller', 'srt rendezvous': 'SRT rendezvous', 'srt port': 'SRT, own port', udp: 'UDP', hls: 'HLS', record: 'Recording, TS',
};

const named = (names: Record<string, string>, kind: string, mode: string | null | undefined): string =>
  names[[kind, mode].filter(Boolean).join(' ')] ?? names[kind] ?? kind.toUpperCase();

export const sourceKind = (source: SourceView): string => named(SOURCE_KINDS, source.kind, modeOf(source));
export const outputKind = (output: OutputView): string => named(OUTPUT_KINDS, output.kind, modeOf(output));

/** Whether Tidegate calls: in a rendezvous it does, too. */
export const calls = ({ mode }: { mode?: string | null }): boolean => mode === 'caller' || mode === 'rendezvous';

/** Who calls whom, read from the settings where the view does not say it all. */
function modeOf(view: { kind: string; mode?: string | null; config: Record<string, unknown> }): string | null {
  if (view.kind !== 'srt') return view.mode ?? null;
  const srt = view.config.srt as Record<string, unknown> | undefined;
  if (srt?.bind !== undefined || srt?.port !== undefined) return 'port';
  return view.mode ?? (srt?.call ? 'caller' : 'listener');
}
