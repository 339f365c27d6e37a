/** The part of an RTMP output that the platform picker edits: where it goes, and with which key. */
import type { Settings } from '../../api/types';
import type { Platform } from '../platforms';
import { isKept, secretDraft, secretValue, type SecretDraft } from './secret';
import { assign, text, typed, Writer } from './write';

export interface RestreamDraft {
  /** Empty: an address of one's own. */
  platform: string;
  region: string;
  backup: boolean;
  url: string;
  key: SecretDraft;
}

export const RESTREAM_FIELDS = ['platform', 'region', 'backup', 'url', 'key'];

export const restreamDraft = (rtmp: Settings): RestreamDraft => ({
  platform: text(rtmp.platform), region: text(rtmp.region), backup: rtmp.backup === true, url: text(rtmp.url), key: secretDraft(rtmp.key),
});

/** Another platform has other regions and another address: those of the old one go. */
export function choosePlatform(draft: RestreamDraft, id: string, platforms: Platform[]): void {
  if (id === draft.platform) return;
  draft.platform = id;
  draft.url = '';
  draft.backup = false;
  const platform = platforms.find((one) => one.id === id);
  draft.region = platform && !platform.url && !platform.paste_url ? (platform.regions?.[0]?.id ?? '') : '';
}

export function writeRestream(rtmp: Settings, draft: RestreamDraft, base: Settings | null): void {
  const writer = new Writer(draft, base && restreamDraft(base));
  writer.put(rtmp, 'platform', 'platform', typed(draft.platform));
  writer.put(rtmp, 'region', 'region', typed(draft.region));
  writer.put(rtmp, 'backup', 'backup', draft.backup || undefined);
  writer.put(rtmp, 'url', 'url', typed(draft.url));
  if (writer.changed('key')) assign(rtmp, 'key', secretValue(draft.key));
}

export function restreamFaults(draft: RestreamDraft, base: Settings | null, platforms: Platform[]): Record<string, string> {
  const faults: Record<string, string> = {};
  const platform = platforms.find((one) => one.id === draft.platform);
  if (typed(draft.url) === undefined && (draft.platform === '' || platform?.paste_url)) {
    faults['/rtmp/url'] = platform ? `Paste the address that ${platform.name} shows you.` : 'Where does it go? Write it like rtmps://live.example.net/app.';
  }
  const missing = draft.key.text === '' && !isKept(draft.key);
  // A key is never sent to another platform than the one it was given for.
  const another = base !== null && isKept(draft.key) && draft.platform !== text(base.platform);
  if (missing || another) faults['/rtmp/key'] = `Paste the key${platform ? ` from ${platform.name}` : ''}.`;
  return faults;
}
