/** Every call the dashboard makes, by name. */
import type { Platform } from '../model/platforms';
import type { Api } from '../model/schema';
import { request } from './http';
import type { Ban, Config, Handout, History, NewBan, Rejection, SourceView, SwitchStatus, SystemView, TypedEvent } from './types';

const API = '/api/v1';
const at = (...parts: string[]): string => [API, ...parts.map(encodeURIComponent)].join('/');

export type Collection = 'sources' | 'outputs' | 'listeners';

export const readSession = () => request<{ user: string }>('GET', at('session'));
export const openSession = (user: string, password: string) =>
  request<void>('POST', at('session'), { user, password });
export const closeSession = () => request<void>('DELETE', at('session'));

export const readSystem = () => request<SystemView>('GET', at('system'));
/** Every setting there is, described. */
export const readApi = () => request<Api>('GET', at('openapi.json'));
export const readPlatforms = () => request<Platform[]>('GET', at('platforms'));
export const readRejections = () => request<Rejection[]>('GET', at('rejections'));
/** With the full lists of figures, which the live stream leaves out. */
export const readSource = (source: string) => request<SourceView>('GET', at('sources', source));
export const readHistory = (source: string) => request<History>('GET', at('sources', source, 'history'));
/** For a user, with one of several passphrases; without either the first one that is for everybody. */
export function readHandout(collection: 'sources' | 'outputs', name: string, wanted: { user?: string; passphrase?: string } = {}) {
  const { user, passphrase } = wanted;
  const query = new URLSearchParams({ ...(user === undefined ? {} : { user }), ...(passphrase === undefined ? {} : { passphrase }) }).toString();
  return request<Handout>('GET', at('handout', collection, name) + (query ? `?${query}` : ''));
}
export const readEvents = (limit: number) => request<TypedEvent[]>('GET', `${API}/events?limit=${limit}`);

export const create = (collection: Collection, config: Config) => request<unknown>('POST', at(collection), config);
export const replace = (collection: Collection, config: Config) =>
  request<unknown>('PUT', at(collection, config.name), config);
export const remove = (collection: Collection, name: string) => request<void>('DELETE', at(collection, name));

/** Those of every source; of one kind, `switched` or `switch_decision`. */
export const readEventsOf = (kind: string, limit: number) => request<TypedEvent[]>('GET', `${API}/events?kind=${kind}&limit=${limit}`);
/** A test of the backup is answered when it is over. */
const DRILL_MS = 20_000;
export type SwitchAct = 'take' | 'lock' | 'unlock' | 'hold' | 'return' | 'drill';
/** Steers a switch; answers with where it stands then. */
export const steer = (source: string, act: SwitchAct, body: Record<string, unknown> = {}) =>
  request<SwitchStatus>('POST', at('sources', source, act), body, act === 'drill' ? DRILL_MS : undefined);

export const readBans = () => request<Ban[]>('GET', at('bans'));
export const createBan = (ban: NewBan) => request<Ban>('POST', at('bans'), ban);
export const liftBan = (id: number) => request<void>('DELETE', at('bans', String(id)));

export const streamPath = `${API}/stream`;
