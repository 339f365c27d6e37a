/** All passphrases of a stream: the one, more that are valid beside it, and those of users. */
import type { Settings } from '../../api/types';
import { passphraseFault, secretDraft, secretValue, type SecretDraft } from './secret';
import { assign, type Writer } from './write';

/** A passphrase under a label. The label of a stored one stays: the server knows the secret by it. */
export interface LabelledDraft {
  label: string;
  secret: SecretDraft;
}

/** A user; one passphrase has no label, several have one each. */
export interface UserDraft {
  name: string;
  passphrases: LabelledDraft[];
}

export interface PassphrasesDraft {
  passphrase: SecretDraft;
  more: LabelledDraft[];
  users: UserDraft[];
}

/** Valid at once, the one without a label included; each costs every caller's handshake. */
export const PASSPHRASES_MAX = 4;

export function passphrasesDraft(srt: Settings): PassphrasesDraft {
  return { passphrase: secretDraft(srt.passphrase), more: labelled(srt.passphrases), users: Object.entries(record(srt.users)).map(userDraft) };
}

function userDraft([name, value]: [string, unknown]): UserDraft {
  const one = typeof value === 'string' || (isRecord(value) && typeof value.secret === 'string' && Object.keys(value).length === 1);
  return { name, passphrases: one ? [{ label: '', secret: secretDraft(value) }] : labelled(value) };
}

const labelled = (value: unknown): LabelledDraft[] =>
  Object.entries(record(value)).map(([label, secret]) => ({ label, secret: secretDraft(secret) }));

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** A new passphrase beside those that are there, under a label that says when it came. */
export function anotherLabel(taken: LabelledDraft[], today: Date): string {
  const day = [today.getFullYear(), today.getMonth() + 1, today.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  const free = (label: string) => taken.every((one) => one.label !== label);
  let label = day;
  for (let number = 2; !free(label); number += 1) label = `${day}-${number}`;
  return label;
}

export const newLabelled = (label: string): LabelledDraft => ({ label, secret: secretDraft(undefined) });

/**
 * A second passphrase for a user. The first one gets a label, too; one the server only shows as dots
 * cannot follow to its new place and has to be typed again.
 */
export function addToUser(user: UserDraft, today: Date): void {
  const first = user.passphrases[0];
  if (user.passphrases.length === 1 && first?.label === '') {
    first.label = 'old';
    if (typeof first.secret.stored === 'string') first.secret.stored = null;
  }
  user.passphrases.push(newLabelled(anotherLabel(user.passphrases, today)));
}

export function writePassphrases<Draft extends PassphrasesDraft>(srt: Settings, draft: Draft, writer: Writer<Draft>): void {
  writer.put(srt, 'passphrase', 'passphrase', secretValue(draft.passphrase));
  writer.put(srt, 'passphrases', 'more', labelledValue(draft.more));
  if (!writer.changed('users')) return;
  const users = draft.users.map((user) => [user.name.trim(), userValue(user)] as const).filter(([, value]) => value !== undefined);
  assign(srt, 'users', users.length > 0 ? Object.fromEntries(users) : undefined);
}

function labelledValue(drafts: LabelledDraft[]): Settings | undefined {
  const kept = drafts.map(({ label, secret }) => [label.trim(), secretValue(secret)] as const).filter(([, secret]) => secret !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

function userValue(user: UserDraft): unknown {
  const only = user.passphrases.length === 1 ? user.passphrases[0] : undefined;
  return only?.label === '' ? secretValue(only.secret) : labelledValue(user.passphrases);
}

/** The place of a field's error, as the server's pointers are written. */
export const morePointer = (index: number): string => `/srt/passphrases/#${index}`;
export const userPointer = (index: number): string => `/srt/users/#${index}`;
export const userPassphrasePointer = (user: number, index: number): string => `/srt/users/#${user}/#${index}`;

/** Where the server's pointers lead: it knows passphrases by their labels, the form by their lines. */
export function passphrasePlaces({ more, users }: PassphrasesDraft): Record<string, string> {
  const places: [string, string][] = more.map(({ label }, index) => [`/srt/passphrases/${label.trim()}`, morePointer(index)]);
  users.forEach(({ name, passphrases }, at) => {
    const user = `/srt/users/${name.trim()}`;
    places.push([user, userPassphrasePointer(at, 0)]);
    passphrases.forEach(({ label }, index) => label && places.push([`${user}/${label.trim()}`, userPassphrasePointer(at, index)]));
  });
  return Object.fromEntries(places);
}

/** What is wrong with them that can be said before anything is sent, by the place of the field. */
export function passphraseFaults({ passphrase, more, users }: PassphrasesDraft): Record<string, string> {
  const faults: Record<string, string> = {};
  const note = (place: string, fault: string) => fault && !faults[place] && (faults[place] = fault);
  note('/srt/passphrase', passphraseFault(passphrase.text));
  const list = (drafts: LabelledDraft[], place: (index: number) => string, named: boolean) =>
    drafts.forEach((one, index) => note(place(index), labelledFault(drafts, index, named) || needed(one.secret)));
  list(more, morePointer, true);
  users.forEach((user, at) => {
    note(userPointer(at), nameFault(user.name, 'A user') || (users.findIndex((other) => other.name.trim() === user.name.trim()) < at ? 'This user is there already.' : ''));
    list(user.passphrases, (index) => userPassphrasePointer(at, index), user.passphrases.length > 1);
  });
  return faults;
}

const needed = (secret: SecretDraft): string =>
  secretValue(secret) === undefined ? 'Type a passphrase, or remove this line.' : passphraseFault(secret.text);

function labelledFault(drafts: LabelledDraft[], index: number, named: boolean): string {
  const label = drafts[index]?.label.trim() ?? '';
  if (!named) return '';
  if (drafts.findIndex((other) => other.label.trim() === label) < index) return `The label ${label} is used twice.`;
  return nameFault(label, 'A passphrase');
}

const NAME_BYTES_MAX = 64;

function nameFault(name: string, whose: string): string {
  const trimmed = name.trim();
  if (trimmed === '') return `${whose} needs a name.`;
  if (new TextEncoder().encode(trimmed).length > NAME_BYTES_MAX) return `A name has at most ${NAME_BYTES_MAX} bytes.`;
  return trimmed.includes('/') ? 'A name has no “/”.' : '';
}
