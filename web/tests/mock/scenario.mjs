// An event day as the API would tell it: every state a source can be in, with the names and stream IDs
// that strangers really send. Figures move a little each second, from one seed.
import * as others from './others.mjs';
import * as switches from './switches.mjs';

const MINUTE = 60_000;
const wave = (second, seed, spread) =>
  (Math.sin(second / 7 + seed) + Math.sin(second / 2.3 + seed * 3) * 0.6 + Math.sin(second * 1.7 + seed)) * spread / 2.6;
const ago = (now, ms) => new Date(now - ms).toISOString();

const H264 = { codec: 'h264', profile: 'High', width: 1920, height: 1080, fps: 50, gop_seconds: 2, interlaced: false };
const AAC = { codec: 'aac', profile: 'LC', channels: 2, sample_rate: 48000, language: 'eng', bitrate_bps: 128000 };
const EXPECT = { video: 'h264 1920x1080 50', audio: 'aac stereo', bitrate: '8M' };

/** Whether it could go on air, as the server would judge it. */
function readiness(now, connected, given) {
  const reason = (code, text, advice) => ({ code, text, severity: 'switch', since: ago(now, given.age ?? 4000), advice });
  const reasons = [];
  if (!connected) reasons.push(reason('disconnect', 'Not connected', 'Disconnected. Start the sender, or look at the network between it and here.'));
  else if (given.silent) reasons.push(reason('no_packets', 'No packets', `No packets for ${given.age ?? 4000} ms. Look at the sender and the network between it and here.`));
  const ready = reasons.length === 0;
  const clean = { count: 0, last_age_ms: null };
  const gaps = given.media?.continuity_errors ?? 0;
  const continuity = gaps > 0 ? { count: gaps, last_age_ms: 1400 } : clean;
  return { readiness: { ready, reasons, clean_since: ready ? ago(now, given.up ?? 62 * MINUTE) : null }, tr101290: connected ? { continuity, pat: clean, pts: clean } : null };
}

/** One row of the scenario; what is not given is healthy. */
function source(now, name, given = {}) {
  const second = Math.floor(now / 1000);
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const connected = given.connected ?? true;
  const bps = connected ? Math.max(0, (given.bps ?? 8e6) * (1 + wave(second, seed, given.unsteady ?? 0.02))) : 0;
  const latency = given.latency ?? 200;
  const streamId = given.streamId === undefined ? `harbour/${name}` : given.streamId;
  const caller = given.mode === 'caller';
  const config = caller
    ? { name, srt: { call: given.call ?? 'srt://198.51.100.7:7001', passphrase: '•••' } }
    : { name, srt: { listener: 'ingest', stream_id: streamId, passphrase: { secret: name }, ...given.settings } };
  if (given.expect !== null) config.expect = given.expect ?? EXPECT;
  return {
    name, revision: 3, kind: 'srt', mode: caller ? 'caller' : 'listener', config,
    state: given.state ?? 'ready',
    connection: given.connection ?? (connected ? 'connected' : 'disconnected'),
    connection_reason: given.why ?? (connected ? null : 'Nobody has connected yet.'),
    connected_at: connected ? ago(now, given.up ?? 62 * MINUTE) : null,
    health: given.health ?? (connected ? 'ok' : 'error'),
    reasons: given.reasons ?? [],
    ...readiness(now, connected, given),
    bitrate_bps: Math.round(given.silent ? 0 : bps),
    last_packet_age_ms: connected ? (given.age ?? 4) : null,
    peer: connected ? (given.peer ?? `203.0.113.${seed % 200}:5${seed % 9000}`) : null,
    readers: 1,
    url: caller ? null : `srt://live.example.net:9000?streamid=${streamId}`,
    srt: connected
      ? {
          rtt_ms: Math.max(0.3, (given.rtt ?? 42) + wave(second, seed, (given.rtt ?? 42) * 0.08)), jitter_ms: given.jitter ?? 1.4,
          latency_ms: latency, encryption: given.encryption ?? 'aes-256-ctr', stream_id: given.sent ?? streamId,
          packets_received: 187432 + second % 100000, packets_lost: 71, packets_retransmitted: 68, packets_dropped: given.dropped ?? 0,
          receive_buffer_ms: Math.max(0, (given.buffer ?? latency * 0.94) + wave(second, seed, latency * 0.02)),
          advice: given.advice ?? {
            latency_ms: 160, overhead_percent: 25, enough_now: true,
            why: ['RTT 42 ms, 0.02 % loss in bursts of up to 1.3 ms, jitter 1.4 ms, over the last 10 min', `3 × RTT + 3 × jitter + 10 ms = 142 ms; now ${latency} ms`],
          },
          km_state_receive: 'secured', km_state_send: 'secured', passphrase_used: given.encryption === 'none' ? null : 'passphrase', packet_filter: 'none', host_drops_packets: 0,
          total: { key_refreshes: 2, filter_packets_rebuilt: 0, filter_packets_lost: 0 },
          ...given.srt,
          loss_percent: Math.max(0, (given.loss ?? 0.02) + wave(second, seed, (given.loss ?? 0.02) * 0.3)),
        }
      : null,
    media: connected && given.media !== null ? (given.media ?? { video: { ...H264, bitrate_bps: 7.8e6 }, audio: [AAC], programs: 1, continuity_errors: 0 }) : null,
    expect: config.expect ?? null,
    error: null,
  };
}

