/** What this screen shows just now: place, filter, selection, open panel, toast. */
import type { Config } from '../api/types';
import { href, parseRoute, type Route } from '../model/router';
import type { GroupName } from '../model/group';

export type Panel =
  | { form: 'source'; base: Config | null }
  | { form: 'output'; base: Config | null; source: string }
  | { form: 'listener'; base: Config | null }
  | { form: 'ban'; address: string; reason: string };

const TOAST_MS = 6000;

class View {
  route = $state.raw<Route>(parseRoute(location.hash));
  filter = $state('');
  tab = $state<GroupName | 'all'>('all');
  selected = $state<string | null>(null);
  panel = $state.raw<Panel | null>(null);
  help = $state(false);
  toast = $state<string | null>(null);
  #toastTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    addEventListener('hashchange', () => {
      this.route = parseRoute(location.hash);
      this.panel = null;
      scrollTo(0, 0);
    });
  }

  go(route: Route): void {
    location.hash = href(route);
  }

  say(text: string): void {
    clearTimeout(this.#toastTimer);
    this.toast = text;
    this.#toastTimer = setTimeout(() => (this.toast = null), TOAST_MS);
  }
}

export const view = new View();
