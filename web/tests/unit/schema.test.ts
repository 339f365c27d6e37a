/** Forms are made from what the server says of its settings; no kind needs code of its own. */
import { describe, expect, it } from 'vitest';
import { isSet, ownDraft, ownFaults, ownPointers, ownSettings, type GroupDraft, type PairsDraft } from '../../src/model/drafts/own';
import type { SecretDraft } from '../../src/model/drafts/secret';
import { sourceConfig, sourceDraft } from '../../src/model/drafts/source';
import { kindChoices } from '../../src/model/kinds';
import { chooseFirst, refersTo, withMissing } from '../../src/model/references';
import { kindsOf, type Api } from '../../src/model/schema';
import { OUTPUTS } from './api';

const SECRET = { description: 'A secret.', oneOf: [{ type: 'string', format: 'password' }, { type: 'object', properties: { secret: { type: 'string' } }, required: ['secret'] }] };
const API: Api = {
  components: {
    schemas: {
      SecretRef: SECRET,
      Span: { type: 'string', description: 'A time with its unit.', examples: ['200ms'] },
      SourceConfig: {
        properties: {
          name: { type: 'string', description: 'Its name.' },
          expect: { anyOf: [{ type: 'object', properties: { video: { type: 'string' } } }, { type: 'null' }], description: 'What should be in the feed.' },
          cam: { anyOf: [{ $ref: '#/components/schemas/Cam' }, { type: 'null' }], description: 'Settings of the `cam` adapter.' },
        },
      },
      Cam: {
        description: 'A camera.\n\nMore about it.',
        required: ['url', 'key'],
        properties: {
          allow: { type: 'array', items: { type: 'string' } },
          buffer: { anyOf: [{ $ref: '#/components/schemas/Span' }, { type: 'null' }], description: 'How long\nit waits.' },
          fec: { anyOf: [{ $ref: '#/components/schemas/Fec' }, { type: 'null' }] },
          key: { $ref: '#/components/schemas/SecretRef', description: 'Whoever knows it may `publish`.' },
          headers: { type: 'object', additionalProperties: { $ref: '#/components/schemas/SecretRef' } },
          legs: { type: 'array', items: { $ref: '#/components/schemas/Fec' } },
          listener: { type: ['string', 'null'] },
          loop: { type: 'boolean' },
          max_readers: { type: 'integer', default: 100 },
          tags: { type: 'object', additionalProperties: { type: 'string' } },
          transport: { oneOf: [{ const: 'tcp', type: 'string', description: 'Inside the connection: nothing is lost.' }, { const: 'udp', type: 'string' }], default: 'tcp' },
          ttl: { type: ['integer', 'null'], maximum: 255 } as object,
          url: { type: 'string', description: 'Where it is: `cam://host/path`.' },
        },
      },
      Fec: { required: ['columns'], properties: { columns: { type: 'integer' }, protect_rows: { type: 'boolean', default: true } } },
    },
  },
};
const KINDS = kindsOf(API, 'SourceConfig');
const { fields } = KINDS[0]!;
const field = (key: string) => fields.find((one) => one.key === key)!;
const BASE = { url: 'rtsp://c', key: { secret: 'cam' }, fec: { columns: 5, of: 'a later version' }, tags: { a: 'b' } };

describe('the server’s description', () => {
  it('becomes kinds: what holds settings, and nothing else', () => {
    expect(KINDS.map(({ kind, about, unseen }) => ({ kind, about, unseen }))).toEqual([{ kind: 'cam', about: 'A camera.', unseen: ['legs', 'tags'] }]);
    expect(kindsOf(null, 'SourceConfig')).toEqual([]);
  });
  it('becomes fields: those needed first, groups last, each by its shape', () => {
    expect(fields.map(({ key, shape }) => `${key} ${shape}`)).toEqual([
      'url text', 'key secret', 'listener text', 'transport choice', 'loop flag', 'allow list', 'ttl number', 'buffer text', 'headers pairs', 'max_readers number', 'fec group',
    ]);
    expect(fields.filter(({ required }) => required).map(({ key }) => key)).toEqual(['url', 'key']);
    expect(fields.filter(({ advanced }) => advanced).map(({ key }) => key)).toEqual(['buffer', 'headers', 'max_readers']);
  });
  it('becomes words: labels, hints in one line, examples, choices', () => {
    expect(field('key')).toMatchObject({ label: 'Stream key', hint: 'Whoever knows it may publish.' });
    expect(field('buffer')).toMatchObject({ hint: 'How long it waits.', placeholder: '200ms' });
    expect(field('url').placeholder).toBe('cam://host/path');
    expect(field('max_readers')).toMatchObject({ label: 'Readers, at most', placeholder: '100' });
    expect(field('transport').options).toEqual([['tcp', 'TCP, inside the connection', 'Inside the connection: nothing is lost.'], ['udp', 'UDP', '']]);
    expect(kindChoices('sources', KINDS)).toEqual([['cam', 'CAM: A camera']]);
  });
  it('of this server shows every setting of its plain kinds', () => {
    for (const kind of OUTPUTS.filter((one) => one.kind !== 'srt')) expect([kind.kind, kind.unseen]).toEqual([kind.kind, []]);
    expect(OUTPUTS.map((one) => one.kind)).toEqual(expect.arrayContaining(['srt', 'udp', 'hls', 'record']));
  });
});