function output(name, of, kind, given = {}) {
  const body = {
    hls: { hls: {} }, record: { record: { format: 'ts', keep: '7d' } }, udp: { udp: { to: '239.1.1.1:5000' } },
    srt: given.mode === 'caller'
      ? { srt: { call: 'srt://203.0.113.9:9000?streamid=live/x', passphrase: '•••', ...(given.bonding ? { bonding: given.bonding } : {}) } }
      : { srt: { listener: 'ingest', stream_id: `out/${name}`, passphrase: { secret: 'partner' } } },
  }[kind];
  const delivering = given.delivering ?? true;
  return {
    name, revision: 2, kind, mode: kind === 'srt' ? (given.mode ?? 'listener') : '', source: of, config: { name, source: of, ...body },
    state: given.state ?? (delivering ? 'delivering' : 'waiting'), delivering, bitrate_bps: delivering ? (given.bps ?? 8e6) : 0,
    readers: given.readers ?? 0, reconnects: given.reconnects ?? 0, last_error: given.error ?? null,
    url: { hls: `/hls/${name}/index.m3u8`, record: `recordings/${name}/`, udp: 'udp://239.1.1.1:5000', srt: given.mode === 'caller' ? null : `srt://live.example.net:9000?streamid=out/${name}` }[kind],
    detail: given.detail ?? {}, error: null,
  };
}

const reason = (code, text, since, advice) => ({ code, text, since, advice });

const second = (now) => Math.floor(now / 1000) % 100000;

