/** Why a caller was turned away, in words. */
import type { Rejection, SourceView } from '../api/types';
import { duration, plural } from './format';

const REASONS: Record<string, string> = {
  wrong_passphrase: 'wrong passphrase',
  unknown_stream: 'unknown stream ID',
  no_stream_id: 'no stream ID',
  encryption_required: 'passphrase missing',
  encryption_not_expected: 'passphrase not expected',
  already_publishing: 'already publishing',
  wrong_mode: 'wrong direction',
  publish_only: 'this ID is for sending',
  read_only: 'this ID is for watching',
  version_too_old: 'SRT version too old',
  too_many_connections: 'too many connections',
  rate_limited: 'too many attempts',
  not_allowed: 'address not allowed',
  source_disabled: 'source switched off',
};

export const rejectionWord = (reason: string): string => REASONS[reason] ?? reason.replaceAll('_', ' ');

/** "3 times in 9 s", or nothing for a single one. */
export function howOften(rejection: Rejection): string {
  if (rejection.count <= 1) return '';
  const first = Date.parse(rejection.first_at ?? '');
  const last = Date.parse(rejection.at);
  const span = last - first;
  const often = plural(rejection.count, 'time');
  if (!Number.isFinite(span) || span < 1000) return often;
  return `${often} in ${span < 60_000 ? `${Math.round(span / 1000)} s` : duration(span)}`;
}

/** The address without its port; a port of a caller helps nobody. */
export function hostOf(peer: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(peer);
  if (bracketed?.[1]) return bracketed[1];
  return /^[^:]+:\d+$/.test(peer) ? peer.slice(0, peer.lastIndexOf(':')) : peer;
}

/** Whether a rejected caller probably meant this source: by its stream ID, or as the nearest one. */
export function meant(rejection: Rejection, source: SourceView): boolean {
  const srt = source.config.srt as Record<string, unknown> | undefined;
  const own = typeof srt?.stream_id === 'string' ? srt.stream_id : null;
  const plain = plainStreamId(rejection.stream_id);
  if (own !== null && plain === own) return true;
  return rejection.nearest !== null && rejection.nearest !== undefined && (rejection.nearest === source.name || rejection.nearest === own);
}

/** The resource inside `#!::r=…`, or the ID as it is. */
export function plainStreamId(streamId: string | null): string | null {
  if (!streamId?.startsWith('#!::')) return streamId;
  const resource = streamId.slice(4).split(',').find((part) => part.startsWith('r='));
  return resource ? resource.slice(2) : streamId;
}
