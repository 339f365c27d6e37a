import { describe, expect, it } from 'vitest';
import { choosePlatform, restreamDraft, restreamFaults, writeRestream } from '../../src/model/drafts/restream';
import { addressOf, beyond, hasBackup, keyWords, limitLines, verifiedWords, type Platform } from '../../src/model/platforms';
import { source } from './samples';

const TUBE: Platform = {
  id: 'tube', name: 'Tube', key: 'persistent', url: 'rtmps://a.tube/live', backup_url: 'rtmps://b.tube/live',
  limits: { video_kbps: 6000, audio_kbps: 160, keyframe_seconds: 4, best_keyframe_seconds: 2, video_codecs: ['h264', 'hevc'], audio_codecs: ['aac'], max_fps: 30, max_height: 720, b_frames: false, portrait: true, session_hours: 8 },
  verified: '2026-11-21', confidence: 'documented',
};
const WORLD: Platform = { id: 'world', name: 'World', key: 'event', regions: [{ id: 'eu', name: 'Europe', url: 'rtmp://eu.world/x' }], limits: {}, confidence: 'recalled' };
const PASTE: Platform = { id: 'paste', name: 'Paste', key: 'session', paste_url: true, limits: {} };
const ALL = [TUBE, WORLD, PASTE];

describe('a platform', () => {
  it('says what it takes, line by line', () => {
    expect(limitLines(TUBE)).toEqual([
      { name: 'Picture', text: 'H.264 or H.265, up to 6.0 Mb/s, 720p30, upright, no B-frames' }, { name: 'Key frames', text: 'every 2 s, at most 4 s' },
      { name: 'Sound', text: 'AAC, up to 160 kb/s' }, { name: 'Length', text: 'at most 8 h' },
    ]);
    expect(limitLines(PASTE)).toEqual([]);
  });
  it('says how long a key lasts, and whether the facts were looked up', () => {
    expect([keyWords(WORLD), verifiedWords(TUBE)]).toEqual(['A new key for every event: paste it when the event is set up.', 'Verified 21 Nov 2026.']);
    expect(verifiedWords(WORLD)).toContain('compare with what it shows you');
  });
  it('has an address by region and entrance, or none', () => {
    expect([addressOf(TUBE, '', false), addressOf(TUBE, '', true), addressOf(WORLD, 'eu', false), addressOf(PASTE, '', false)]).toEqual(
      ['rtmps://a.tube/live', 'rtmps://b.tube/live', 'rtmp://eu.world/x', null],
    );
    expect([hasBackup(TUBE, ''), hasBackup(WORLD, 'eu')]).toEqual([true, false]);
  });
  it('warns of what the source brings beyond its limits, and of nothing it does not know', () => {
    const { media } = source();
    const over = beyond(TUBE, { ...media!, video: { ...media!.video!, bitrate_bps: 8e6, gop_seconds: 6 }, audio: [{ codec: 'mp2' }] });
    expect(over).toEqual([
      'The picture has 8.0 Mb/s; Tube takes 6.0 Mb/s.', 'Key frames come every 6.0 s; Tube wants at most 4 s.', '50 pictures a second come; Tube takes 30.',
      'The picture has 1080 lines; Tube takes 720.', 'Tube does not take MP2 sound. Encode AAC.',
    ]);
    expect([beyond(WORLD, media), beyond(TUBE, null)]).toEqual([[], []]);
  });
});

describe('an output to a platform', () => {
  const BASE = { platform: 'tube', key: '•••', backup: true };
  const written = (change: object, base: Record<string, unknown> | null = BASE) => {
    const rtmp = { ...base };
    writeRestream(rtmp, { ...restreamDraft(base ?? {}), ...change }, base);
    return rtmp;
  };
  it('saved unchanged stays as it was', () => {
    for (const base of [BASE, { url: 'rtmp://h/app', key: { secret: 'a' } }, { url: 'rtmp://h/app', backup: false, of: 'a later version' }]) expect(written({}, base)).toEqual(base);
  });
  it('of another platform has that one’s region and address, and asks for its key', () => {
    const draft = restreamDraft(BASE);
    choosePlatform(draft, 'world', ALL);
    expect(draft).toMatchObject({ platform: 'world', region: 'eu', backup: false, url: '' });
    expect(restreamFaults(draft, BASE, ALL)).toEqual({ '/rtmp/key': 'Paste the key from World.' });
    draft.key.text = 'abc';
    expect(restreamFaults(draft, BASE, ALL)).toEqual({});
    expect(written(draft)).toEqual({ platform: 'world', region: 'eu', key: 'abc' });
  });
  it('asks for the address where the platform has none for everybody', () => {
    const draft = restreamDraft({});
    choosePlatform(draft, 'paste', ALL);
    expect(restreamFaults(draft, null, ALL)).toEqual({ '/rtmp/url': 'Paste the address that Paste shows you.', '/rtmp/key': 'Paste the key from Paste.' });
    choosePlatform(draft, '', ALL);
    expect(restreamFaults(draft, null, ALL)).toEqual({ '/rtmp/url': 'Where does it go? Write it like rtmps://live.example.net/app.', '/rtmp/key': 'Paste the key.' });
  });
});
