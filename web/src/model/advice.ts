/** What the latency adviser says of a source, as the screen writes it. */
import type { SrtFigures } from '../api/types';
import { milliseconds, words } from './format';

export interface AdviceLines {
  /** "120 ms, advised 220 ms" */
  headline: string;
  /** The latency in force is not enough. */
  short: boolean;
  /** The figures behind it. */
  why: string[];
}

/** Null where there is nothing to advise: another protocol, an older server, no connection. */
export function adviceLines(srt: SrtFigures | null): AdviceLines | null {
  const advice = srt?.advice;
  if (!srt || !advice) return null;
  const now = words(milliseconds(srt.latency_ms));
  if (advice.latency_ms === null) return { headline: `${now}, nothing advised yet`, short: false, why: advice.why };
  const advised = words(milliseconds(advice.latency_ms));
  const headline = advice.enough_now ? `${now} is enough; ${advised} would do` : `${now}, advised ${advised}`;
  const overhead = advice.overhead_percent === null ? [] : [`Leave ${advice.overhead_percent} % of the bitrate for repetitions`];
  // Nobody is told to lower what was just called enough.
  const lower = (advice.latency_ms ?? 0) < (srt.latency_ms ?? 0);
  return {
    headline: advice.enough_now && !lower ? `${now} is enough` : headline,
    short: advice.enough_now === false,
    why: [...advice.why, ...overhead],
  };
}