export function sources(now, started, variant = null) {
  const gone = now - started;
  return [
    ...switches.sources(now, source, variant),
    source(now, 'finish-main', { state: 'live', rtt: 42, up: 102 * MINUTE }),
    source(now, 'finish-backup', { state: 'ready', mode: 'caller', rtt: 61, loss: 0.11, latency: 250, bps: 8.1e6 }),
    source(now, 'helicopter', {
      state: 'failed', health: 'error', bps: 6.1e6, rtt: 58, loss: 1.4, latency: 260, expect: { ...EXPECT, video: 'h265 1920x1080 50', bitrate: '6M' },
      media: { video: { ...H264, codec: 'h265', profile: 'Main' }, audio: [AAC], programs: 1, continuity_errors: 14 },
      dropped: 61, reasons: [reason('losing_packets', 'Losing packets', ago(now, 9000 + gone), 'Set the latency to 340 ms, or lower the bitrate.')],
    }),
    source(now, 'drone', {
      state: 'warning', health: 'warning', silent: true, media: null, age: 12000 + gone, rtt: 37, loss: 0, latency: 160, buffer: -50,
      expect: { video: 'h264 1920x1080 25', bitrate: '4M' }, encryption: 'none',
      reasons: [reason('no_media', 'No media', ago(now, 12000 + gone), 'Ask the pilot to start the encoder.')],
    }),
    source(now, 'moto-2', {
      state: 'warning', health: 'warning', bps: 5.4e6, unsteady: 0.16, rtt: 84, jitter: 11, loss: 2.1, latency: 120, buffer: 28,
      expect: { ...EXPECT, bitrate: '6M' }, up: 4 * MINUTE,
      reasons: [
        reason('latency_too_low', 'Latency too low', ago(now, 96000), 'Latency 120 ms is too low for RTT 84 ms. Set 390 ms.'),
        reason('losing_packets', 'Losing packets', ago(now, 30000), 'Set the latency to 390 ms.'),
      ],
      advice: {
        latency_ms: 390, overhead_percent: 25, enough_now: false,
        why: [
          'RTT 84 ms, 2.1 % loss in bursts of up to 6.4 ms, jitter 11 ms, over the last 4 min',
          '4 × RTT + burst + 3 × jitter + 10 ms = 385 ms; now 120 ms',
          'At this loss fewer than 4 round trips would leave more than one packet in an hour unrecovered',
        ],
      },
    }),
    source(now, 'start-line', { state: 'live', rtt: 48, bps: 8e6, media: { video: { ...H264 }, audio: [AAC, { ...AAC, channels: 1, language: 'nor' }], programs: 1, continuity_errors: 0 } }),
    source(now, 'lead-moto', { state: 'ready', bps: 4.6e6, unsteady: 0.09, rtt: 112, loss: 0.74, latency: 700, expect: { bitrate: '5M' }, media: { video: { ...H264, codec: 'hevc', profile: 'Main 10', fps: 25 }, audio: [AAC], programs: 1, continuity_errors: 0 } }),
    source(now, 'guest-studio-2', { state: 'ready', bps: 2.4e6, rtt: 0.4, loss: 0, latency: 60, buffer: 44, expect: null, encryption: 'none', media: { video: { ...H264, width: 1280, height: 720, fps: 29.97, profile: 'Constrained Baseline' }, audio: [{ ...AAC, codec: 'opus' }], programs: 1, continuity_errors: 0 } }),
    source(now, 'commentary-booth-north-stand-second-position-with-a-very-long-name', { state: 'ready', bps: 192e3, rtt: 12, expect: { audio: 'aac stereo' }, media: { video: null, audio: [AAC], programs: 1, continuity_errors: 0 } }),
    source(now, 'bonded-van', {
      state: 'warning', health: 'warning', bps: 6e6, rtt: 46, latency: 800,
      reasons: [reason('link_lost', 'Link lost', ago(now, 72000 + gone), 'Check the network of the leg that is missing.')],
      settings: {
        passphrases: { '2026-11-20': '•••' }, users: { alice: '•••', bob: { new: '•••', old: { secret: 'bob-1' } } },
        allow: ['203.0.113.0/24', '2001:db8:85a3::/48'], second_publisher: 'stand_by', cipher: 'gcm', packet_filter: 'fec,cols:10,rows:5', webhook: { url: 'https://auth.example.net/srt' },
      },
      encryption: 'aes-256-gcm',
      srt: {
        group: 'broadcast', passphrase_used: 'passphrases/2026-11-20', packet_filter: 'fec,cols:10,rows:5,layout:staircase,arq:onreq',
        total: { key_refreshes: 3, filter_packets_rebuilt: 1204, filter_packets_lost: 17 },
        second_publisher: 'stand_by', takeovers: 1, takeovers_latched: false, standby: { peer: '203.0.113.91:40122', since: ago(now, 240000), bitrate_bps: 5.9e6 },
        legs: [
          { peer: '203.0.113.48:51022', state: 'active', weight: 1, since_ms: 900000, silent_ms: 2, rtt_ms: 46.2, receive_rate_bps: 6.4e6, packets_received: 9000 + second(now) * 500, packets_lost: second(now) * 2 },
          { peer: '[2001:db8:85a3::8a2e:370:7334]:51023', state: 'down', weight: 1, since_ms: 72000 + gone, silent_ms: 72000 + gone, rtt_ms: 91, receive_rate_bps: 0, packets_received: 91234, packets_lost: 380 },
        ],
      },
    }),
    source(now, 'backup-pair', {
      state: 'live', bps: 6e6, rtt: 31, latency: 800,
      srt: {
        group: 'backup',
        legs: [
          { peer: '198.51.100.4:50000', state: 'active', weight: 10, since_ms: 900000, silent_ms: 2, rtt_ms: 31, receive_rate_bps: 6.4e6, packets_received: 9000 + second(now) * 500, packets_lost: 4 },
          { peer: '192.0.2.200:50000', state: 'idle', weight: 1, since_ms: 900000, silent_ms: 400, rtt_ms: 64, receive_rate_bps: 0, packets_received: 0, packets_lost: 0 },
        ],
      },
    }),
    source(now, 'phone', {
      state: 'warning', health: 'warning', bps: 4e6, rtt: 70, latency: 500, loss: 0.4,
      reasons: [reason('link_lost', 'Link lost', ago(now, 12000 + gone), 'Check the network of the link that is missing.')],
      srt: {
        links: [
          { address: '198.51.100.60:40001', state: 'active', packets: 90000, bytes: 1, share_percent: 71.4, last_heard_ms: 12, joined_ms: 600000 },
          { address: '192.0.2.61:40002', state: 'active', packets: 40000, bytes: 1, share_percent: 28.6, last_heard_ms: 20, joined_ms: 600000 },
          { address: '203.0.113.62:40003', state: 'lost', packets: 7000, bytes: 1, share_percent: 0, last_heard_ms: 12000 + gone, joined_ms: 600000 },
        ],
      },
    }),
    source(now, 'two-senders', {
      state: 'live', bps: 7.9e6, rtt: 24, settings: { second_publisher: 'take_over' },
      srt: { second_publisher: 'take_over', takeovers: 6, takeovers_latched: true },
    }),
    source(now, 'other-key', {
      state: 'failed', health: 'error', media: null, silent: true, age: 9000 + gone, rtt: 24,
      reasons: [reason('no_media', 'No media', ago(now, 9000 + gone), 'Its packets cannot be decrypted: let the sender connect anew.')],
      srt: { km_state_receive: 'bad_secret', packets_undecrypted: 4021 },
    }),
    ...others.sources(now, started),
    source(now, 'town-hall', { state: 'waiting', connected: false }),
    source(now, 'press-room', { state: 'waiting', connected: false }),
    source(now, 'remote-caller', { state: 'connecting', mode: 'caller', connected: false, connection: 'connecting', why: 'Calling 198.51.100.7:7001' }),
  ];
}

