/** Who is banned, read again whenever something is journalled. */
import { createBan, liftBan, readBans } from '../api/resources';
import type { Ban, NewBan } from '../api/types';
import { standing } from '../model/ban';
import { clock } from './clock.svelte';

const SETTLE_MS = 300;

class Bans {
  failed = $state<string | null>(null);
  #list = $state.raw<Ban[]>([]);
  #pending: ReturnType<typeof setTimeout> | undefined;
  /** One that is over is not shown, even before the server says so. */
  readonly list = $derived(standing(this.#list, clock.now));

  refreshSoon(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined;
      void this.refresh();
    }, SETTLE_MS);
  }

  async refresh(): Promise<void> {
    try {
      this.#list = await readBans();
      this.failed = null;
    } catch (problem) {
      this.failed = (problem as Error).message;
    }
  }

  async add(ban: NewBan): Promise<Ban> {
    const made = await createBan(ban);
    await this.refresh();
    return made;
  }

  async lift(ban: Ban): Promise<void> {
    await liftBan(ban.id);
    await this.refresh();
  }
}

export const bans = new Bans();
