/** What the form of an output edits, and how it becomes an object of the desired state again. */
import type { Config, Settings } from '../../api/types';
import { bondingDraft, writeBonding, type BondingDraft } from './bonding';
import { passphrasesDraft, writePassphrases, type PassphrasesDraft } from './passphrases';
import { wayDraft, weCall, writeWay, type Way, type WayDraft } from './way';
import { assign, latencyText, latencyValue, listText, listValue, numberValue, settings, text, typed, Writer } from './write';

export type OutputKind = 'srt' | 'udp' | 'hls' | 'record' | 'kept';

export interface OutputDraft extends WayDraft, PassphrasesDraft, BondingDraft {
  name: string;
  source: string;
  kind: OutputKind;
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
  to: string;
  segment: string;
  keep: string;
}

export const OUTPUT_FIELDS = [
  'listener', 'stream_id', 'port', 'bind', 'call', 'passphrase', 'passphrases', 'users', 'open', 'latency', 'low_delay', 'cipher', 'pbkeylen',
  'allow', 'packet_filter', 'repeats', 'bonding',
];

const KINDS = ['srt', 'udp', 'hls', 'record'] as const;

export function outputDraft(config: Config | null, source: string, listener: string): OutputDraft {
  const srt = settings(config, 'srt');
  const record = settings(config, 'record');
  const repeats = settings(srt as Config, 'repeats');
  const kind = KINDS.find((name) => config?.[name] !== undefined) ?? (config === null ? 'hls' : 'kept');
  return {
    name: config?.name ?? '',
    source: text(config?.source) || source,
    kind,
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
    to: text(settings(config, 'udp').to),
    segment: text(record.segment),
    keep: text(record.keep),
  };
}

/** Only what was changed is written; another kind of output starts afresh. */
export function outputConfig(draft: OutputDraft, base: Config | null): Config {
  const before = base ? outputDraft(base, draft.source, draft.listener) : null;
  const same = before !== null && before.kind === draft.kind;
  const writer = new Writer(draft, same ? before : null);
  const config: Config = { ...(base ?? {}), name: draft.name.trim(), source: draft.source };
  if (draft.kind === 'kept') return config;
  for (const kind of KINDS) if (kind !== draft.kind) delete config[kind];
  const kept: Settings = { ...settings(same ? base : null, draft.kind) };
  if (draft.kind === 'srt') writeSrt(kept, draft, writer);
  if (draft.kind === 'udp') writer.put(kept, 'to', 'to', draft.to.trim());
  if (draft.kind === 'record') {
    if (!same) kept.format = 'ts';
    writer.put(kept, 'segment', 'segment', typed(draft.segment));
    writer.put(kept, 'keep', 'keep', typed(draft.keep));
  }
  config[draft.kind] = kept;
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