export function outputs() {
  return [
    output('viewers', 'finish-main', 'hls', { readers: 1284 }),
    output('partner-tv', 'finish-main', 'srt', { readers: 2 }),
    output('archive', 'finish-main', 'record'),
    output('to-youtube-relay', 'finish-main', 'srt', { mode: 'caller', state: 'reconnecting', delivering: false, reconnects: 4, error: '203.0.113.9:9000 does not answer. Check its address, and that its port is open for UDP.' }),
    output('to-studio', 'backup-pair', 'srt', {
      mode: 'caller', bps: 6e6,
      bonding: { mode: 'backup', min_stability: '80ms', legs: [{ call: 'srt://203.0.113.9:9000?bindtodevice=usb0' }] },
      detail: {
        srt: {
          group: 'backup',
          legs: [
            { peer: '203.0.113.9:9000', call: 'srt://203.0.113.9:9000?streamid=live/x', state: 'active', weight: 2, since_ms: 900000, silent_ms: 2, rtt_ms: 22, send_rate_bps: 6.4e6, packets_sent: 91234, packets_lost: 12 },
            { peer: '203.0.113.9:9000', call: 'srt://203.0.113.9:9000?bindtodevice=usb0', state: 'down', weight: 1, since_ms: 31000, silent_ms: 31000, rtt_ms: 60, send_rate_bps: 0, packets_sent: 900, packets_lost: 0, reason: 'the far side does not answer' },
          ],
        },
      },
    }),
    output('helicopter-iso', 'helicopter', 'record', { bps: 6.1e6 }),
    output('multiview', 'moto-2', 'hls', { readers: 1, bps: 5.4e6 }),
    output('moto-2-iso', 'moto-2', 'record', { bps: 5.4e6 }),
    output('decoder-rack', 'drone', 'udp', { delivering: false }),
    output('start-iso', 'start-line', 'record'),
    output('decoders', 'start-line', 'udp'),
    output('lead-reader', 'lead-moto', 'srt', { delivering: false }),
    ...others.outputs(),
    output('broken-disk', 'guest-studio-2', 'record', { delivering: false, state: 'failed', error: 'The disk is full. Recording goes on when space is free.' }),
  ];
}

