/** Encryption, keys and the packet filter of a connection, in words. */
import type { SrtFigures } from '../api/types';
import { count, plural } from './format';

export interface Fact {
  name: string;
  text: string;
  note: string;
  warn: boolean;
}

/** The states of SRT's keys that want a word; the others are as they should be. */
const KEYS: Record<string, string> = {
  securing: 'keys not there yet', no_secret: 'no passphrase here', bad_secret: 'wrong passphrase', bad_crypto_mode: 'other cipher mode',
};

/** "aes-128-ctr" as "AES-128". GCM is named, for it is the unusual one. */
const cipher = (name: string): string => name.toUpperCase().replace(/-CTR$/, '');

export function securityFacts(srt: SrtFigures): Fact[] {
  if (!srt.encryption) return [];
  const trouble = KEYS[srt.km_state_receive ?? ''];
  const refreshes = srt.total?.key_refreshes ?? 0;
  const unread = Number(srt.packets_undecrypted ?? 0);
  const facts: Fact[] = [
    { name: 'Encryption', text: srt.encryption === 'none' ? 'none' : cipher(srt.encryption), note: srt.encryption === 'none' ? '' : (trouble ?? (refreshes > 0 ? `key changed ${plural(refreshes, 'time')}` : 'first key')), warn: trouble !== undefined },
  ];
  if (srt.passphrase_used) facts.push({ name: 'Came in with', text: passphraseName(srt.passphrase_used), note: '', warn: false });
  if (unread > 0) facts.push({ name: 'Not decrypted', text: plural(unread, 'packet'), note: '', warn: true });
  return facts;
}

/** The place in the settings, as words: "passphrase 2027", "alice’s passphrase". */
export function passphraseName(used: string): string {
  const [first, ...rest] = used.split('/');
  if (first === 'listener') return `the listener’s ${rest.length > 0 ? passphraseName(rest.join('/')) : 'passphrase'}`;
  if (first === 'passphrases' && rest[0]) return `passphrase ${rest[0]}`;
  if (first === 'users' && rest[0]) return `${rest[0]}’s passphrase${rest[1] ? ` ${rest[1]}` : ''}`;
  return 'passphrase';
}

/** What the packet filter did; nothing without one. */
export function filterFacts(srt: SrtFigures): Fact[] {
  if (!srt.packet_filter || srt.packet_filter === 'none') return [];
  const rebuilt = srt.total?.filter_packets_rebuilt ?? 0;
  const lost = srt.total?.filter_packets_lost ?? 0;
  return [
    { name: 'Packet filter', text: srt.packet_filter.replaceAll(',', ', '), note: '', warn: false },
    { name: 'Rebuilt by it', text: plural(rebuilt, 'packet'), note: `${count(lost)} were too many for it`, warn: false },
  ];
}
