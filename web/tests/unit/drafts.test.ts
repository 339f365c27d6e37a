import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/api/types';
import { fieldAt } from '../../src/model/drafts/fields';
import { outputEffect, sourceEffect } from '../../src/model/drafts/effect';
import { ownDraft } from '../../src/model/drafts/own';
import { outputConfig, outputDraft, ownFields } from '../../src/model/drafts/output';
import { addToUser, anotherLabel, newLabelled, passphraseFaults, passphrasePlaces } from '../../src/model/drafts/passphrases';
import { generatePassphrase } from '../../src/model/drafts/secret';
import { sourceConfig, sourceDraft } from '../../src/model/drafts/source';
import { latencyText } from '../../src/model/drafts/write';
import { usedBy } from '../../src/model/drafts/used';
import { leftOut } from '../../src/model/drafts/way';
import { handoutTools } from '../../src/model/handout';
import { pointerAt } from '../../src/model/pointer';
import { filterCost } from '../../src/model/packetfilter';
import { href, parseRoute } from '../../src/model/router';
import { output, source } from './samples';
import { OUTPUTS } from './api';

describe('editing', () => {
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
    expect(sourceConfig(draft, config).srt).toEqual({ call: 'srt://h:1' });
  });
  it('asks for low delay only where it is wanted, and keeps it', () => {
    const draft = outputDraft(null, 'cam1', 'ingest');
    Object.assign(draft, { name: 'a', kind: 'srt', way: 'call', call: 'srt://h:1', lowDelay: true });
    const config = outputConfig(draft, null);
    expect(config.srt).toEqual({ call: 'srt://h:1', low_delay: true });
    const again = outputDraft(config, '', '');
    expect(again.lowDelay).toBe(true);
    again.lowDelay = false;
    expect(outputConfig(again, config).srt).toEqual({ call: 'srt://h:1' });
  });
  it('makes open reading explicit, and only where readers call', () => {
    const draft = outputDraft(null, 'cam1', 'ingest');
    Object.assign(draft, { name: 'a', kind: 'srt', streamId: 'out/a', open: true });
    expect(outputConfig(draft, null)).toEqual({ name: 'a', source: 'cam1', srt: { listener: 'ingest', stream_id: 'out/a', open: true } });
    draft.kind = 'hls';
    expect(outputConfig(draft, null)).toEqual({ name: 'a', source: 'cam1', hls: {} });
  });
});

describe('choosing another way', () => {
  const full = {
    name: 'a', tags: ['x'],
    srt: { listener: 'i', stream_id: 's', passphrase: '•••', passphrases: { b: '•••' }, users: { c: '•••' }, allow: ['192.0.2.7'], webhook: { url: 'http://h' }, latency: '1s' },
  };
  const moved = (change: object) => {
    const draft = sourceDraft(full, '');
    return sourceConfig(Object.assign(draft, change), full);
  };
  it('to a port of its own keeps what callers need, and takes a port alone', () => {
    const { listener: _l, stream_id: _s, ...rest } = full.srt;
    expect(moved({ way: 'port', bind: '9101' })).toEqual({ ...full, srt: { ...rest, bind: '0.0.0.0:9101' } });
  });
  it('to a port of the listener’s range names the port, and no stream ID', () => {
    const { stream_id: _, ...rest } = full.srt;
    expect(moved({ way: 'range', port: '9107' })).toEqual({ ...full, srt: { ...rest, port: 9107 } });
  });
  it('to a call leaves out what is only for callers, and says so', () => {
    expect(moved({ way: 'call', call: ' srt://h:1 ' }).srt).toEqual({ call: 'srt://h:1', passphrase: '•••', latency: '1s' });
    expect(leftOut(full.srt, 'call')).toEqual(['allowed addresses', 'webhook', 'further passphrases', 'passphrases of users']);
    expect(leftOut(full.srt, 'port')).toEqual([]);
  });
  it('to rendezvous and back writes the mode into the address, and takes it out', () => {
    const both = moved({ way: 'rendezvous', call: 'srt://h:1?port=2' });
    expect(both.srt).toMatchObject({ call: 'srt://h:1?port=2&mode=rendezvous' });
    const draft = sourceDraft(both, '');
    expect([draft.way, draft.call]).toEqual(['rendezvous', 'srt://h:1?port=2']);
    draft.way = 'call';
    expect(sourceConfig(draft, both).srt).toMatchObject({ call: 'srt://h:1?port=2' });
  });
  it('and back again before saving changes nothing', () => {
    expect(moved({ way: 'listener' })).toEqual(full);
  });
  it('to another kind of output leaves nothing of the first', () => {
    const config = { name: 'a', source: 'b', tags: ['x'], srt: { call: 'srt://h:1' } };
    const draft = outputDraft(config, '', '', OUTPUTS);
    const moved = (kind: string, change: object) => outputConfig({ ...draft, kind, own: { ...ownDraft(ownFields(kind, OUTPUTS), {}), ...change } }, config, OUTPUTS);
    expect(moved('udp', { to: 'h:5' })).toEqual({ name: 'a', source: 'b', tags: ['x'], udp: { to: 'h:5' } });
    expect(moved('record', {})).toEqual({ name: 'a', source: 'b', tags: ['x'], record: { format: 'ts' } });
  });
});