export function bans(now) {
  const of = (id, address, reason, ms, end) => ({ id, address, reason, by: 'admin', since: ago(now, ms), ...(end === null ? {} : { until: ago(now, -end) }) });
  return [
    of(1, '198.51.100.0/24', 'guesses passphrases', 3 * 24 * 60 * MINUTE, 4 * 24 * 60 * MINUTE),
    of(2, '2001:db8:dead::/48', '', 26 * MINUTE, null),
    of(3, '192.0.2.9', 'unknown stream ID, a very long reason that somebody wrote at three in the morning after the third call', 20 * MINUTE, 40 * MINUTE),
  ];
}

export const listeners = () => [
  { name: 'ingest', revision: 1, kind: 'srt', config: { name: 'ingest', srt: { bind: '0.0.0.0:9000', latency: '200ms' } }, bound: '0.0.0.0:9000', error: null, counters: { connections: 9, refused: 57, host_receive_drops: 0 } },
  { name: 'devices', revision: 1, kind: 'srt', config: { name: 'devices', srt: { bind: '0.0.0.0:9100', port_range: '9101-9149', latency: '400ms', passphrase: '•••', max_connections: 40 } }, bound: '0.0.0.0:9100', next_port: 9103, error: null, counters: { connections: 2, refused: 1204, host_receive_drops: 311 } },
  ...others.listeners(),
  { name: 'studio', revision: 1, kind: 'srt', config: { name: 'studio', srt: { bind: '[::]:9200' } }, bound: null, error: { message: 'UDP port 9200 is in use by another program', advice: 'Stop it (`ss -ulpn` shows which), or choose another port.' }, counters: {} },
];

export function alarms(now, started) {
  const of = (type, name, severity, code, text, since, advice) => ({ since: ago(since, 0), severity, subject: { type, name }, code, text, advice });
  return [
    of('source', 'drone', 'warning', 'no_media', 'No media', started - 12000, 'Ask the pilot to start the encoder.'),
    of('source', 'helicopter', 'error', 'losing_packets', 'Losing packets', started - 9000, 'Set the latency to 340 ms, or lower the bitrate.'),
    of('source', 'moto-2', 'warning', 'latency_too_low', 'Latency too low', started - 96000, 'Latency 120 ms is too low for RTT 84 ms. Set 390 ms.'),
    of('source', 'two-senders', 'warning', 'publisher_flapping', 'Publishers took source two-senders from each other 4 times within 10 minutes (203.0.113.9:4000 from 203.0.113.10:4000); a publisher that sends is not replaced any more', started - 300000,
      'Look for two encoders with one stream ID and stop one of them, or mend the path of the one that fails.'),
    of('output', 'broken-disk', 'error', 'output_failed', 'The disk is full', started - 200000, 'Free some space. Recording goes on by itself.'),
  ];
}

export function rejections(now) {
  const of = (id, ms, peer, stream_id, why, count, advice, more = {}) => ({ id, at: ago(now, ms), first_at: ago(now, ms + 9000), peer, stream_id, listener: 'ingest', reason: why, count, received: null, expected: null, nearest: null, advice, ...more });
  return [
    of(9, 8000, '203.0.113.48:51022', 'harbour/press-room', 'wrong_passphrase', 3, 'Send the settings again.', { received: 'AES-256', expected: 'AES-256, another passphrase', nearest: 'press-room' }),
    of(8, 48000, '198.51.100.21:40000', 'harbour/moto-2', 'already_publishing', 1, 'Use harbour/finish-backup, or stop the other sender.', { nearest: 'moto-2' }),
    of(7, 3 * MINUTE, '[2001:db8:85a3::8a2e:370:7334]:41820', '<script>alert(1)</script>\u202Egnp.exe', 'unknown_stream', 214, 'No source has this stream ID. If the caller is yours, correct it.', { nearest: 'helicopter' }),
    of(6, 7 * MINUTE, '192.0.2.77:6000', '#!::r=harbour/moto-2,m=request,u=vlc', 'wrong_mode', 1, 'To watch, give them an output’s stream ID.', { received: 'request', expected: 'publish', nearest: 'moto-2' }),
    of(5, 26 * MINUTE, '192.0.2.9:6000', '#!::r=' + 'A'.repeat(470) + ',m=publish', 'unknown_stream', 2, 'No source has this stream ID.'),
    of(4, 30 * MINUTE, '192.0.2.10:6000', null, 'unknown_stream', 1, 'Add ?streamid=… to the sender’s address.'),
    of(3, 30 * MINUTE, '192.0.2.10:6000', 'harbour/finish-main', 'encryption_required', 1, 'The sender sent no passphrase. Give it this source’s.', { nearest: 'finish-main' }),
  ];
}

