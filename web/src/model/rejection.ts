/** Why a caller was turned away, in words. */
import type { Rejection, SourceView } from '../api/types';
import { duration, plural } from './format';

/** The names the API gives (protocols/srt/src/reject.rs); one it adds later is shown with blanks. */
const REASONS: Record<string, string> = {
  wrong_passphrase: 'wrong passphrase',
  encryption_required: 'passphrase missing',
  encryption_unexpected: 'passphrase not expected',
  unknown_stream: 'unknown stream ID',
  bad_stream_id: 'unreadable stream ID',
  forbidden: 'not allowed',
  address_not_allowed: 'address not allowed',
  unsupported_type: 'not a live stream',
  webhook_failed: 'no answer from the webhook',
  already_publishing: 'already publishing',
  wrong_mode: 'wrong direction',
  overloaded: 'limit reached',
  backlog: 'too many at once',
  rogue_handshake: 'broken handshake',
  version_too_old: 'SRT version too old',
  stream_mode: 'stream mode not supported',
  congestion_control: 'file mode not supported',
  packet_filter: 'packet filters do not match',
  bonding_group: 'bonding not accepted here',
  cipher_mode: 'other cipher mode',
  old_aes_gcm: 'AES-GCM of an old SRT',
  rendezvous_cookie: 'rendezvous failed',
  timeout: 'no answer',
  closing: 'listener is closing',
  refused_by_peer: 'refused by the far side',
  internal_error: 'internal error',
  wrong_key: 'wrong stream key',
  unknown_app: 'unknown application',
  not_rtmp: 'not RTMP',
  protocol_error: 'broken protocol',
  source_removed: 'source was removed',
  unknown_path: 'unknown path',
  wrong_password: 'wrong password',
  no_password: 'password missing',
  tls_failed: 'TLS failed',
  malformed: 'not understood',
  timed_out: 'no answer',
  banned: 'banned',
  full: 'no place left',
  address_full: 'too many from one address',
};

export const isKnownRejection = (reason: string): boolean => Object.hasOwn(REASONS, reason);
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