describe('passphrases', () => {
  const config = { name: 'a', srt: { listener: 'i', stream_id: 's', passphrase: '•••', users: { alice: '•••', bob: { secret: 'bob' } } } };
  const today = new Date(2026, 10, 21);
  it('are changed without a gap: add the new one, then take the old one away', () => {
    const draft = sourceDraft(config, '');
    draft.more.push(newLabelled(anotherLabel(draft.more, today)));
    draft.more[0]!.secret.text = 'correct horse';
    const both = sourceConfig(draft, config);
    expect(both.srt).toEqual({ ...config.srt, passphrases: { '2026-11-21': 'correct horse' } });
    const stored = { ...both, srt: { ...config.srt, passphrases: { '2026-11-21': '•••' } } };
    const later = sourceDraft(stored, '');
    later.passphrase.remove = true;
    const { passphrase: _, ...rest } = stored.srt;
    expect(sourceConfig(later, stored).srt).toEqual(rest);
  });
  it('get labels of their own', () => {
    const one = [newLabelled('2026-11-21')];
    expect(anotherLabel(one, today)).toBe('2026-11-21-2');
    expect(anotherLabel([...one, newLabelled('2026-11-21-2')], today)).toBe('2026-11-21-3');
  });
  it('of a user: a second one labels the first, and asks again for what cannot be moved', () => {
    const draft = sourceDraft(config, '');
    for (const user of draft.users) addToUser(user, today);
    for (const user of draft.users) user.passphrases[1]!.secret.text = 'battery staple';
    expect(passphraseFaults(draft)).toEqual({ '/srt/users/#0/#0': 'Type a passphrase, or remove this line.' });
    draft.users[0]!.passphrases[0]!.secret.text = 'correct horse';
    expect(passphraseFaults(draft)).toEqual({});
    expect((sourceConfig(draft, config).srt as { users: unknown }).users).toEqual({
      alice: { old: 'correct horse', '2026-11-21': 'battery staple' }, bob: { old: { secret: 'bob' }, '2026-11-21': 'battery staple' },
    });
  });
  it('that cannot be are found before anything is sent, each at its line', () => {
    const draft = sourceDraft(config, '');
    draft.passphrase.text = 'kurz';
    draft.more = [newLabelled('a'), newLabelled('a'), newLabelled('b/c')];
    for (const line of draft.more) line.secret.text = 'long enough';
    draft.more[0]!.secret.text = 'x'.repeat(80);
    draft.users.push({ name: 'alice', passphrases: [newLabelled('')] });
    expect(passphraseFaults(draft)).toEqual({
      '/srt/passphrase': 'A passphrase has 10 to 79 characters; this one has 4. Generate one.',
      '/srt/passphrases/#0': 'A passphrase has 10 to 79 characters; this one has 80. Generate one.',
      '/srt/passphrases/#1': 'The label a is used twice.',
      '/srt/passphrases/#2': 'A name has no “/”.',
      '/srt/users/#2': 'This user is there already.',
      '/srt/users/#2/#0': 'Type a passphrase, or remove this line.',
    });
  });
  it('that the server finds wrong are found by their label', () => {
    const draft = sourceDraft({ name: 'a', srt: { passphrases: { old: '•••', new: '•••' }, users: { alice: '•••', bob: { a: '•••', b: '•••' } } } }, '');
    expect(passphrasePlaces(draft)).toEqual({
      '/srt/passphrases/old': '/srt/passphrases/#0', '/srt/passphrases/new': '/srt/passphrases/#1',
      '/srt/users/alice': '/srt/users/#0/#0', '/srt/users/bob': '/srt/users/#1/#0',
      '/srt/users/bob/a': '/srt/users/#1/#0', '/srt/users/bob/b': '/srt/users/#1/#1',
    });
  });
  it('say who uses them now', () => {
    expect(usedBy('passphrase', ['passphrase'], 'the sender')).toBe('In use now by the sender.');
    expect(usedBy('passphrases/a', ['passphrases/a', 'passphrase', 'passphrases/a'], 'readers')).toBe('In use now by 2 readers.');
    expect(usedBy('passphrases/b', [undefined, 'passphrase'], 'readers')).toBe('Nobody uses it now.');
    expect(usedBy('passphrases/b', [undefined], 'readers')).toBe('');
  });
});

