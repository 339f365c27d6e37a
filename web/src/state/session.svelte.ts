/** Who is logged in. Nothing else is shown before this is known. */
import { closeSession, openSession, readSession, readSystem } from '../api/resources';
import type { SystemView } from '../api/types';
import { live } from './live.svelte';
import { rejections } from './rejections.svelte';
import { schemas } from './schema.svelte';

class Session {
  state = $state<'unknown' | 'out' | 'in'>('unknown');
  system = $state.raw<SystemView>({});
  /** Why the login form is shown again, if it was not asked for. */
  note = $state('');

  async resume(): Promise<void> {
    try {
      await readSession();
      this.#enter();
    } catch {
      this.state = 'out';
    }
  }

  async login(password: string): Promise<void> {
    await openSession('admin', password);
    this.#enter();
  }

  async logout(): Promise<void> {
    await closeSession().catch(() => undefined);
    this.#leave('');
  }

  #enter(): void {
    this.note = '';
    this.state = 'in';
    live.start(() => this.#leave('The session has ended. Log in again.'));
    void rejections.refresh();
    void schemas.read();
    readSystem().then((system) => (this.system = system), () => undefined);
  }

  #leave(note: string): void {
    live.stop();
    this.note = note;
    this.state = 'out';
  }
}

export const session = new Session();
