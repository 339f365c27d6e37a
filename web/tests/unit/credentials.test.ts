import { describe, expect, it } from 'vitest';
import { credentials } from '../../src/model/credentials';

describe('the passphrases that can be handed out', () => {
  it('are the stream’s own, each as the API asks for it and as a status names it', () => {
    const srt = { listener: 'ingest', passphrase: '•••', passphrases: { '2027': { secret: 'a' } }, users: { alice: { secret: 'b' }, bob: { old: '•••', new: '•••' } } };
    expect(credentials(srt, { passphrase: '•••' })).toEqual([
      { title: 'Passphrase', place: 'passphrase', passphrase: 'passphrase' },
      { title: 'Passphrase 2027', place: 'passphrases/2027', passphrase: '2027' },
      { title: 'User alice', place: 'users/alice', user: 'alice' },
      { title: 'User bob, old', place: 'users/bob/old', user: 'bob', passphrase: 'old' },
      { title: 'User bob, new', place: 'users/bob/new', user: 'bob', passphrase: 'new' },
    ]);
  });
  it('are the listener’s where the stream has none and is not open', () => {
    const listener = { passphrases: { now: '•••' } };
    expect(credentials({ listener: 'ingest' }, listener)).toEqual([{ title: 'Passphrase now', place: 'listener/passphrases/now', passphrase: 'now' }]);
    expect(credentials({ listener: 'ingest', open: true }, listener)).toEqual([]);
    expect(credentials({ bind: '0.0.0.0:9101' }, {})).toEqual([]);
  });
});