describe('what saving does to who is connected', () => {
  const base = source().config;
  const with_ = (change: object) => ({ ...base, srt: { ...(base.srt as object), ...change } });
  const sender = source({ srt: { passphrase_used: 'passphrase' } });
  it('is nothing for expectations, a second passphrase, or when nobody is there', () => {
    expect(sourceEffect({ ...base, expect: { video: 'h264' } }, base, sender)).toBe('');
    expect(sourceEffect(with_({ passphrases: { b: 'correct horse' } }), base, sender)).toBe('');
    expect(sourceEffect(with_({ latency: '1s' }), base, source({ connection: 'disconnected' }))).toBe('');
  });
  it('is said for everything else, and for the passphrase that is in use', () => {
    const leaves = 'Saving disconnects the sender; it has to call again.';
    expect(sourceEffect(with_({ latency: '1s' }), base, sender)).toBe(leaves);
    expect(sourceEffect(with_({ passphrase: 'correct horse' }), base, sender)).toBe(leaves);
    expect(sourceEffect(with_({ passphrase: undefined }), base, sender)).toBe(leaves);
    const called = { name: 'a', srt: { call: 'srt://h:1' } };
    expect(sourceEffect({ name: 'a', srt: { call: 'srt://h:1', passphrase: 'correct horse' } }, called, sender)).toBe('Saving ends the call; it is placed again at once.');
  });
  it('counts the readers that lose their passphrase', () => {
    const config = { name: 'a', source: 'cam1', srt: { listener: 'i', stream_id: 's', passphrase: '•••', passphrases: { b: '•••' } } };
    const readers = [{ passphrase_used: 'passphrases/b' }, { passphrase_used: 'passphrase' }];
    const now = output({ kind: 'srt', mode: 'listener', readers: 2, config, detail: { srt: { readers } } });
    const { passphrase: _, ...rest } = config.srt;
    expect(outputEffect({ ...config, srt: rest }, config, now)).toBe('Saving disconnects 1 reader; it has to call again.');
    expect(outputEffect({ ...config, srt: { ...config.srt, latency: '1s' } }, config, now)).toBe('Saving disconnects 2 readers; they have to call again.');
    expect(outputEffect(config, config, now)).toBe('');
  });
});

