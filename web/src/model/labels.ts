/** Plain words for settings. What is not listed here gets its own name with blanks, so a new setting needs nothing. */

/** By name, or by kind and name where one word means several things. */
const LABELS: Record<string, string> = {
  allow: 'Allowed addresses', app: 'Application', audio: 'Sound', bind: 'Address and port', buffer: 'Buffer', ca: 'Certificates to trust',
  cbr: 'Constant bitrate', cert: 'Certificate file', fec: 'Error correction (FEC)', from: 'Comes in at', interface: 'Network interface',
  keep: 'Keep for', key: 'Stream key', listener: 'Listener', loop: 'Begin again at the end', max_connections: 'Connections, at most',
  max_connections_per_address: 'Connections per address, at most', max_readers: 'Readers, at most', password: 'Password', path: 'Path',
  rtp_port: 'UDP port for media', segment: 'Segment length', source: 'Source', tls: 'TLS certificate', to: 'To', tos: 'Type of service (ToS)',
  transport: 'Transport', ttl: 'TTL', url: 'Address', username: 'User name', window: 'Segments listed', and: 'Second path (SMPTE 2022-7)',
  columns: 'Columns', rows: 'Rows', protect_rows: 'Protect rows, too', video: 'Picture', width: 'Width', height: 'Height', fps: 'Frame rate',
  bitrate: 'Bitrate', picture: 'Picture', image: 'Picture file', headers: 'Request headers',
  'udp.source': 'Sender’s address', 'rtp.source': 'Sender’s address', 'rtp.and.source': 'Sender’s address', 'rtmp.tls.key': 'Private key file',
  'rtp.fec': 'Error correction (SMPTE 2022-1)', 'file.path': 'File', 'file.video': 'A picture becomes', 'file.audio': 'Sound beside a picture', push: 'Upload instead of serving here', max_bitrate: 'Bitrate, at most', backup: 'Backup entrance',
  delete: 'Delete old segments there', allow_private: 'Follow into private networks', multitrack: 'All sound tracks', 'hls.key': 'Key in the address', 'hls.push.key': 'Stream key', 'record.segment': 'New file every',
};

/** Rarely needed; shown under "Advanced". */
const ADVANCED = new Set([
  'tos', 'rtp_port', 'buffer', 'app', 'ca', 'cbr', 'window', 'allow_link_local', 'allow_private', 'delete', 'multitrack', 'hls.segment', 'hls.key', 'udp_port', 'timeout', 'headers', 'user_agent', 'nice',
]);

/** The order people think of them; what is not listed comes after these. */
const ORDER = [
  'listener', 'platform', 'url', 'from', 'to', 'source', 'path', 'image', 'picture', 'bind', 'cert', 'key', 'region', 'backup', 'username', 'password', 'transport', 'interface', 'loop',
  'video', 'audio', 'width', 'height', 'fps', 'bitrate', 'segment', 'keep', 'columns', 'rows', 'allow', 'tls', 'ttl',
];

/** What a field shows while it is empty, where the server's example fits all times and none well. */
const EXAMPLES: Record<string, string> = { 'record.segment': '1h', 'record.keep': '7d', 'hls.segment': '2s' };

export const exampleAt = (path: string): string => EXAMPLES[path] ?? '';

const UNITS: [RegExp, string][] = [
  [/_ms$/, 'ms'], [/_seconds$/, 's'], [/_percent$/, '%'], [/_kbps$/, 'kb/s'], [/_bps$/, 'b/s'], [/_bytes$/, 'bytes'], [/_hz$/, 'Hz'], [/^fps$/, 'fps'],
];

/** `path` is kind and names, `rtp.fec.columns`. */
export function labelAt(path: string): string {
  const key = path.split('.').at(-1) ?? path;
  return LABELS[path] ?? LABELS[key] ?? inWords(key);
}

export function advancedAt(path: string): boolean {
  const key = path.split('.').at(-1) ?? path;
  return ADVANCED.has(path) || ADVANCED.has(key) || key.startsWith('max_');
}

export function orderOf(key: string): number {
  const at = ORDER.indexOf(key);
  return at < 0 ? ORDER.length : at;
}

export const unitOf = (key: string): string => UNITS.find(([end]) => end.test(key))?.[1] ?? '';

/** `max_connections` as "Max connections"; the unit goes into the field. */
function inWords(key: string): string {
  const name = UNITS.reduce((left, [end]) => (end.source.startsWith('_') ? left.replace(end, '') : left), key).replaceAll('_', ' ');
  return name.charAt(0).toUpperCase() + name.slice(1);
}
