/** Single-key commands. They rest while a field has focus or a dialog is open. */

export type Keymap = Record<string, (event: KeyboardEvent) => void>;

const maps: Keymap[] = [];
const SEQUENCE_MS = 1000;
/** What was pressed on a button that is gone, or not to be pressed any more, is no command a moment later. */
const SLIP_MS = 1000;
let buttonAt = -SLIP_MS;
let pending = '';
let pendingAt = 0;

/** Adds keys while a component is on screen; the last one added is asked first. */
export function useKeys(map: Keymap): () => void {
  maps.push(map);
  return () => void maps.splice(maps.indexOf(map), 1);
}

export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  // Inside a dialog nothing may have focus; what lies beneath it must not be steered all the same.
  if (document.querySelector('dialog[open]')) return;
  if (target.closest('input, textarea, select, video, dialog, [contenteditable]')) return;
  const own = event.key === 'Enter' || event.key === ' ';
  if (own && target.closest('a, button, summary')) {
    buttonAt = performance.now();
    return;
  }
  if (own && performance.now() - buttonAt < SLIP_MS) return event.preventDefault();
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const sequence = pending && performance.now() - pendingAt < SEQUENCE_MS ? `${pending} ${key}` : key;
  pending = '';
  const found = lookUp(sequence) ?? lookUp(key);
  if (found) {
    event.preventDefault();
    found(event);
  } else if (key === 'g') {
    pending = key;
    pendingAt = performance.now();
  }
}

function lookUp(key: string): Keymap[string] | undefined {
  for (const map of [...maps].reverse()) if (map[key]) return map[key];
  return undefined;
}
