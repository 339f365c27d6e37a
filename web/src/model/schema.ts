/** The settings that the server describes (OpenAPI), as fields that a form can show. Nothing here knows a protocol. */
import { advancedAt, exampleAt, labelAt, orderOf, unitOf } from './labels';

/** As much of JSON Schema as the server writes. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  format?: string;
}

export interface Api {
  components?: { schemas?: Record<string, Schema> };
}

export type Shape = 'text' | 'number' | 'flag' | 'choice' | 'secret' | 'list' | 'pairs' | 'group';

export interface FieldModel {
  key: string;
  shape: Shape;
  label: string;
  hint: string;
  unit: string;
  placeholder: string;
  required: boolean;
  /** Rarely used: shown when asked for. */
  advanced: boolean;
  /** What holds while it is not set, where the server says. */
  default: unknown;
  /** Of a choice: value, words, and all that is to say of it. */
  options: [value: string, words: string, about: string][];
  /** Of a group. */
  fields: FieldModel[];
}

/** One protocol that a source, an output or a listener can be. */
export interface KindModel {
  kind: string;
  /** What it is, in the server's words. */
  about: string;
  fields: FieldModel[];
  /** Settings that no form can show. */
  unseen: string[];
}

/** Groups inside groups are shown as far as this. */
const DEPTH_MAX = 3;

/** The kinds of an object of the desired state, such as `SourceConfig`: the properties that hold an adapter's settings. */
export function kindsOf(api: Api | null, schema: string): KindModel[] {
  const properties = Object.entries(api?.components?.schemas?.[schema]?.properties ?? {});
  const found = properties.filter(([, property]) => /^Settings of the `/.test(property.description ?? ''));
  return found.map(([kind, property]) => {
    const own = resolve(api, { ...property, description: undefined });
    const fields = fieldsOf(api, own, kind, 1);
    const shown = new Set(fields.map((field) => field.key));
    return { kind, about: plain(own.description), fields, unseen: Object.keys(own.properties ?? {}).filter((key) => !shown.has(key)) };
  });
}

/** Those that are needed come first, the others in the order people think of them. */
function fieldsOf(api: Api | null, schema: Schema, path: string, depth: number): FieldModel[] {
  const required = schema.required ?? [];
  const fields = Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const field = fieldOf(api, key, property, `${path}.${key}`, required.includes(key), depth);
    return field ? [field] : [];
  });
  const rank = (field: FieldModel) => (field.required ? 0 : field.shape === 'group' ? 200 : 100) + orderOf(field.key);
  return fields.sort((one, other) => rank(one) - rank(other));
}

/** Null for what a form cannot show: it is kept, and named. */
function fieldOf(api: Api | null, key: string, property: Schema, path: string, required: boolean, depth: number): FieldModel | null {
  const schema = resolve(api, property);
  const shape = shapeOf(api, schema);
  if (shape === null || (shape === 'group' && depth >= DEPTH_MAX)) return null;
  const fields = shape === 'group' ? fieldsOf(api, schema, path, depth + 1) : [];
  return {
    key, shape, required, fields,
    label: labelAt(path), unit: unitOf(key),
    hint: plain(property.description ?? schema.description),
    placeholder: exampleAt(path) || (shape === 'text' ? placeholderOf(schema) || exampleIn(property.description ?? schema.description) : placeholderOf(schema)),
    advanced: !required && advancedAt(path),
    default: schema.default ?? property.default,
    options: shape === 'choice' ? optionsOf(schema) : [],
  };
}

/** What a reference, and a value that may be absent, come down to; the description nearest to the property stays. */
function resolve(api: Api | null, schema: Schema): Schema {
  let found = schema;
  for (let step = 0; step < 8; step += 1) {
    const next = found.$ref ? api?.components?.schemas?.[found.$ref.split('/').at(-1) ?? ''] : only(found);
    if (!next) break;
    found = { ...next, description: found.description ?? next.description, default: found.default ?? next.default, examples: found.examples ?? next.examples };
  }
  return found;
}

/** The one schema that is left when "or nothing" is taken away. */
function only(schema: Schema): Schema | null {
  const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  const left = several?.filter((one) => one.type !== 'null');
  return left?.length === 1 && left[0] && constOf(left[0]) === undefined ? left[0] : null;
}

function shapeOf(api: Api | null, schema: Schema): Shape | null {
  if (isSecret(schema)) return 'secret';
  if (choices(schema)) return 'choice';
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null');
  if (types.includes('string')) return 'text';
  if (types.includes('integer') || types.includes('number')) return 'number';
  if (types.includes('boolean')) return 'flag';
  if (types.includes('array')) {
    const of = schema.items ? shapeOf(api, resolve(api, schema.items)) : null;
    return of === 'text' || of === 'number' || of === 'choice' ? 'list' : null;
  }
  // Secrets under names that the user gives.
  const values = schema.additionalProperties;
  if (!schema.properties && typeof values === 'object') return shapeOf(api, resolve(api, values)) === 'secret' ? 'pairs' : null;
  return schema.properties && !schema.oneOf && !schema.anyOf ? 'group' : null;
}

/** Written out, or kept apart under a name. */
const isSecret = (schema: Schema): boolean =>
  (schema.oneOf ?? schema.anyOf ?? []).some((one) => one.format === 'password') || schema.format === 'password';

const constOf = (schema: Schema): unknown => schema.const ?? (schema.enum?.length === 1 ? schema.enum[0] : undefined);

/** The words of a choice: every alternative is one fixed word, or a list of them. */
function choices(schema: Schema): Schema[] | null {
  if (schema.enum) return schema.enum.filter((one) => typeof one === 'string').map((one) => ({ const: one }));
  const several = (schema.oneOf ?? schema.anyOf)?.filter((one) => one.type !== 'null');
  if (!several?.length) return typeof schema.const === 'string' ? [schema] : null;
  const flat = several.flatMap((one) => choices(one) ?? [null]);
  return flat.every((one): one is Schema => one !== null && typeof constOf(one) === 'string') ? flat : null;
}

function optionsOf(schema: Schema): [string, string, string][] {
  return (choices(schema) ?? []).map((one) => {
    const value = String(constOf(one));
    const about = plain(one.description);
    const first = about.split(/[.:;]/)[0] ?? '';
    const name = /^[a-z0-9]{1,4}$/.test(value) ? value.toUpperCase() : value.replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase());
    return [value, first ? `${name}, ${/^[A-Z][a-z]/.test(first) ? first.charAt(0).toLowerCase() + first.slice(1) : first}` : name, about];
  });
}

function placeholderOf(schema: Schema): string {
  const example = schema.default ?? schema.examples?.[0];
  return typeof example === 'string' || typeof example === 'number' ? String(example) : '';
}

/** An address or a word that the description gives as an example. */
function exampleIn(text: string | undefined): string {
  const found = /(?:like|such as)\s+`([^`]+)`/.exec(text ?? '') ?? /`([^`\s]+:[^`\s]+)`/.exec(text ?? '');
  return found?.[1] ?? '';
}

/** A description as a hint: one paragraph, without the marks of code. */
const plain = (text: string | undefined): string => (text ?? '').split(/\n\s*\n/)[0]?.replace(/\s+/g, ' ').replaceAll('`', '').trim() ?? '';
