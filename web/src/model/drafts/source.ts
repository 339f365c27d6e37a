/** What the form of a source edits, and how it becomes an object of the desired state again. */
import type { Config, Settings } from '../../api/types';
import { kindOf, onlyKind } from '../kinds';
import type { KindModel } from '../schema';
import { ownDraft, ownSettings, type OwnDraft } from './own';
import { passphrasesDraft, writePassphrases, type PassphrasesDraft } from './passphrases';
import { switchDraft, switchSettings, type SwitchDraft } from './switch';
import { wayDraft, writeWay, type WayDraft } from './way';
import { latencyText, latencyValue, listText, listValue, numberValue, settings, text, typed, Writer } from './write';

export interface SourceDraft extends WayDraft, PassphrasesDraft {
  name: string;
  kind: string;
  /** The settings of a kind that has no form of its own. */
  own: OwnDraft;
  /** What a switch is told. */
  program: SwitchDraft;
  latencyMs: string;
  cipher: string;
  keyBytes: string;
  secondPublisher: string;
  allow: string;
  packetFilter: string;
  expectVideo: string;
  expectAudio: string;
  expectBitrate: string;
}

/** Settings of SRT that the form shows; others are kept, and named. */
export const SOURCE_FIELDS = [
  'listener', 'stream_id', 'port', 'bind', 'call', 'passphrase', 'passphrases', 'users', 'latency', 'cipher', 'pbkeylen',
  'second_publisher', 'allow', 'packet_filter',
];

export function sourceDraft(config: Config | null, listener: string, kinds: KindModel[] = []): SourceDraft {
  const srt = settings(config, 'srt');
  const kind = kindOf(config, kinds, 'srt');
  const expect = settings(config, 'expect');
  return {
    name: config?.name ?? '',
    kind,
    own: ownDraft(kinds.find((one) => one.kind === kind)?.fields ?? [], settings(config, kind)),
    program: switchDraft(settings(config, 'switch')),
    ...wayDraft(srt, kind !== 'srt' || config === null, listener),
    ...passphrasesDraft(srt),
    latencyMs: latencyText(srt.latency),
    cipher: text(srt.cipher) || 'auto',
    keyBytes: text(srt.pbkeylen),
    secondPublisher: text(srt.second_publisher) || 'reject',
    allow: listText(srt.allow),
    packetFilter: text(srt.packet_filter),
    expectVideo: text(expect.video),
    expectAudio: text(expect.audio),
    expectBitrate: text(expect.bitrate),
  };
}

/** Only what was changed is written; the rest stays as it was, shown or not. Another kind of source starts afresh. */
export function sourceConfig(draft: SourceDraft, base: Config | null, kinds: KindModel[] = []): Config {
  const before = base ? sourceDraft(base, draft.listener, kinds) : null;
  const config: Config = { ...(base ?? {}), name: draft.name.trim() };
  if (draft.kind !== 'kept') {
    const same = before?.kind === draft.kind;
    onlyKind(config, draft.kind, kinds);
    const kept = same ? settings(base, draft.kind) : null;
    const fields = kinds.find((one) => one.kind === draft.kind)?.fields ?? [];
    if (draft.kind === 'srt') config.srt = srtSettings(draft, kept, same ? before : null);
    else config[draft.kind] = draft.kind === 'switch' ? switchSettings(draft.program, kept) : ownSettings(fields, draft.own, kept);
  }
  writeExpect(config, draft, new Writer(draft, before));
  return config;
}

function srtSettings(draft: SourceDraft, kept: Settings | null, before: SourceDraft | null): Settings {
  const writer = new Writer(draft, before);
  const srt: Settings = { ...kept };
  writePassphrases(srt, draft, writer);
  writer.put(srt, 'latency', 'latencyMs', latencyValue(draft.latencyMs));
  writer.put(srt, 'cipher', 'cipher', draft.cipher === 'auto' ? undefined : draft.cipher);
  writer.put(srt, 'pbkeylen', 'keyBytes', numberValue(draft.keyBytes));
  writer.put(srt, 'second_publisher', 'secondPublisher', draft.secondPublisher === 'reject' ? undefined : draft.secondPublisher);
  writer.put(srt, 'allow', 'allow', listValue(draft.allow));
  writer.put(srt, 'packet_filter', 'packetFilter', typed(draft.packetFilter));
  writeWay(srt, draft, writer);
  return srt;
}

function writeExpect(config: Config, draft: SourceDraft, writer: Writer<SourceDraft>): void {
  if (!writer.changed('expectVideo', 'expectAudio', 'expectBitrate')) return;
  const expect: Settings = { ...settings(config, 'expect') };
  writer.put(expect, 'video', 'expectVideo', typed(draft.expectVideo));
  writer.put(expect, 'audio', 'expectAudio', typed(draft.expectAudio));
  writer.put(expect, 'bitrate', 'expectBitrate', typed(draft.expectBitrate));
  if (Object.keys(expect).length > 0) config.expect = expect;
  else delete config.expect;
}