describe('a form made from it', () => {
  const changed = (change: object) => ownSettings(fields, { ...ownDraft(fields, BASE), ...change }, BASE);
  const fec = (change: Partial<GroupDraft>) => ({ fec: { ...(ownDraft(fields, BASE).fec as GroupDraft), ...change } });

  it('writes nothing that was not changed, and keeps what it does not show', () => {
    expect(changed({})).toEqual(BASE);
    expect(changed({ url: ' rtsp://d ' })).toEqual({ ...BASE, url: 'rtsp://d' });
  });
  it('writes numbers as numbers, lists as lists, and takes away what is emptied', () => {
    expect(changed({ ttl: '16', allow: '192.0.2.7, 198.51.100.0/24' })).toEqual({ ...BASE, ttl: 16, allow: ['192.0.2.7', '198.51.100.0/24'] });
    expect(changed({ ttl: 'many' }).ttl).toBe('many');
    const set = { ...BASE, ttl: 16, allow: ['192.0.2.7'], loop: true, transport: 'udp' };
    expect(ownSettings(fields, { ...ownDraft(fields, set), ttl: '', allow: ' ', loop: false, transport: 'tcp' }, set)).toEqual(BASE);
  });
  it('keeps a secret unless a new one is typed', () => {
    const { key } = ownDraft(fields, BASE);
    expect(changed({ key: { ...(key as SecretDraft), text: 'new one' } }).key).toBe('new one');
    expect(changed({ key: { ...(key as SecretDraft), text: '' } }).key).toEqual({ secret: 'cam' });
  });
  it('keeps, adds and takes away secrets under names', () => {
    const base = { ...BASE, headers: { Authorization: { secret: 'cdn' } } };
    const { headers } = ownDraft(fields, base) as { headers: PairsDraft };
    const wanted = (pairs: PairsDraft['pairs']) => ownSettings(fields, { ...ownDraft(fields, base), headers: { pairs } }, base).headers;
    const token = { name: ' X-Token ', secret: { stored: null, text: 't', remove: false } };
    expect(wanted(headers.pairs)).toEqual(base.headers);
    expect(wanted([...headers.pairs, token])).toEqual({ ...base.headers, 'X-Token': 't' });
    expect(wanted([])).toBeUndefined();
    const faults = (name: string, text: string) => ownFaults(fields, { ...ownDraft(fields, BASE), headers: { pairs: [{ name, secret: { stored: null, text, remove: false } }] } }, '/cam');
    expect(faults('X-Token', 't')).toEqual({});
    expect(faults('X-Token', '')).toEqual({ '/cam/headers': 'X-Token needs a value.' });
    expect(faults('', 't')).toEqual({ '/cam/headers': 'A value needs a name.' });
  });
  it('changes inside a group, and switches it on and off', () => {
    expect(changed(fec({ fields: { columns: '8', protect_rows: false } })).fec).toEqual({ columns: 8, protect_rows: false, of: 'a later version' });
    expect(changed(fec({ on: false })).fec).toBeUndefined();
    const { fec: _, ...without } = BASE;
    const draft = ownDraft(fields, without);
    expect(draft.fec).toEqual({ on: false, fields: { columns: '', protect_rows: true } });
    draft.fec = { on: true, fields: { columns: '5', protect_rows: true } };
    expect(ownSettings(fields, draft, without).fec).toEqual({ columns: 5 });
  });
  it('says what is needed, at its place', () => {
    const draft = ownDraft(fields, {});
    draft.fec = { on: true, fields: { columns: '', protect_rows: true } };
    expect(ownFaults(fields, draft, '/cam')).toEqual({ '/cam/url': 'Address is needed.', '/cam/key': 'Stream key is needed.', '/cam/fec/columns': 'Columns is needed.' });
    expect(ownFaults(fields, ownDraft(fields, BASE), '/cam')).toEqual({});
    expect(ownPointers(fields, '/cam')).toContain('/cam/fec/columns');
  });
  it('opens what is rarely used only where it is set', () => {
    expect([isSet(field('max_readers'), ''), isSet(field('max_readers'), '5'), isSet(field('transport'), 'tcp'), isSet(field('loop'), true)]).toEqual([false, true, false, true]);
  });
  it('offers the objects that a setting names, also the one that is gone', () => {
    const listeners = [{ name: 'in', kind: 'cam', bound: '[::]:1935' }, { name: 'other', kind: 'srt', bound: null }] as never;
    expect(refersTo('cam', field('listener'), { listeners })?.options).toEqual([['in', 'in, [::]:1935']]);
    expect(refersTo('cam', field('url'), { listeners })).toBeNull();
    const needed = { ...field('listener'), required: true };
    expect(chooseFirst('cam', [needed], { listener: '' }, { listeners })).toEqual({ listener: 'in' });
    expect(withMissing([['a', 'a']], 'b')).toEqual([['b', 'b, missing'], ['a', 'a']]);
  });
});

describe('a source of a kind that only the server knows', () => {
  it('is changed to from SRT without leaving anything behind, and back', () => {
    const base = { name: 'cam1', tags: ['x'], srt: { listener: 'ingest', stream_id: 's' }, expect: { video: 'h264' } };
    const draft = { ...sourceDraft(base, 'ingest', KINDS), kind: 'cam', own: { ...ownDraft(fields, {}), url: 'rtsp://c' } };
    const cam = sourceConfig(draft, base, KINDS);
    expect(cam).toEqual({ name: 'cam1', tags: ['x'], cam: { url: 'rtsp://c' }, expect: { video: 'h264' } });
    const back = { ...sourceDraft(cam, 'ingest', KINDS), kind: 'srt', streamId: 's' };
    expect(sourceConfig(back, cam, KINDS)).toEqual(base);
  });
});
