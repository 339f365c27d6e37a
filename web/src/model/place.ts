/** Where a source's media come in, in the few words that fit beside its name. */
import type { ListenerView, Settings, SourceView } from '../api/types';
import { settings, text } from './drafts/write';

export interface Place {
  /** "on port 9000", "9101". */
  port: string;
  /** What tells it apart there: a stream ID, an application, an address, a file. */
  name: string;
}

export function placeOf(source: SourceView, listeners: ListenerView[]): Place {
  const own = settings(source.config, source.kind);
  const listener = listeners.find((one) => one.name === own.listener);
  // Of its own, of the listener's range, or the listener's.
  const alone = text(own.port) || text(own.bind).split(':').at(-1) || '';
  const shared = listener?.bound?.split(':').at(-1) ?? '';
  return { port: alone || (shared && `on port ${shared}`), name: NAMES[source.kind]?.(own) ?? text(own.stream_id ?? own.url ?? own.from ?? own.path ?? own.source) };
}

const NAMES: Record<string, (own: Settings) => string> = {
  rtmp: (own) => (typeof own.app === 'string' ? `/${own.app}` : ''),
  udp: (own) => text(own.from), rtp: (own) => text(own.from),
};
