/** A passphrase field: what is stored stays unless something new is typed. */
import type { Secret } from '../../api/types';

export interface SecretDraft {
  stored: Secret | null;
  text: string;
  remove: boolean;
}

export const secretDraft = (value: unknown): SecretDraft => ({ stored: (value as Secret | undefined) ?? null, text: '', remove: false });

export function secretValue(draft: SecretDraft): Secret | undefined {
  if (draft.text !== '') return draft.text;
  return draft.remove || draft.stored === null ? undefined : draft.stored;
}

export const isKept = (draft: SecretDraft): boolean => draft.stored !== null && !draft.remove && draft.text === '';

const LEAST_BYTES = 10;
const MOST_BYTES = 79;

/** What SRT would not take, said before anything is sent; empty when it is fine. */
export function passphraseFault(typed: string): string {
  const bytes = new TextEncoder().encode(typed).length;
  if (typed === '' || (bytes >= LEAST_BYTES && bytes <= MOST_BYTES)) return '';
  return `A passphrase has ${LEAST_BYTES} to ${MOST_BYTES} characters; this one has ${bytes}. Generate one.`;
}

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Twenty letters and digits nobody confuses when read out: about 100 bits. */
export function generatePassphrase(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): string {
  const bytes = random(new Uint8Array(20));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
