import { describe, expect, it } from 'vitest';
import * as format from '../../src/model/format';

describe('absent is a dash, never 0', () => {
  it.each([null, undefined, NaN])('for %s', (value) => {
    for (const write of [format.bitrate, format.milliseconds, format.percent]) expect(format.words(write(value))).toBe('–');
    expect(format.count(value)).toBe('–');
  });
  it('and 0 is 0', () => {
    expect(format.words(format.bitrate(0))).toBe('0.0 Mb/s');
    expect(format.words(format.percent(0))).toBe('0.00 %');
  });
});

it('writes bitrates in Mb/s, small ones in kb/s', () => {
  expect(format.words(format.bitrate(8_012_345))).toBe('8.0 Mb/s');
  expect(format.words(format.bitrate(192_000))).toBe('192 kb/s');
  expect(format.words(format.bitrate(999_600))).toBe('1.0 Mb/s');
  expect(format.words(format.bitrate(1))).toBe('1 kb/s');
});
it('gives small times a decimal and negative ones a true minus', () => {
  expect(format.words(format.milliseconds(0.41))).toBe('0.4 ms');
  expect(format.words(format.milliseconds(84.2))).toBe('84 ms');
  expect(format.words(format.milliseconds(-12))).toBe('−12 ms');
});
it('gives large losses one decimal and small ones two', () => {
  expect(format.words(format.percent(2.13))).toBe('2.1 %');
  expect(format.words(format.percent(0.016))).toBe('0.02 %');
});
it('writes durations as minutes and seconds, hours when there are any', () => {
  expect(format.duration(12_000)).toBe('00:12');
  expect(format.duration(728_999)).toBe('12:08');
  expect(format.duration(6_128_000)).toBe('01:42:08');
  expect(format.duration(-5)).toBe('00:00');
});
it('writes picture formats as the field does', () => {
  const video = { codec: 'h264', width: 1920, height: 1080, fps: 50 };
  expect(format.pictureFormat(video)).toBe('1080p50');
  expect(format.pictureFormat({ ...video, fps: 59.9401 })).toBe('1080p59.94');
  expect(format.pictureFormat({ ...video, fps: 25, interlaced: true })).toBe('1080i25');
  expect(format.pictureFormat({ ...video, fps: null })).toBe('1080p');
  expect(format.pictureSize(video)).toBe('1920×1080p50');
  expect(format.pictureFormat(null)).toBeNull();
});
it('writes sound as codec, layout and rate', () => {
  expect(format.audioFormat({ codec: 'aac', channels: 2, sample_rate: 48000 })).toBe('AAC stereo 48 kHz');
  expect(format.audioFormat({ codec: 'mp2', channels: 1, sample_rate: 44100 })).toBe('MP2 mono 44.1 kHz');
  expect(format.audioFormat({ codec: 'xyz', channels: null })).toBe('XYZ');
});
it('counts in words', () => {
  expect(format.plural(1, 'time')).toBe('1 time');
  expect(format.plural(1284, 'reader')).toBe('1,284 readers');
});
