/** The settings as the server that belongs to this dashboard describes them. */
import { readFileSync } from 'node:fs';
import { kindsOf, type Api, type Schema } from '../../src/model/schema';

export const API = JSON.parse(readFileSync(new URL('../../../server/openapi.json', import.meta.url), 'utf8')) as Api;
export const SOURCES = kindsOf(API, 'SourceConfig');
export const OUTPUTS = kindsOf(API, 'OutputConfig');
export const LISTENERS = kindsOf(API, 'ListenerConfig');

/** The names of all settings of one kind. */
export function settingsOf(object: string, kind: string): string[] {
  const schemas = API.components?.schemas ?? {};
  const named = (schema: Schema | undefined): string | undefined => schema?.$ref?.split('/').at(-1) ?? schema?.anyOf?.map(named).find(Boolean);
  return Object.keys(schemas[named(schemas[object]?.properties?.[kind]) ?? '']?.properties ?? {});
}
