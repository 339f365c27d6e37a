/** What the form of a listener edits, and how it becomes an object of the desired state again. */
import type { Config, ListenerView, OutputView, Settings, SourceView } from '../../api/types';
import { plural } from '../format';
import { kindOf } from '../kinds';
import type { KindModel } from '../schema';
import { lockedOut } from './effect';
import { ownDraft, ownSettings, type OwnDraft } from './own';
import { passphrasesDraft, writePassphrases, type PassphrasesDraft } from './passphrases';
import { bindValue } from './way';
import { latencyText, latencyValue, listText, listValue, same, settings, text, typed, Writer } from './write';

export interface ListenerDraft extends PassphrasesDraft {
  name: string;
  kind: string;
  /** The settings of a kind that has no form of its own. */
  own: OwnDraft;
  bind: string;
  portRange: string;
  latencyMs: string;
  cipher: string;
  allow: string;
  srtla: boolean;
  rejectDetail: boolean;
}

/** Settings of SRT that the form shows; others are kept, and named. */
export const LISTENER_FIELDS = [
  'bind', 'port_range', 'latency', 'passphrase', 'passphrases', 'users', 'cipher', 'allow', 'srtla', 'reject_detail',
];

export function listenerDraft(config: Config | null, kinds: KindModel[] = []): ListenerDraft {
  const srt = settings(config, 'srt');
  const kind = kindOf(config, kinds, 'srt');
  return {
    name: config?.name ?? '',
    kind,
    own: ownDraft(kinds.find((one) => one.kind === kind)?.fields ?? [], settings(config, kind)),
    bind: text(srt.bind),
    portRange: text(srt.port_range),
    ...passphrasesDraft(srt),
    latencyMs: latencyText(srt.latency),
    cipher: text(srt.cipher) || 'auto',
    allow: listText(srt.allow),
    srtla: srt.srtla !== false,
    rejectDetail: srt.reject_detail === true,
  };
}

/** Only what was changed is written; the rest stays as it was, shown or not. */
export function listenerConfig(draft: ListenerDraft, base: Config | null, kinds: KindModel[] = []): Config {
  const config: Config = { ...(base ?? {}), name: draft.name.trim() };
  if (draft.kind === 'kept') return config;
  if (draft.kind !== 'srt') {
    const fields = kinds.find((one) => one.kind === draft.kind)?.fields ?? [];
    const { bind } = draft.own;
    const moved = typeof bind === 'string' && bind !== text(settings(base, draft.kind).bind);
    const own = moved ? { ...draft.own, bind: bindValue(bind) } : draft.own;
    return { ...config, [draft.kind]: ownSettings(fields, own, base && settings(base, draft.kind)) };
  }
  const writer = new Writer(draft, base ? listenerDraft(base, kinds) : null);
  const srt: Settings = { ...settings(base, 'srt') };
  writer.put(srt, 'bind', 'bind', bindValue(draft.bind));
  writer.put(srt, 'port_range', 'portRange', typed(draft.portRange));
  writer.put(srt, 'latency', 'latencyMs', latencyValue(draft.latencyMs));
  writePassphrases(srt, draft, writer);
  writer.put(srt, 'cipher', 'cipher', draft.cipher === 'auto' ? undefined : draft.cipher);
  writer.put(srt, 'allow', 'allow', listValue(draft.allow));
  writer.put(srt, 'srtla', 'srtla', draft.srtla ? undefined : false);
  writer.put(srt, 'reject_detail', 'rejectDetail', draft.rejectDetail ? true : undefined);
  return { ...config, srt };
}

/** Connections on its port and on those of its range, which their streams count. */
export function connectionsOn(listener: ListenerView, sources: SourceView[], outputs: OutputView[]): number | null {
  if (listener.counters?.connections === undefined) return null;
  const ofRange = [...sources, ...outputs].filter((item) => isOn(item, listener));
  return ofRange.reduce((sum, item) => sum + (item.port?.counters?.connections ?? 0), listener.counters.connections);
}

/** What opens the port anew, and ends what is on it. */
const REOPENS = ['bind', 'interface', 'tos', 'ttl'];

/** Whom saving sends away; empty when nobody is. `used`: the listener's passphrases that those on it came in with. */
export function listenerEffect(config: Config, base: Config, kind: string, number: number, used: (string | undefined)[]): string {
  const [now, before] = [settings(config, kind), settings(base, kind)];
  if (number === 0 || REOPENS.every((key) => same(now[key], before[key]))) {
    const out = kind === 'srt' ? lockedOut(config, base, used) : 0;
    return out > 0 ? `Saving disconnects ${plural(out, 'caller')} with a passphrase that goes; ${out === 1 ? 'it has' : 'they have'} to call again.` : '';
  }
  return `Saving opens the port anew: ${plural(number, 'connection')} on it ${number === 1 ? 'ends' : 'end'}. Peers connect again by themselves, at the new address only if they know it.`;
}

/** Whether a source or an output is reached through a listener: of its own kind, and named, or all of that kind. */
export function isOn(item: SourceView | OutputView, listener: { name: string; kind: string }): boolean {
  if (item.kind !== listener.kind) return false;
  const own = settings(item.config, item.kind);
  const onAll = item.kind === 'rtsp' && 'source' in item && own.listener === undefined;
  return onAll || own.listener === listener.name;
}

/** The sources and outputs that are reached through a listener, by name. */
export function streamsOn(listener: { name: string; kind: string }, sources: SourceView[], outputs: OutputView[]): string[] {
  return [...sources, ...outputs].filter((item) => isOn(item, listener)).map((item) => item.name);
}
