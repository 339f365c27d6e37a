/** The state vocabulary: one word and one icon for every state, the same on every screen. */
import type { OutputView, SourceView } from '../api/types';
import { kindName } from './kinds';
import { overLimits } from './limits';

export type Tone = 'ok' | 'warn' | 'fault' | 'rec' | 'idle';
export type IconName =
  | 'live' | 'ready' | 'wait' | 'conn' | 'warn' | 'fault' | 'idle' | 'rec' | 'air'
  | 'search' | 'x' | 'play' | 'picture' | 'routes' | 'port' | 'callers' | 'bell' | 'sound' | 'muted' | 'plus'
  | 'lock' | 'unlock' | 'hold' | 'up' | 'down';

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
  if (output.delivering && overLimits(output).length > 0) return 'warning';
  if (output.delivering) return output.kind === 'record' ? 'recording' : 'live';
  if (output.state === 'connecting') return 'connecting';
  return 'waiting';
}

const SRT_WAYS: Record<string, string> = { listener: 'SRT listener', caller: 'SRT caller', rendezvous: 'SRT rendezvous', port: 'SRT, own port' };
const SOURCES: Record<string, string> = { rtsp: 'RTSP camera', hls: 'HLS pull' };
const OUTPUTS: Record<string, string> = { rtsp: 'RTSP server', record: 'Recording, TS' };

const srtWay = (view: { kind: string }, way: string | null): string | undefined => (view.kind === 'srt' ? SRT_WAYS[way ?? ''] : undefined);

export const sourceKind = (source: SourceView): string => srtWay(source, modeOf(source)) ?? SOURCES[source.kind] ?? switchKind(source) ?? secured(source) ?? kindName(source.kind);

const switchKind = ({ kind, config }: SourceView): string | undefined =>
  kind === 'switch' ? `Switch, returns ${(config.switch as Record<string, unknown> | undefined)?.return === 'auto' ? 'by itself' : 'by hand'}` : undefined;

/** `platforms`: their names, by what settings call them. */
export function outputKind(output: OutputView, platforms: { id: string; name: string }[] = []): string {
  const settings = output.config[output.kind] as Record<string, unknown> | undefined;
  const own = (settings?.push ?? settings) as Record<string, unknown> | undefined;
  const id = own?.platform;
  const platform = platforms.find((one) => one.id === id)?.name ?? (typeof id === 'string' ? id : undefined);
  const kind = srtWay(output, modeOf(output)) ?? (output.kind === 'hls' && !isPlayable(output) ? 'HLS upload' : undefined) ?? OUTPUTS[output.kind] ?? secured(output) ?? kindName(output.kind);
  return platform ? `${kind}, ${platform}${own?.backup === true ? ' backup' : ''}` : kind;
}

/** RTMP over TLS has a name of its own. */
function secured({ kind, config, detail }: { kind: string; config: Record<string, unknown>; detail?: Record<string, unknown> | null }): string | undefined {
  const own = (detail?.[kind] ?? {}) as Record<string, unknown>;
  const url = (config[kind] as Record<string, unknown> | undefined)?.url ?? own.to;
  return kind === 'rtmp' && (own.tls || String(url ?? '').startsWith('rtmps:')) ? 'RTMPS' : undefined;
}

/** Whether Tidegate calls: in a rendezvous it does, too. */
export const calls = ({ mode }: { mode?: string | null }): boolean => mode === 'caller' || mode === 'rendezvous';

/** Whether a browser can watch it here: HLS that is not sent elsewhere. */
export const isPlayable = (output: OutputView): boolean => output.kind === 'hls' && !(output.config.hls as Record<string, unknown> | undefined)?.push;

/** Whether readers come to it. */
export const isShared = (output: OutputView): boolean => isPlayable(output) || output.kind === 'rtsp' || (output.kind === 'srt' && !calls(output));

/** Who calls whom, read from the settings where the view does not say it all. */
function modeOf(view: { kind: string; mode?: string | null; config: Record<string, unknown> }): string | null {
  if (view.kind !== 'srt') return view.mode ?? null;
  const srt = view.config.srt as Record<string, unknown> | undefined;
  if (srt?.bind !== undefined || srt?.port !== undefined) return 'port';
  return view.mode ?? (srt?.call ? 'caller' : 'listener');
}
