/** Where a stream breaks what its platform takes: the server compares what was measured. */
import type { OutputView } from '../api/types';
import { inWords } from './sentence';

export interface LimitWarning {
  about: string;
  text: string;
  advice: string;
}

export function overLimits(output: OutputView): LimitWarning[] {
  const own = output.detail?.[output.kind] as { warnings?: unknown } | undefined;
  return Array.isArray(own?.warnings) ? (own.warnings as LimitWarning[]) : [];
}

export const limitWords = (warning: LimitWarning): string => inWords(warning.text, warning.advice);

/** Fails, or calls again: unlike one that delivers more than its platform likes. */
export const isStuck = (output: OutputView): boolean => output.state === 'failed' || output.error !== null || output.state === 'reconnecting';
