/** Sentences from what a server, an adapter or a peer says, with or without its full stop. */

/** What happened and what to do: "It does not answer. Check the address." */
export function inWords(message: string, advice: string | null | undefined): string {
  return [message, advice]
    .filter((text): text is string => Boolean(text))
    .map((text) => (/[.!?…]$/.test(text) ? text : `${text}.`))
    .join(' ');
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