export function events(now, variant = null) {
  const of = (id, ms, kind, name, more) => ({ id, at: ago(now, ms), kind, subject: { type: 'source', name }, ...more });
  return [
    of(1, 7.2 * MINUTE, 'source_health', 'moto-2', { health: 'warning', reasons: [{ code: 'losing_packets', text: 'Losing packets' }] }),
    of(2, 4.4 * MINUTE, 'source_disconnected', 'moto-2'),
    of(3, 4.1 * MINUTE, 'source_connected', 'moto-2'),
    of(4, 1.6 * MINUTE, 'source_health', 'moto-2', { health: 'warning', reasons: [{ code: 'latency_too_low', text: 'Latency too low' }] }),
    ...switches.events(now),
    ...switches.variantEvents(now, variant),
  ];
}

/** What a second was like is worked out once, however many rows ask for their past. */
const past = new Map();
const PAST_MAX = 900;
function secondOf(at) {
  const key = Math.floor(at / 1000);
  const found = past.get(key) ?? new Map(sources(key * 1000, key * 1000 - 12000).map((source) => [source.name, source]));
  past.set(key, found);
  if (past.size > PAST_MAX) past.delete(past.keys().next().value);
  return found;
}

/** Ten minutes of figures like those of the state, with a dip where the scenario's incidents are. */
export function history(now, name) {
  const points = [];
  for (let second = 600; second >= 0; second -= 1) {
    const at = now - second * 1000;
    const found = secondOf(at).get(name);
    if (!found) return null;
    const bump = name === 'moto-2' ? Math.exp(-(((second - 432) / 18) ** 2)) + Math.exp(-(((second - 96) / 14) ** 2)) : 0;
    const away = name === 'moto-2' && second > 246 && second < 264;
    const arriving = name === 'drone' ? second > 12 : found.connection === 'connected';
    const base = name === 'drone' ? 4e6 : found.bitrate_bps;
    points.push({
      t: new Date(at).toISOString(),
      bitrate_bps: found.connection !== 'connected' ? null : away || !arriving ? 0 : base * (1 - bump * 0.25),
      rtt_ms: found.srt && !away ? found.srt.rtt_ms * (1 + bump * 0.6) : null,
      loss_percent: found.srt && !away ? found.srt.loss_percent + bump * 4 : (found.detail?.rtp?.loss_percent ?? null),
      buffer_ms: found.srt && !away ? Math.max(0, found.srt.receive_buffer_ms * (1 - bump * 1.2)) : null,
    });
  }
  return { interval_ms: 1000, points };
}

/** A source as it is read alone: with the full lists of figures, which the stream leaves out. */
export function inFull(found) {
  if (!found?.srt) return found;
  const { srt } = found;
  const total = {
    packets_sent: 0, packets_received: srt.packets_received, packets_received_unique: srt.packets_received - 31, packets_lost: srt.packets_lost, loss_events: 40,
    packets_retransmitted: 0, packets_received_retransmitted: srt.packets_retransmitted, acks_sent: 91234, acks_received: 0, naks_sent: 52, packets_dropped: srt.packets_dropped,
    packets_belated: 3, packets_duplicate: 31, packets_undecrypted: srt.packets_undecrypted ?? 0, bytes_received: srt.packets_received * 1360, bytes_sent: 0, ...srt.total,
  };
  const interval = Object.fromEntries(Object.keys(total).map((key) => [key, 0]));
  Object.assign(interval, { packets_received: 761, packets_received_unique: 760, packets_lost: 1, acks_sent: 101, bytes_received: 1_034_960 });
  const instant = {
    rtt_ms: srt.rtt_ms, rtt_variance_ms: 2.1, jitter_ms: srt.jitter_ms, link_capacity_bps: 21.4e6, flow_window_packets: 8192, flight_packets: 0,
    receive_buffer_packets: 143, receive_buffer_bytes: 188_188, receive_buffer_ms: srt.receive_buffer_ms, receive_latency_ms: srt.latency_ms, reorder_tolerance_packets: 4,
  };
  return { ...found, srt: { ...srt, total, interval, interval_ms: 1003, instant } };
}
