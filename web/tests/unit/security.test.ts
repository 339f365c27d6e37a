import { describe, expect, it } from 'vitest';
import { filterFacts, passphraseName, securityFacts } from '../../src/model/security';

const facts = (given: object) => securityFacts({ encryption: 'aes-128-ctr', km_state_receive: 'secured', ...given });

describe('encryption in words', () => {
  it('names the cipher, and GCM because it is the unusual one', () => {
    expect(facts({})[0]).toEqual({ name: 'Encryption', text: 'AES-128', note: 'first key', warn: false });
    expect(facts({ encryption: 'aes-256-gcm', total: { key_refreshes: 3 } })[0]).toMatchObject({ text: 'AES-256-GCM', note: 'key changed 3 times' });
  });
  it('says nothing of keys where there is no encryption', () => {
    expect(facts({ encryption: 'none', km_state_receive: 'unsecured' })).toEqual([{ name: 'Encryption', text: 'none', note: '', warn: false }]);
    expect(securityFacts({})).toEqual([]);
  });
  it('warns of every state in which media cannot be read', () => {
    for (const [state, words] of [['no_secret', 'no passphrase here'], ['bad_secret', 'wrong passphrase'], ['bad_crypto_mode', 'other cipher mode'], ['securing', 'keys not there yet']])
      expect(facts({ km_state_receive: state, total: { key_refreshes: 3 } })[0]).toMatchObject({ note: words, warn: true });
  });
  it('counts packets that could not be decrypted only when there are any', () => {
    expect(facts({ packets_undecrypted: 0 })).toHaveLength(1);
    expect(facts({ packets_undecrypted: 7 })[1]).toEqual({ name: 'Not decrypted', text: '7 packets', note: '', warn: true });
  });
});

describe('the passphrase a peer came in with', () => {
  it('is named by its place in the settings', () => {
    expect(passphraseName('passphrase')).toBe('passphrase');
    expect(passphraseName('passphrases/2027')).toBe('passphrase 2027');
    expect(passphraseName('users/alice')).toBe('alice’s passphrase');
    expect(passphraseName('users/alice/new')).toBe('alice’s passphrase new');
    expect(passphraseName('listener/passphrase')).toBe('the listener’s passphrase');
    expect(passphraseName('listener/users/bob')).toBe('the listener’s bob’s passphrase');
    expect(passphraseName('listener/passphrases/2027')).toBe('the listener’s passphrase 2027');
  });
});

describe('the packet filter', () => {
  it('is left out where there is none', () => {
    expect(filterFacts({ packet_filter: 'none' })).toEqual([]);
    expect(filterFacts({})).toEqual([]);
  });
  it('says what it rebuilt, and what was too much for it', () => {
    const found = filterFacts({ packet_filter: 'fec,cols:10,rows:5', total: { filter_packets_rebuilt: 1204, filter_packets_lost: 17 } });
    expect(found.map((fact) => fact.text)).toEqual(['fec, cols:10, rows:5', '1,204 packets']);
    expect(found[1]?.note).toBe('17 were too many for it');
  });
});
