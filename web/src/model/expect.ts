/** What is expected of a source, and whether what arrives matches it. */
import type { AudioTrack, Expectation, SourceView } from '../api/types';
import { audioFormat, bitrate, codec, frameRate, pictureSize, plural, words } from './format';
import { mediaArrives } from './words';

export interface ExpectedVideo {
  codec?: string;
  width?: number;
  height?: number;
  fps?: number;
}
export interface ExpectedAudio {
  codec?: string;
  channels?: number;
}

/** `8M`, `800k`, `8000000`, `8 Mb/s`: bits per second, or null when nothing sensible is written. */
export function expectedBitrate(expect: Expectation | null | undefined): number | null {
  const text = expect?.bitrate;
  if (typeof text === 'number') return text > 0 ? text : null;
  const found = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)/i.exec(text ?? '');
  if (!found) return null;
  const scale = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[(found[2] ?? '').toLowerCase()] ?? 1;
  const bps = Number(found[1]) * scale;
  return bps > 0 ? bps : null;
}

/** `h264 1920x1080 50`, each part optional, in any order. */
export function expectedVideo(text: string | null | undefined): ExpectedVideo | null {
  if (!text?.trim()) return null;
  const found: ExpectedVideo = {};
  for (const word of text.trim().toLowerCase().split(/\s+/)) {
    const size = /^(\d+)[x×](\d+)(?:[pi](\d+(?:\.\d+)?))?$/.exec(word);
    if (size) {
      found.width = Number(size[1]);
      found.height = Number(size[2]);
      if (size[3]) found.fps = Number(size[3]);
    } else if (/^\d+(\.\d+)?$/.test(word)) found.fps = Number(word);
    else found.codec = word;
  }
  return found;
}

const LAYOUTS: Record<string, number> = { mono: 1, stereo: 2, '5.1': 6, '7.1': 8 };

export function expectedAudio(text: string | null | undefined): ExpectedAudio | null {
  if (!text?.trim()) return null;
  const found: ExpectedAudio = {};
  for (const word of text.trim().toLowerCase().split(/\s+/)) {
    if (word in LAYOUTS) found.channels = LAYOUTS[word];
    else if (!/^\d/.test(word)) found.codec = word;
  }
  return found;
}

/** One line of "Tracks and expectations". `result` is null where nothing was expected. */
export interface TrackLine {
  track: string;
  arriving: string | null;
  expected: string | null;
  result: 'Matches' | 'Differs' | 'Missing' | 'Low' | 'High' | 'Errors' | null;
}

export function trackLines(source: SourceView): TrackLine[] {
  const { media, expect } = source;
  const lines = [...videoLines(source), bitrateLine(source), ...audioLines(media?.audio ?? [], expect, media !== null), ...errorLine(source)];
  const known = lines.filter((line) => line.arriving !== null || line.expected !== null);
  // What was seen last matches nothing while nothing arrives.
  return mediaArrives(source) ? known : known.map((line) => ({ ...line, result: null }));
}

export const differing = (lines: TrackLine[]): TrackLine[] =>
  lines.filter((line) => line.result !== null && line.result !== 'Matches');

function videoLines({ media, expect }: SourceView): TrackLine[] {
  const video = media?.video ?? null;
  const wanted = expectedVideo(expect?.video);
  const name = video ? [codec(video.codec), video.profile].filter(Boolean).join(' ') : null;
  const size = video ? pictureSize(video) : null;
  const wantedSize = wanted?.width ? `${wanted.width}×${wanted.height}${wanted.fps ? `p${frameRate(wanted.fps)}` : ''}` : null;
  const sameCodec = video !== null && wanted?.codec !== undefined && codec(video.codec) === codec(wanted.codec);
  const sameSize =
    video !== null && video.width === wanted?.width && video.height === wanted?.height &&
    (wanted?.fps === undefined || Math.abs((video.fps ?? 0) - wanted.fps) < 0.02);
  const lines = [
    line('Video', name, wanted?.codec ? codec(wanted.codec) : null, sameCodec, media !== null),
    line('Size', size, wantedSize, sameSize, media !== null),
  ];
  if (video?.gop_seconds) lines.push(line('Keyframes', `every ${video.gop_seconds.toFixed(1)} s`, null, true, true));
  return lines;
}

const TOLERANCE = 0.3;

function bitrateLine(source: SourceView): TrackLine {
  const wanted = expectedBitrate(source.expect);
  const arriving = source.media && source.bitrate_bps !== null && mediaArrives(source) ? words(bitrate(source.bitrate_bps)) : null;
  if (wanted === null) return { track: 'Bitrate', arriving, expected: null, result: null };
  const [low, high] = [wanted * (1 - TOLERANCE), wanted * (1 + TOLERANCE)];
  const expected = `${(low / 1e6).toFixed(1)}–${(high / 1e6).toFixed(1)} Mb/s`;
  if (arriving === null) return { track: 'Bitrate', arriving, expected, result: null };
  const bps = source.bitrate_bps ?? 0;
  return { track: 'Bitrate', arriving, expected, result: bps < low ? 'Low' : bps > high ? 'High' : 'Matches' };
}

function audioLines(tracks: AudioTrack[], expect: Expectation | null, anything: boolean): TrackLine[] {
  const wanted = expectedAudio(expect?.audio);
  const wantedName = wanted
    ? [wanted.codec && codec(wanted.codec), wanted.channels && Object.keys(LAYOUTS).find((key) => LAYOUTS[key] === wanted.channels)].filter(Boolean).join(' ')
    : null;
  if (tracks.length === 0) return [line('Audio', null, wantedName, false, anything)];
  return tracks.map((track, index) => {
    const same =
      (wanted?.codec === undefined || codec(track.codec) === codec(wanted.codec)) &&
      (wanted?.channels === undefined || track.channels === wanted.channels);
    const name = tracks.length > 1 ? `Audio ${index + 1}` : 'Audio';
    const language = track.language ? `, ${track.language}` : '';
    return line(name, audioFormat(track) + language, index === 0 ? wantedName : null, same, true);
  });
}

/** Of what comes as MPEG-TS. */
const TS_KINDS = ['srt', 'udp', 'rtp'];

function errorLine({ kind, media }: SourceView): TrackLine[] {
  const errors = media?.continuity_errors;
  if (typeof errors !== 'number' || (errors === 0 && !TS_KINDS.includes(kind))) return [];
  return [{ track: 'TS errors', arriving: plural(errors, 'packet gap'), expected: '0', result: errors === 0 ? 'Matches' : 'Errors' }];
}

/** Nothing expected: no result. Expected but nothing arrives yet: no result either; the state says why. */
function line(track: string, arriving: string | null, expected: string | null, same: boolean, anything: boolean): TrackLine {
  const result = expected === null || !anything ? null : arriving === null ? 'Missing' : same ? 'Matches' : 'Differs';
  return { track, arriving, expected, result };
}
