/** The platforms an RTMP output knows: where they take streams, what they take, and how long a key lasts, in words. */
import type { Media } from '../api/types';
import { bitrate, codec, frameRate, words } from './format';

export interface Platform {
  id: string;
  name: string;
  key: 'persistent' | 'event' | 'session';
  url?: string | null;
  backup_url?: string | null;
  regions?: Region[];
  /** Where it takes HLS. */
  hls_url?: string | null;
  /** Each user is shown an address of their own. */
  paste_url?: boolean;
  limits: Limits;
  help?: string | null;
  notes?: string | null;
  source?: string;
  /** The day on which it was last compared with its source. */
  verified?: string | null;
  confidence?: 'documented' | 'reported' | 'recalled';
}

export interface Region {
  id: string;
  name: string;
  url: string;
  backup_url?: string | null;
}

export interface Limits {
  video_kbps?: number | null;
  audio_kbps?: number | null;
  keyframe_seconds?: number | null;
  best_keyframe_seconds?: number | null;
  video_codecs?: string[];
  audio_codecs?: string[];
  max_fps?: number | null;
  max_height?: number | null;
  b_frames?: boolean | null;
  portrait?: boolean | null;
  sample_rates_hz?: number[];
  session_hours?: number | null;
}

const KEYS: Record<Platform['key'], string> = {
  persistent: 'The key stays the same until you change it there.',
  event: 'A new key for every event: paste it when the event is set up.',
  session: 'A new key for every session: paste it just before you start.',
};

export const keyWords = (platform: Platform): string => KEYS[platform.key] ?? '';

/** Where the stream goes, unless an address is written; null where each user has one of their own. */
export function addressOf(platform: Platform, region: string, backup: boolean): string | null {
  const place = platform.regions?.find((one) => one.id === region) ?? platform;
  return (backup ? place.backup_url : place.url) ?? null;
}

/** Whether the platform takes the same stream a second time. */
export const hasBackup = (platform: Platform, region: string): boolean => addressOf(platform, region, true) !== null;

/** What it takes, one line for the picture, one for the sound, one for the rest. */
export function limitLines({ limits }: Platform): { name: string; text: string }[] {
  const { video_kbps, audio_kbps, keyframe_seconds, best_keyframe_seconds, max_fps, max_height } = limits;
  const keyframes = best_keyframe_seconds ?? keyframe_seconds;
  const longest = keyframe_seconds && keyframes !== keyframe_seconds ? `, at most ${keyframe_seconds} s` : '';
  const picture = [
    codecs(limits.video_codecs), video_kbps && `up to ${rate(video_kbps)}`, size(max_height, max_fps), limits.portrait && 'upright',
    limits.b_frames === false && 'no B-frames',
  ];
  const sound = [codecs(limits.audio_codecs), audio_kbps && `up to ${rate(audio_kbps)}`, limits.sample_rates_hz?.length && `${limits.sample_rates_hz.map((hertz) => hertz / 1000).join(' or ')} kHz`];
  const lines = [
    { name: 'Picture', parts: picture },
    { name: 'Key frames', parts: [keyframes && `every ${keyframes} s${longest}`] },
    { name: 'Sound', parts: sound },
    { name: 'Length', parts: [limits.session_hours && `at most ${limits.session_hours} h`] },
  ];
  return lines.map(({ name, parts }) => ({ name, text: parts.filter(Boolean).join(', ') })).filter(({ text }) => text !== '');
}

/** "Verified 21 Nov 2026", or that nobody could. */
export function verifiedWords(platform: Platform): string {
  const at = Date.parse(platform.verified ?? '');
  if (Number.isFinite(at)) return `Verified ${new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })}.`;
  return platform.confidence === undefined ? '' : 'Not published by the platform: compare with what it shows you.';
}

/** Encoders do not meet a figure exactly. */
const TOLERANCE = 1.05;

/** What the source brings that the platform does not take, said while there is time to change the encoder. */
export function beyond({ name, limits }: Platform, media: Media | null | undefined): string[] {
  const video = media?.video;
  const sound = media?.audio[0];
  const over = (value: number | null | undefined, most: number | null | undefined) => Boolean(value && most && value > most * TOLERANCE);
  const lines = Math.min(video?.width ?? Infinity, video?.height ?? Infinity);
  return [
    video && !takes(limits.video_codecs, video.codec) && `${name} does not take ${codec(video.codec)}. Encode ${codecs(limits.video_codecs)}.`,
    over(video?.bitrate_bps, (limits.video_kbps ?? 0) * 1000) && `The picture has ${words(bitrate(video?.bitrate_bps))}; ${name} takes ${rate(limits.video_kbps ?? 0)}.`,
    over(video?.gop_seconds, limits.keyframe_seconds) && `Key frames come every ${video?.gop_seconds?.toFixed(1)} s; ${name} wants at most ${limits.keyframe_seconds} s.`,
    over(video?.fps, limits.max_fps) && `${frameRate(video?.fps ?? 0)} pictures a second come; ${name} takes ${limits.max_fps}.`,
    Number.isFinite(lines) && over(lines, limits.max_height) && `The picture has ${lines} lines; ${name} takes ${limits.max_height}.`,
    sound && !takes(limits.audio_codecs, sound.codec) && `${name} does not take ${codec(sound.codec)} sound. Encode ${codecs(limits.audio_codecs)}.`,
    media && video && !sound && `There is no sound. Many platforms refuse a stream without it.`,
  ].filter((text): text is string => typeof text === 'string');
}

const takes = (list: string[] | undefined, name: string): boolean => !list?.length || list.some((one) => codec(one) === codec(name));
const codecs = (list: string[] | undefined): string => list?.map(codec).join(', ').replace(/, ([^,]*)$/, ' or $1') ?? '';
const rate = (kbps: number): string => words(bitrate(kbps * 1000));
const size = (height: number | null | undefined, fps: number | null | undefined): string =>
  height ? `${height}p${fps ? frameRate(fps) : ''}` : fps ? `${frameRate(fps)} fps` : '';
