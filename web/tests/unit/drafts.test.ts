import { describe, expect, it } from 'vitest';
import { fieldAt, generatePassphrase, latencyText, outputConfig, outputDraft, sourceConfig, sourceDraft } from '../../src/model/drafts';
import { handoutTools } from '../../src/model/handout';
import { pointerAt } from '../../src/model/pointer';
import { href, parseRoute } from '../../src/model/router';

describe('editing loses nothing', () => {
  it('writes an unchanged source back as it was, secret reference and unknown settings included', () => {
    const config = {
      name: 'cam1', tags: ['x'], srt: { listener: 'ingest', stream_id: 'event/cam1', passphrase: { secret: 'cam1' }, latency: '200ms', key_length: 256 },
      expect: { video: 'h264', gop: '2s' },
    };
    expect(sourceConfig(sourceDraft(config, 'other'), config)).toEqual(config);
  });
  it('writes unchanged outputs back as they were', () => {
    for (const body of [
      { srt: { listener: 'ingest', stream_id: 'out/a', passphrase: '•••' } }, { srt: { call: 'srt://h:1', passphrase: '•••', latency: '120ms' } },
      { udp: { to: '239.1.1.1:5000', ttl: 4 } }, { hls: { low_latency: true } }, { record: { format: 'ts', keep: '7d' } },
    ]) {
      const config = { name: 'a', source: 'cam1', ...body };
      expect(outputConfig(outputDraft(config, '', 'other'), config)).toEqual(config);
    }
  });
  it('replaces a secret only by what is typed, and removes it only when asked', () => {
    const config = { name: 'a', srt: { listener: 'i', stream_id: 's', passphrase: '•••' } };
    const draft = sourceDraft(config, '');
    draft.passphrase.text = 'correct horse';
    expect(sourceConfig(draft, config).srt).toMatchObject({ passphrase: 'correct horse' });
    draft.passphrase = { stored: '•••', text: '', remove: true };
    expect(sourceConfig(draft, config).srt).not.toHaveProperty('passphrase');
  });
  it('never mutates what the server sent', () => {
    const config = Object.freeze({ name: 'a', srt: Object.freeze({ listener: 'i', stream_id: 's' }) });
    const draft = sourceDraft(config, '');
    draft.way = 'call';
    draft.call = 'srt://h:1';
    expect(sourceConfig(draft, config).srt).toEqual({ call: 'srt://h:1', stream_id: 's' });
  });
  it('asks for low delay only where it is wanted, and keeps it', () => {
    const draft = outputDraft(null, 'cam1', 'ingest');
    Object.assign(draft, { name: 'a', kind: 'srt-call', call: 'srt://h:1', lowDelay: true });
    const config = outputConfig(draft, null);
    expect(config.srt).toEqual({ call: 'srt://h:1', low_delay: true });
    const again = outputDraft(config, '', '');
    expect(again.lowDelay).toBe(true);
    again.lowDelay = false;
    expect(outputConfig(again, config).srt).toEqual({ call: 'srt://h:1' });
  });
  it('makes open reading explicit, and only where readers call', () => {
    const draft = outputDraft(null, 'cam1', 'ingest');
    Object.assign(draft, { name: 'a', kind: 'srt-listener', streamId: 'out/a', open: true });
    expect(outputConfig(draft, null)).toEqual({ name: 'a', source: 'cam1', srt: { listener: 'ingest', stream_id: 'out/a', open: true } });
    draft.kind = 'hls';
    expect(outputConfig(draft, null)).toEqual({ name: 'a', source: 'cam1', hls: {} });
  });
});

it('carries the unit of a latency itself', () => {
  expect([latencyText('200ms'), latencyText('0.2s'), latencyText(120), latencyText(undefined)]).toEqual(['200', '200', '120', '']);
});
it('finds the field a problem points at', () => {
  const fields = ['/name', '/srt/passphrase'];
  expect(fieldAt('/srt/passphrase', fields)).toBe('/srt/passphrase');
  expect(fieldAt('/sources/3/srt/passphrase', fields)).toBe('/srt/passphrase');
  expect(fieldAt('/srt/else', fields)).toBeNull();
  expect(fieldAt(null, fields)).toBeNull();
});
it('finds the field at a column of what was sent', () => {
  const sent = JSON.stringify({ name: 'x y', srt: { listener: 'in"gest', tags: ['a', 'b'], latency: 'abc' }, expect: { video: '' } });
  const column = (text: string) => sent.indexOf(text) + 1;
  expect(pointerAt(sent, column('"x y"'))).toBe('/name');
  expect(pointerAt(sent, column('"abc"'))).toBe('/srt/latency');
  expect(pointerAt(sent, column('"abc"') + 4)).toBe('/srt/latency');
  expect(pointerAt(sent, column('"b"'))).toBe('/srt/tags/1');
  expect(pointerAt(sent, column('""'))).toBe('/expect/video');
  expect(pointerAt('', 5)).toBeNull();
  expect(pointerAt('{"a', 9)).toBe('/');
});
it('generates passphrases SRT accepts, without letters people confuse', () => {
  const made = generatePassphrase((bytes) => bytes.map((_, index) => index * 13));
  expect(made).toMatch(/^[a-km-np-z2-9]{20}$/);
});
it('keeps any name in the address', () => {
  for (const name of ['cam1', 'a/b', '50%', 'über cam']) expect(parseRoute(href({ screen: 'source', name }))).toEqual({ screen: 'source', name });
  expect(parseRoute('#/sources/%E0%A4%A')).toEqual({ screen: 'source', name: '%E0%A4%A' });
  expect([parseRoute(''), parseRoute('#/nowhere')]).toEqual([{ screen: 'routes' }, { screen: 'routes' }]);
});
it('turns a hand-out into tabs, known tools first', () => {
  const tools = handoutTools({ name: 'a', url: 'srt://x', port: 9000, passphrase: null, larix: { url: 'srt://x' }, ffmpeg: 'ffmpeg …', obs: 'srt://x', broken: null });
  expect(tools.map((tool) => tool.title)).toEqual(['OBS', 'FFmpeg', 'Larix', 'By hand']);
  expect(tools.at(-1)?.lines.map((line) => line.label)).toEqual(['URL', 'Port']);
});
