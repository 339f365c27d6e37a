/** Rejected callers, read again whenever the stream reports one. */
import { readRejections } from '../api/resources';
import type { Rejection } from '../api/types';

const SETTLE_MS = 300;

class Rejections {
  list = $state.raw<Rejection[]>([]);
  failed = $state<string | null>(null);
  #pending: ReturnType<typeof setTimeout> | undefined;

  /** Many rejections in a burst cause one reading. */
  refreshSoon(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined;
      void this.refresh();
    }, SETTLE_MS);
  }

  async refresh(): Promise<void> {
    try {
      this.list = await readRejections();
      this.failed = null;
    } catch (problem) {
      this.failed = (problem as Error).message;
    }
  }
}

export const rejections = new Rejections();