describe('a call over several networks', () => {
  const base: Config = { name: 'studio', source: 'cam1', srt: { call: 'srt://h:1?streamid=a', low_delay: true } };
  const bonded: Config = { ...base, srt: { call: 'srt://h:1', bonding: { mode: 'backup', weight: 9, min_stability: '80ms', legs: [{ call: 'srt://i:1', weight: 1 }] } } };
  const changed = (config: Config, change: object) => outputConfig({ ...outputDraft(config, '', ''), ...change }, config).srt;

  it('gets its legs beside the call, without weights where none are written', () => {
    expect(changed(base, { bonding: 'backup', legs: [{ call: ' srt://h:1?adapter=192.0.2.5 ', weight: '' }, { call: '', weight: '' }] })).toEqual({
      call: 'srt://h:1?streamid=a', low_delay: true, bonding: { mode: 'backup', legs: [{ call: 'srt://h:1?adapter=192.0.2.5' }] },
    });
  });
  it('keeps what the form does not show, while it stays a backup group', () => {
    expect(changed(bonded, { legs: [{ call: 'srt://i:1', weight: '2' }] })).toEqual({
      call: 'srt://h:1', bonding: { mode: 'backup', weight: 9, min_stability: '80ms', legs: [{ call: 'srt://i:1', weight: 2 }] },
    });
    expect(changed(bonded, { bonding: 'broadcast' })).toEqual({ call: 'srt://h:1', bonding: { mode: 'broadcast', legs: [{ call: 'srt://i:1' }] } });
  });
  it('has no legs any more once one network is enough, or it is no call', () => {
    expect(changed(bonded, { bonding: '' })).toEqual({ call: 'srt://h:1' });
    expect(changed(bonded, { way: 'rendezvous' })).toEqual({ call: 'srt://h:1?mode=rendezvous' });
  });
});

describe('a packet filter', () => {
  it('says what it costs and heals', () => {
    expect(filterCost('fec,cols:10,rows:5')).toBe('Adds 30 % to the bitrate; rebuilds bursts of up to 10 packets.');
    expect(filterCost('fec,cols:10')).toBe('Adds 10 % to the bitrate; rebuilds one lost packet of 10.');
    expect(filterCost('fec,cols:10,rows:-5,arq:never')).toBe('Adds 20 % to the bitrate; rebuilds bursts of up to 10 packets.');
    expect(['', 'none', 'fec', 'fec,cols:1', 'fec,cols:10,rows:0', 'fex,cols:10'].map(filterCost)).toEqual(['', '', '', '', '', '']);
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
  expect(fieldAt('/srt/allow/3', ['/srt', '/srt/allow'])).toBe('/srt/allow');
  expect(fieldAt('/srt/users/name', fields)).toBeNull();
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
it('finds the value that ends just before the column', () => {
  const sent = '{"name":"own","srt":{"call":""}}';
  expect(pointerAt(sent, 31)).toBe('/srt/call');
  expect(pointerAt('{"name":"own","srt":{"allow":["x"],"call":"y"}}', 34)).toBe('/srt/allow/0');
  expect(pointerAt('{"name":"own","udp":{}}', 22)).toBe('/udp');
});
it('finds it behind letters of several bytes, for columns are counted in bytes', () => {
  const sent = JSON.stringify({ name: 'a', srt: { passphrase: '•••', users: { zoë: '•••' }, latency: 'abc', call: '' } });
  const column = (text: string) => new TextEncoder().encode(sent.slice(0, sent.indexOf(text) + text.length)).length;
  expect(pointerAt(sent, column('"abc"'))).toBe('/srt/latency');
  expect(pointerAt(sent, column('"call":""'))).toBe('/srt/call');
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
it('shows server and stream key in the fields of each encoder', () => {
  const tools = handoutTools({
    name: 'a', host: 'h', port: 1935, app: 'live', key: 'k', url: 'rtmp://h:1935/live', larix: null,
    obs: { server: 'rtmp://h:1935/live', stream_key: 'k' }, vmix: { url: 'rtmp://h:1935/live', stream_name_or_key: 'k' },
  });
  const labels = (title: string) => tools.find((tool) => tool.title === title)?.lines.map((line) => line.label);
  expect(labels('OBS')).toEqual(['Server', 'Stream key']);
  expect(labels('vMix')).toEqual(['URL', 'Stream name or key']);
  expect(labels('By hand')).toEqual(['URL', 'Host', 'Port', 'Application', 'Stream key']);
  expect(labels('Larix')).toBeUndefined();
});
