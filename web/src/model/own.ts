/** The few numbers that any transport may have, wherever its adapter puts them. */
import type { Settings, SourceView } from '../api/types';

export interface OwnFigures {
  rtt_ms: number | null;
  loss_percent: number | null;
  latency_ms: number | null;
  jitter_ms: number | null;
  /** Packets that never came. */
  lost: number | null;
}

/** What an adapter other than SRT's says of itself: `detail.rtp` of an RTP source. */
export function detailOf(view: { kind: string; detail?: Settings | null }): Settings {
  const own = view.detail?.[view.kind];
  return isObject(own) ? own : {};
}

export function ownFigures(source: SourceView): OwnFigures {
  const { srt } = source;
  if (srt) return { rtt_ms: number(srt.rtt_ms), loss_percent: number(srt.loss_percent), latency_ms: number(srt.latency_ms), jitter_ms: number(srt.jitter_ms), lost: number(srt.packets_dropped) };
  const own = detailOf(source);
  return {
    rtt_ms: number(own.rtt_ms ?? own.round_trip_ms), loss_percent: number(own.loss_percent), latency_ms: number(own.latency_ms),
    jitter_ms: number(own.jitter_ms), lost: number(own.unrecovered),
  };
}

export const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
export const isObject = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);
