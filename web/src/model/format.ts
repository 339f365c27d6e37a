/** Numbers, times and formats as the screens write them. Absent is a dash, never 0. */
import type { AudioTrack, VideoTrack } from '../api/types';

export const ABSENT = '–';
const MINUS = '\u2212';

/** A number and its unit, kept apart because units are set smaller and greyer. */
export interface Quantity {
  value: string;
  unit: string;
}

const known = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value);

const signed = (text: string): string => text.replace('-', MINUS);

export function bitrate(bps: number | null | undefined): Quantity | null {
  if (!known(bps)) return null;
  if (bps > 0 && bps < 999_500) return { value: String(Math.max(1, Math.round(bps / 1000))), unit: 'kb/s' };
  return { value: (bps / 1e6).toFixed(1), unit: 'Mb/s' };
}

export function milliseconds(value: number | null | undefined): Quantity | null {
  if (!known(value)) return null;
  const fine = Math.abs(value) < 10 && value !== 0;
  return { value: signed(value.toFixed(fine ? 1 : 0)), unit: 'ms' };
}

export function percent(value: number | null | undefined): Quantity | null {
  if (!known(value)) return null;
  return { value: value.toFixed(value < 1 ? 2 : 1), unit: '%' };
}

export function count(value: number | null | undefined): string {
  return known(value) ? value.toLocaleString('en-GB') : ABSENT;
}

/** A quantity as plain text, for sentences and readers: "8.2 Mb/s". */
export function words(quantity: Quantity | null): string {
  return quantity ? `${quantity.value} ${quantity.unit}` : ABSENT;
}

/** `00:12`, `12:08`, `01:42:08`. */
export function duration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
  return hours > 0 ? `${two(hours)}:${rest}` : rest;
}

/** Local time of day: `18:42:07`, or `18:42` without seconds. */
export function clock(at: number, seconds = true): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].slice(0, seconds ? 3 : 2);
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** The time of day, with the date in front when it was another day. */
export function moment(at: number, now: number): string {
  const day = (value: number) => new Date(value).toDateString();
  if (day(at) === day(now)) return clock(at);
  const date = new Date(at);
  return `${date.getDate()} ${date.toLocaleString('en-GB', { month: 'short' })} ${clock(at, false)}`;
}

/** `UTC+1`, `UTC−3:30`, `UTC`. */
export function offsetFromUtc(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const whole = Math.floor(Math.abs(minutes) / 60);
  const part = Math.abs(minutes) % 60;
  return `UTC${minutes > 0 ? '+' : MINUS}${whole}${part ? `:${String(part).padStart(2, '0')}` : ''}`;
}

const CODECS: Record<string, string> = {
  h264: 'H.264', avc: 'H.264', h265: 'H.265', hevc: 'H.265', h266: 'H.266', vvc: 'H.266', av1: 'AV1',
  mpeg1: 'MPEG-1', mpeg2: 'MPEG-2', mpeg4: 'MPEG-4', aac: 'AAC', 'aac-latm': 'AAC LATM', mp1: 'MP1', mp2: 'MP2',
  mp3: 'MP3', 'mpeg-audio': 'MPEG audio', ac3: 'AC-3', eac3: 'E-AC-3', ac4: 'AC-4', dts: 'DTS', opus: 'Opus',
  s302m: 'SMPTE 302M',
};

export const codec = (name: string): string => CODECS[name.toLowerCase()] ?? name.toUpperCase();

/** `50`, `25`, `59.94`: two decimals only when they carry something. */
export function frameRate(fps: number): string {
  const near = Math.round(fps);
  return Math.abs(fps - near) < 0.01 ? String(near) : fps.toFixed(2);
}

/** `1080p50`, `1080i25`, `1080p` while the rate is not known. */
export function pictureFormat(video: VideoTrack | null | undefined): string | null {
  if (!video?.height) return null;
  return `${video.height}${video.interlaced ? 'i' : 'p'}${known(video.fps) ? frameRate(video.fps) : ''}`;
}

/** `1920×1080p50`. */
export function pictureSize(video: VideoTrack): string | null {
  const format = pictureFormat(video);
  return format && video.width ? `${video.width}×${format}` : format;
}

export function channels(number: number | null | undefined): string {
  if (!known(number) || number === 0) return ABSENT;
  const names: Record<number, string> = { 1: 'Mono', 2: 'Stereo', 6: '5.1', 8: '7.1' };
  return names[number] ?? `${number} channels`;
}

export function sampleRate(hertz: number | null | undefined): string {
  return known(hertz) ? `${hertz % 1000 === 0 ? hertz / 1000 : (hertz / 1000).toFixed(1)} kHz` : '';
}

/** `AAC stereo 48 kHz`. */
export function audioFormat(track: AudioTrack): string {
  const layout = channels(track.channels).toLowerCase();
  return [codec(track.codec), layout === ABSENT ? '' : layout, sampleRate(track.sample_rate)].filter(Boolean).join(' ');
}

/** `3 times`, `1 file`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;
}
