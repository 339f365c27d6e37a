/** What the form of an output edits, and how it becomes an object of the desired state again. */
import type { Config, Settings } from '../../api/types';
import { kindOf, onlyKind } from '../kinds';
import type { KindModel } from '../schema';
import { bondingDraft, writeBonding, type BondingDraft } from './bonding';
import { ownDraft, ownSettings, type OwnDraft } from './own';
import { passphrasesDraft, writePassphrases, type PassphrasesDraft } from './passphrases';
import { RESTREAM_FIELDS, restreamDraft, writeRestream, type RestreamDraft } from './restream';
import { wayDraft, weCall, writeWay, type Way, type WayDraft } from './way';
import { assign, latencyText, latencyValue, listText, listValue, numberValue, settings, text, typed, Writer } from './write';

export interface OutputDraft extends WayDraft, PassphrasesDraft, BondingDraft {
  name: string;
  source: string;
  kind: string;
  /** The settings of a kind that has no form of its own. */
  own: OwnDraft;
  restream: RestreamDraft;
  open: boolean;
  lowDelay: boolean;
  latencyMs: string;
  cipher: string;
  keyBytes: string;
  allow: string;
  packetFilter: string;
  /** Repetitions and, of these, copies, per hundred packets. */
  repeats: string;
  copies: string;
}

export const OUTPUT_FIELDS = [
  'listener', 'stream_id', 'port', 'bind', 'call', 'passphrase', 'passphrases', 'users', 'open', 'latency', 'low_delay', 'cipher', 'pbkeylen',
  'allow', 'packet_filter', 'repeats', 'bonding',
];

/** The fields of a kind that a form made from the schema shows. */
export const ownFields = (kind: string, kinds: KindModel[]) =>
  (kinds.find((one) => one.kind === kind)?.fields ?? []).filter(({ key }) => kind !== 'rtmp' || !RESTREAM_FIELDS.includes(key));

export function outputDraft(config: Config | null, source: string, listener: string, kinds: KindModel[] = []): OutputDraft {
  const srt = settings(config, 'srt');
  const repeats = settings(srt as Config, 'repeats');
  const kind = kindOf(config, kinds, 'hls');
  return {
    name: config?.name ?? '',
    source: text(config?.source) || source,
    kind,
    own: ownDraft(ownFields(kind, kinds), settings(config, kind)),
    restream: restreamDraft(settings(config, 'rtmp')),
    ...wayDraft(srt, kind !== 'srt', listener),
    ...passphrasesDraft(srt),
    ...bondingDraft(srt),
    open: srt.open === true,
    lowDelay: srt.low_delay === true,
    latencyMs: latencyText(srt.latency),
    cipher: text(srt.cipher) || 'auto',
    keyBytes: text(srt.pbkeylen),
    allow: listText(srt.allow),
    packetFilter: text(srt.packet_filter),
    repeats: text(repeats.budget_percent),
    copies: text(repeats.copies_percent),
  };
}

/** Only what was changed is written; another kind of output starts afresh. */
export function outputConfig(draft: OutputDraft, base: Config | null, kinds: KindModel[] = []): Config {
  const before = base ? outputDraft(base, draft.source, draft.listener, kinds) : null;
  const same = before !== null && before.kind === draft.kind;
  const config: Config = { ...(base ?? {}), name: draft.name.trim(), source: draft.source };
  if (draft.kind === 'kept') return config;
  onlyKind(config, draft.kind, kinds);
  const kept = same ? settings(base, draft.kind) : null;
  if (draft.kind === 'srt') {
    const srt: Settings = { ...kept };
    writeSrt(srt, draft, new Writer(draft, same ? before : null));
    config.srt = srt;
    return config;
  }
  const own = ownSettings(ownFields(draft.kind, kinds), draft.own, kept);
  if (draft.kind === 'rtmp') writeRestream(own, draft.restream, kept);
  config[draft.kind] = own;
  return config;
}

function writeSrt(srt: Settings, draft: OutputDraft, writer: Writer<OutputDraft>): void {
  const isOpen = draft.open && mayBeOpen(draft.way);
  if (isOpen) for (const key of ['passphrase', 'passphrases', 'users']) delete srt[key];
  else writePassphrases(srt, draft, writer);
  writer.put(srt, 'open', 'open', isOpen || undefined);
  writer.put(srt, 'low_delay', 'lowDelay', draft.lowDelay || undefined);
  writer.put(srt, 'latency', 'latencyMs', latencyValue(draft.latencyMs));
  writer.put(srt, 'cipher', 'cipher', draft.cipher === 'auto' ? undefined : draft.cipher);
  writer.put(srt, 'pbkeylen', 'keyBytes', numberValue(draft.keyBytes));
  writer.put(srt, 'allow', 'allow', listValue(draft.allow));
  writer.put(srt, 'packet_filter', 'packetFilter', typed(draft.packetFilter));
  if (writer.changed('repeats', 'copies')) {
    const repeats: Settings = { ...settings(srt as Config, 'repeats') };
    assign(repeats, 'budget_percent', numberValue(draft.repeats));
    assign(repeats, 'copies_percent', numberValue(draft.copies));
    assign(srt, 'repeats', Object.keys(repeats).length > 0 ? repeats : undefined);
  }
  writeWay(srt, draft, writer);
  writeBonding(srt, draft, writer);
}

export const mayBeOpen = (way: Way): boolean => !weCall(way) && way !== 'kept';
