/** What the server's settings look like. It does not change while the server runs, so it is read once. */
import { readApi, readPlatforms } from '../api/resources';
import type { Platform } from '../model/platforms';
import { kindsOf, type Api, type KindModel } from '../model/schema';

class Schemas {
  #api = $state.raw<Api | null>(null);
  platforms = $state.raw<Platform[]>([]);
  /** Both answers came, or will not come. */
  ready = $state(false);
  #asked: Promise<void> | null = null;

  readonly sources: KindModel[] = $derived(kindsOf(this.#api, 'SourceConfig'));
  readonly outputs: KindModel[] = $derived(kindsOf(this.#api, 'OutputConfig'));
  readonly listeners: KindModel[] = $derived(kindsOf(this.#api, 'ListenerConfig'));

  /** Forms do without what cannot be read; the next one asks again. */
  read(): Promise<void> {
    this.#asked ??= this.#read().finally(() => {
      this.ready = true;
      if (this.#api === null) this.#asked = null;
    });
    return this.#asked;
  }

  async #read(): Promise<void> {
    const [api, platforms] = await Promise.allSettled([readApi(), readPlatforms()]);
    if (api.status === 'fulfilled') this.#api = api.value;
    if (platforms.status === 'fulfilled') this.platforms = platforms.value;
  }
}

export const schemas = new Schemas();
