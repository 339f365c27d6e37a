/** What the forms edit, and how it becomes an object of the desired state again. */
import type { Config, Secret, Settings } from '../api/types';

/** A passphrase field: what is stored stays unless something new is typed. */
export interface SecretDraft {
  stored: Secret | null;
  text: string;
  remove: boolean;
}

export interface SourceDraft {
  name: string;
  way: 'listener' | 'call';
  listener: string;
  streamId: string;
  call: string;
  passphrase: SecretDraft;
  latencyMs: string;
  expectVideo: string;
  expectAudio: string;
  expectBitrate: string;
}

export type OutputKind = 'srt-listener' | 'srt-call' | 'udp' | 'hls' | 'record';

export interface OutputDraft {
  name: string;
  source: string;
  kind: OutputKind;
  listener: string;
  streamId: string;
  call: string;
  passphrase: SecretDraft;
  open: boolean;
  lowDelay: boolean;
  latencyMs: string;
  to: string;
  segment: string;
  keep: string;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const settings = (config: Config | null, key: string): Settings => (config?.[key] as Settings | undefined) ?? {};

/** "200ms", "0.2s" or 200 as milliseconds, for a field that carries the unit itself. */
export function latencyText(value: unknown): string {
  const found = /^\s*(\d+(?:\.\d+)?)\s*(ms|s)?\s*$/.exec(text(value));
  if (!found) return text(value);
  return String(Number(found[1]) * (found[2] === 's' ? 1000 : 1));
}

const latencyValue = (typed: string): string | undefined =>
  typed.trim() === '' ? undefined : /^\d+(\.\d+)?$/.test(typed.trim()) ? `${typed.trim()}ms` : typed.trim();

const secretDraft = (value: unknown): SecretDraft => ({ stored: (value as Secret | undefined) ?? null, text: '', remove: false });

function secretValue(draft: SecretDraft): Secret | undefined {
  if (draft.text !== '') return draft.text;
  return draft.remove || draft.stored === null ? undefined : draft.stored;
}

export function sourceDraft(config: Config | null, listener: string): SourceDraft {
  const srt = settings(config, 'srt');
  const expect = settings(config, 'expect');
  return {
    name: config?.name ?? '',
    way: srt.call === undefined ? 'listener' : 'call',
    listener: text(srt.listener) || listener,
    streamId: text(srt.stream_id),
    call: text(srt.call),
    passphrase: secretDraft(srt.passphrase),
    latencyMs: latencyText(srt.latency),
    expectVideo: text(expect.video),
    expectAudio: text(expect.audio),
    expectBitrate: text(expect.bitrate),
  };
}

/** Settings the form does not show are kept as they were. */
export function sourceConfig(draft: SourceDraft, base: Config | null): Config {
  const { srt: _srt, expect: _expect, ...rest } = base ?? ({} as Config);
  const srt: Settings = { ...settings(base, 'srt') };
  assign(srt, 'listener', draft.way === 'listener' ? draft.listener : undefined);
  assign(srt, 'stream_id', draft.streamId.trim() || undefined);
  assign(srt, 'call', draft.way === 'call' ? draft.call.trim() : undefined);
  assign(srt, 'passphrase', secretValue(draft.passphrase));
  assign(srt, 'latency', latencyValue(draft.latencyMs));
  const expect: Settings = { ...settings(base, 'expect') };
  assign(expect, 'video', draft.expectVideo.trim() || undefined);
  assign(expect, 'audio', draft.expectAudio.trim() || undefined);
  assign(expect, 'bitrate', draft.expectBitrate.trim() || undefined);
  const config: Config = { ...rest, name: draft.name.trim(), srt };
  if (Object.keys(expect).length > 0) config.expect = expect;
  return config;
}

const OUTPUT_KEYS = ['srt', 'udp', 'hls', 'record'];

export function outputDraft(config: Config | null, source: string, listener: string): OutputDraft {
  const srt = settings(config, 'srt');
  const record = settings(config, 'record');
  return {
    name: config?.name ?? '',
    source: text(config?.source) || source,
    kind: kindOf(config),
    listener: text(srt.listener) || listener,
    streamId: text(srt.stream_id),
    call: text(srt.call),
    passphrase: secretDraft(srt.passphrase),
    open: srt.open === true,
    lowDelay: srt.low_delay === true,
    latencyMs: latencyText(srt.latency),
    to: text(settings(config, 'udp').to),
    segment: text(record.segment),
    keep: text(record.keep),
  };
}

function kindOf(config: Config | null): OutputKind {
  const key = OUTPUT_KEYS.find((name) => config?.[name] !== undefined);
  if (key === 'srt') return settings(config, 'srt').call === undefined ? 'srt-listener' : 'srt-call';
  return key === 'udp' || key === 'record' ? key : 'hls';
}

export function outputConfig(draft: OutputDraft, base: Config | null): Config {
  const config: Config = { ...(base ?? {}), name: draft.name.trim(), source: draft.source };
  for (const key of OUTPUT_KEYS) delete config[key];
  const key = draft.kind.startsWith('srt') ? 'srt' : draft.kind;
  const kept: Settings = { ...settings(base, key) };
  if (key === 'srt') srtOutput(kept, draft);
  if (key === 'udp') assign(kept, 'to', draft.to.trim());
  if (key === 'record') {
    kept.format ??= 'ts';
    assign(kept, 'segment', draft.segment.trim() || undefined);
    assign(kept, 'keep', draft.keep.trim() || undefined);
  }
  config[key] = kept;
  return config;
}

function srtOutput(srt: Settings, draft: OutputDraft): void {
  const listens = draft.kind === 'srt-listener';
  assign(srt, 'listener', listens ? draft.listener : undefined);
  assign(srt, 'call', listens ? undefined : draft.call.trim());
  assign(srt, 'stream_id', draft.streamId.trim() || undefined);
  assign(srt, 'passphrase', listens && draft.open ? undefined : secretValue(draft.passphrase));
  assign(srt, 'open', listens && draft.open ? true : undefined);
  assign(srt, 'low_delay', draft.lowDelay ? true : undefined);
  assign(srt, 'latency', latencyValue(draft.latencyMs));
}

function assign(target: Settings, key: string, value: unknown): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}

/** Which field a problem's JSON pointer means; pointers may start at the object or above it. */
export function fieldAt(pointer: string | null, fields: string[]): string | null {
  if (!pointer) return null;
  return fields.find((field) => pointer === field || pointer.endsWith(field)) ?? null;
}

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Twenty letters and digits nobody confuses when read out: about 100 bits. */
export function generatePassphrase(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): string {
  const bytes = random(new Uint8Array(20));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
