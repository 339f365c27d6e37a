/** The numbers of a row and which of them are wrong. A coloured number is a wrong number. */
import type { SourceView } from '../api/types';
import { bitrate, channels, milliseconds, percent, sampleRate, type Quantity } from './format';
import { ownFigures } from './own';
import { mediaArrives } from './words';

export type NumberTone = '' | 'warn' | 'fault';

export interface Figure {
  shown: Quantity | null;
  tone: NumberTone;
}

export interface Figures {
  bitrate: Figure;
  rtt: Figure;
  loss: Figure;
  /** Null where the protocol has no buffer, or nobody is connected. */
  buffer: { ms: number; latencyMs: number; tone: NumberTone } | null;
}

/** Loss from here on is worth a colour, in percent over ten seconds. */
export const LOSS_WARNING_PERCENT = 1;
/** A buffer below this share of the latency is nearly empty. */
export const BUFFER_WARNING_SHARE = 0.25;

const NOTHING: Figures = {
  bitrate: { shown: null, tone: '' },
  rtt: { shown: null, tone: '' },
  loss: { shown: null, tone: '' },
  buffer: null,
};

/** `old` is true when the values are older than two seconds: then none is shown. */
export function figures(source: SourceView, old: boolean): Figures {
  if (old || source.connection !== 'connected') return NOTHING;
  const has = (...codes: string[]) => source.reasons.some((reason) => codes.includes(reason.code));
  const own = ownFigures(source);
  const loss = own.loss_percent;
  return {
    bitrate: { shown: bitrate(source.bitrate_bps), tone: source.bitrate_bps === 0 ? 'fault' : has('bitrate_low') ? 'warn' : '' },
    rtt: { shown: milliseconds(own.rtt_ms), tone: has('latency_too_low') ? 'warn' : '' },
    loss: { shown: percent(loss), tone: (loss ?? 0) >= LOSS_WARNING_PERCENT ? 'warn' : '' },
    buffer: bufferOf(source),
  };
}

function bufferOf({ srt }: SourceView): Figures['buffer'] {
  const [ms, latencyMs] = [srt?.receive_buffer_ms, srt?.latency_ms];
  if (ms === null || ms === undefined || !latencyMs) return null;
  const tone = ms <= 0 ? 'fault' : ms < latencyMs * BUFFER_WARNING_SHARE ? 'warn' : '';
  return { ms, latencyMs, tone };
}

export interface AudioCell {
  text: string;
  detail: string;
  tone: NumberTone;
}

/** Sound in two words. No track is said, not left blank. */
export function audioCell(source: SourceView): AudioCell | null {
  const { media } = source;
  if (!media || !mediaArrives(source)) return null;
  const first = media.audio[0];
  const wanted = Boolean(source.expect?.audio) || source.reasons.some((reason) => reason.code === 'no_sound');
  if (!first) return { text: 'No sound', detail: '', tone: wanted ? 'fault' : '' };
  const silent = source.reasons.find((reason) => reason.code === 'silent');
  if (silent) return { text: 'Silent', detail: channels(first.channels), tone: 'warn' };
  const more = media.audio.length > 1 ? ` +${media.audio.length - 1}` : '';
  return { text: channels(first.channels) + more, detail: sampleRate(first.sample_rate), tone: '' };
}
