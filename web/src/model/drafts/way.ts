/** Who calls whom: on a listener by stream ID or by port, on a port of its own, by a call, or by both sides calling. */
import type { Settings } from '../../api/types';
import { assign, numberValue, text, typed, type Writer } from './write';

/** `kept`: something this form does not know; it stays as it is. */
export type Way = 'listener' | 'range' | 'port' | 'call' | 'rendezvous' | 'kept';

export interface WayDraft {
  way: Way;
  listener: string;
  streamId: string;
  /** One of the listener's range of ports. */
  port: string;
  bind: string;
  /** The address of a call, without its `mode`. */
  call: string;
}

/** What makes sense only where others call us. */
const FOR_CALLERS: [key: string, words: string][] = [
  ['allow', 'allowed addresses'], ['webhook', 'webhook'], ['second_publisher', 'second sender'], ['max_readers', 'limit of readers'],
  ['open', 'open reading'], ['passphrases', 'further passphrases'], ['users', 'passphrases of users'],
];

export function wayDraft(srt: Settings, isNew: boolean, listener: string): WayDraft {
  const call = text(srt.call);
  return {
    way: wayOf(srt, isNew),
    listener: text(srt.listener) || listener,
    streamId: text(srt.stream_id),
    port: text(srt.port),
    bind: text(srt.bind),
    call: withoutMode(call),
  };
}

function wayOf(srt: Settings, isNew: boolean): Way {
  if (srt.call !== undefined) return /[?&]mode=rendezvous(&|$)/.test(text(srt.call)) ? 'rendezvous' : 'call';
  if (srt.bind !== undefined) return 'port';
  if (srt.port !== undefined) return 'range';
  return srt.listener !== undefined || isNew ? 'listener' : 'kept';
}

export const weCall = (way: Way): boolean => way === 'call' || way === 'rendezvous';

/** Settings of another way are taken away, for the server refuses them. */
export function writeWay<Draft extends WayDraft>(srt: Settings, draft: Draft, writer: Writer<Draft>): void {
  if (draft.way === 'kept') return;
  const moved = writer.changed('way');
  const put = (key: string, field: keyof WayDraft, ways: Way[], value: unknown) => {
    if (moved || writer.changed(field)) assign(srt, key, ways.includes(draft.way) ? value : undefined);
  };
  put('listener', 'listener', ['listener', 'range'], draft.listener);
  put('stream_id', 'streamId', ['listener'], typed(draft.streamId));
  put('port', 'port', ['range'], numberValue(draft.port));
  put('bind', 'bind', ['port'], bindValue(draft.bind));
  put('call', 'call', ['call', 'rendezvous'], draft.way === 'rendezvous' ? withRendezvous(draft.call.trim()) : draft.call.trim());
  if (!moved) return;
  if (weCall(draft.way)) for (const [key] of FOR_CALLERS) delete srt[key];
  else delete srt.pbkeylen;
}

/** What goes when an object with these settings is changed to be a call, in words. */
export const leftOut = (srt: Settings, way: Way): string[] =>
  weCall(way) ? FOR_CALLERS.filter(([key]) => srt[key] !== undefined).map(([, words]) => words) : [];

/** A port alone is one of every address of this machine. */
export const bindValue = (value: string): string => (/^\d+$/.test(value.trim()) ? `0.0.0.0:${value.trim()}` : value.trim());

function withoutMode(call: string): string {
  const [place = '', query] = split(call);
  if (query === undefined) return call;
  const rest = query.split('&').filter((option) => !option.startsWith('mode=')).join('&');
  return rest === '' ? place : `${place}?${rest}`;
}

function withRendezvous(call: string): string {
  const plain = withoutMode(call);
  return plain === '' ? '' : `${plain}${plain.includes('?') ? '&' : '?'}mode=rendezvous`;
}

function split(call: string): [string, string | undefined] {
  const at = call.indexOf('?');
  return at < 0 ? [call, undefined] : [call.slice(0, at), call.slice(at + 1)];
}
