/** The protocols by name: what a choice calls them, what a row calls them, and who begins. */
import type { Config } from '../api/types';
import { capital } from './sentence';
import type { KindModel } from './schema';

/** In the list of an "Add" form. What is not named here goes by its own name and the server's words. */
const CHOICES: Record<'sources' | 'outputs' | 'listeners', Record<string, string>> = {
  sources: {
    srt: 'SRT', rtmp: 'RTMP, an encoder sends to us', udp: 'UDP, MPEG-TS', rtp: 'RTP, MPEG-TS, with FEC or two paths', rtsp: 'RTSP, we call a camera',
    hls: 'HLS, we fetch a playlist', file: 'File or still picture, played in real time', transcode: 'Another source, its sound in another codec',
    switch: 'Switch: one program from several sources, with backup',
  },
  outputs: {
    rtmp: 'RTMP, to YouTube, Twitch or any server', udp: 'UDP, MPEG-TS', rtp: 'RTP, MPEG-TS, with FEC', rtsp: 'RTSP, players call us',
    hls: 'HLS, watch in a browser, or upload it', record: 'Recording, MPEG-TS',
  },
  listeners: { srt: 'SRT, senders and readers', rtmp: 'RTMP, encoders send to us', rtsp: 'RTSP, players read from us' },
};

const SHORT: Record<string, string> = { record: 'Recording', file: 'File' };

/** The choice of a kind, in the order of the list above; new kinds follow. */
export function kindChoices(collection: keyof typeof CHOICES, kinds: KindModel[]): [string, string][] {
  const names = CHOICES[collection];
  const known = Object.keys(names).filter((kind) => kinds.some((one) => one.kind === kind));
  const others = kinds.filter(({ kind }) => !(kind in names));
  return [
    ...known.map((kind): [string, string] => [kind, names[kind] ?? kind]),
    ...others.map(({ kind, about }): [string, string] => [kind, about ? `${kindName(kind)}: ${about.replace(/\.$/, '')}` : kindName(kind)]),
  ];
}

/** "RTMP", "File". */
export const kindName = (kind: string): string => SHORT[kind] ?? (kind.length <= 4 ? kind.toUpperCase() : capital(kind.replaceAll('_', ' ')));

/** Which kind an object is; `kept` for one that nothing here knows. */
export function kindOf(config: Config | null, kinds: KindModel[], first: string): string {
  if (config === null) return first;
  if (config.srt !== undefined) return 'srt';
  return kinds.find(({ kind }) => config[kind] !== undefined)?.kind ?? 'kept';
}

/** Takes the settings of other kinds away. */
export function onlyKind(config: Config, kind: string, kinds: KindModel[]): void {
  for (const other of ['srt', ...kinds.map((one) => one.kind)]) if (other !== kind) delete config[other];
}

/** They call us, we call them, it is sent to us without a call, or it is here already. */
export type Beginning = 'called' | 'calling' | 'sent' | 'local';

const BEGINNINGS: Record<string, Beginning> = { rtmp: 'called', rtsp: 'calling', hls: 'calling', udp: 'sent', rtp: 'sent' };

/** Of a source. */
export function beginning({ kind, mode }: { kind: string; mode?: string | null }): Beginning {
  if (mode === 'caller' || mode === 'rendezvous') return 'calling';
  return BEGINNINGS[kind] ?? (kind === 'srt' || mode === 'listener' ? 'called' : 'local');
}
