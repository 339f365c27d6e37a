/** Whose passphrase a hand-out shows, when a stream opens to several. */
import type { Settings } from '../api/types';
import { passphrasesDraft } from './drafts/passphrases';

export interface Credential {
  title: string;
  /** As a status names it: `passphrases/2027`. */
  place: string;
  /** What the API is asked for. */
  user?: string;
  passphrase?: string;
}

/** All that open a stream: its own, or the listener's where it has none. */
export function credentials(srt: Settings, listener: Settings): Credential[] {
  if (['passphrase', 'passphrases', 'users'].some((key) => srt[key] !== undefined)) return of(srt, '');
  return srt.open === true ? [] : of(listener, 'listener/');
}

function of(settings: Settings, owner: string): Credential[] {
  const { more, users } = passphrasesDraft(settings);
  const one = settings.passphrase === undefined ? [] : [{ title: 'Passphrase', place: `${owner}passphrase`, passphrase: 'passphrase' }];
  const labelled = more.map(({ label }) => ({ title: `Passphrase ${label}`, place: `${owner}passphrases/${label}`, passphrase: label }));
  const ofUsers = users.flatMap(({ name, passphrases }) =>
    passphrases.map(({ label }) =>
      label === ''
        ? { title: `User ${name}`, place: `${owner}users/${name}`, user: name }
        : { title: `User ${name}, ${label}`, place: `${owner}users/${name}/${label}`, user: name, passphrase: label },
    ),
  );
  return [...one, ...labelled, ...ofUsers];
}
