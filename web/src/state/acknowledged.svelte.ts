/** Alarms acknowledged on this screen. They stay counted; they no longer fill the alarm line. */
import type { Alarm } from '../api/types';
import { keyOf } from '../model/alarms';

const STORE = 'tidegate.acknowledged';
const LIMIT = 500;

class Acknowledged {
  keys = $state.raw<ReadonlySet<string>>(new Set(read()));

  add(alarm: Alarm): void {
    this.keys = new Set([...this.keys, keyOf(alarm)].slice(-LIMIT));
    try {
      localStorage.setItem(STORE, JSON.stringify([...this.keys]));
    } catch {
      // Without storage the acknowledgement lasts as long as the page.
    }
  }
}

function read(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORE) ?? '[]');
    return Array.isArray(found) ? found.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}

export const acknowledged = new Acknowledged();
