// What comes and goes by other protocols than SRT, as their adapters tell it.
const MINUTE = 60_000;
const ago = (now, ms) => new Date(now - ms).toISOString();
const H264 = { codec: 'h264', profile: 'High', width: 1920, height: 1080, fps: 50, gop_seconds: 2, interlaced: false, bitrate_bps: 7.8e6 };
const AAC = { codec: 'aac', profile: 'LC', channels: 2, sample_rate: 48000, bitrate_bps: 160000 };

function source(now, name, kind, settings, given = {}) {
  const connected = given.connected ?? true;
  const bps = connected ? (given.bps ?? 8e6) * (1 + Math.sin(now / 7000 + name.length) * 0.02) : 0;
  return {
    name, revision: 4, kind, mode: given.mode ?? null, config: { name, [kind]: settings, ...(given.expect ? { expect: given.expect } : {}) },
    state: given.state ?? (connected ? 'ready' : 'waiting'), connection: given.connection ?? (connected ? 'connected' : 'disconnected'),
    connection_reason: connected ? null : (given.why ?? 'Nobody has connected yet.'), connected_at: connected ? ago(now, 41 * MINUTE) : null,
    health: given.health ?? (connected ? 'ok' : 'error'), reasons: given.reasons ?? [], bitrate_bps: Math.round(bps), last_packet_age_ms: connected ? 12 : null,
    peer: connected ? (given.peer ?? null) : null, readers: 1, reconnects: 0, last_error: null, url: given.url ?? null, port: null, srt: null,
    detail: connected && given.detail ? { [kind]: given.detail } : {},
    media: connected ? { video: H264, audio: [AAC], programs: 1, continuity_errors: 0, ...given.media } : null, expect: given.expect ?? null, error: null,
  };
}

export function sources(now, started) {
  const packets = Math.floor(now / 1000) % 100_000 * 700;
  return [
    source(now, 'studio-obs', 'rtmp', { listener: 'encoders', key: { secret: 'studio' }, app: 'live' }, {
      state: 'live', mode: 'listener', peer: '203.0.113.20:51844', url: 'rtmps://live.example.net:1936/live',
      detail: {
        app: 'live', program: 'FMLE/3.0 (compatible; FMSc/1.0)', encoder: 'obs-output module (libobs version 31.0.2)', tls: 'TLS 1.3', rtt_ms: 31, enhanced: ['hvc1', 'av01', 'Opus'], metadata: { width: 1920 },
        received_bytes: 4.1e9, messages: 98123, messages_ignored: 0, messages_unusable: 0, problem: null, timestamp_jumps: { forward: 0, backward: 0 },
      },
    }),
    source(now, 'sat-downlink', 'rtp', { from: '239.10.1.1:5004', interface: 'eth1', fec: true, and: { from: '239.10.2.1:5004', interface: 'eth2' } }, {
      state: 'warning', health: 'warning', bps: 14e6, peer: '10.20.0.4:5004', expect: { video: 'h264 1920x1080 50', bitrate: '14M' },
      reasons: [{ code: 'link_lost', text: 'Link lost', since: ago(now, 38_000 + now - started), advice: 'Check the network of the path that is missing.' }],
      detail: {
        from: ['239.10.1.1:5004', '239.10.2.1:5004'], receive_buffer_bytes: 8388608, host_drops: 0, ignored_packets: 0, ignored_sender: null, not_mpeg_ts: 0, has_rtp_header: true,
        received: packets, lost: 311, unrecovered: 0, loss_percent: 0.31, latency_ms: 200, order: { reordered: 14, duplicates: 0, late: 0, strays: 0, restarts: 0 },
        fec: { columns: 10, rows: 10, column_packets: 9120, row_packets: 9120, bad_packets: 0, recovered: 311, unrecovered: 0 },
        legs: [
          { from: '239.10.1.1:5004', peer: '10.20.0.4:5004', working: true, received: packets, missing: 311, behind_ms: 0 },
          { from: '239.10.2.1:5004', peer: '10.20.0.4:5004', working: false, received: 812_000, missing: 4, behind_ms: 0 },
        ],
      },
    }),
    source(now, 'encoder-rack', 'udp', { from: '239.1.1.20:5000', interface: 'eth1', source: '10.20.0.9' }, {
      bps: 20e6, peer: '10.20.0.9:40000', detail: { from: ['239.1.1.20:5000'], receive_buffer_bytes: 8388608, host_drops: 41, ignored_packets: 0, not_mpeg_ts: 0, has_rtp_header: false, received: packets, unrecovered: 0 },
    }),
    source(now, 'parking-camera', 'rtsp', { url: 'rtsp://192.168.20.31:554/stream1', transport: 'udp', username: 'viewer', password: '•••' }, {
      bps: 3.1e6, peer: '192.168.20.31:554', media: { video: { ...H264, width: 2560, height: 1440, fps: 15 }, audio: [] },
      detail: { transport: 'udp', streams: [{ media: 'video', encoding: 'h264', clock_hz: 90000, carried: true }], frames: 48211, lost_packets: 7 },
    }),
    source(now, 'partner-feed', 'hls', { url: 'https://partner.example.com/live/master.m3u8' }, { bps: 5e6, peer: '198.51.100.80:443' }),
    source(now, 'holding-slate', 'file', { path: 'holding.mp4', loop: true }, { bps: 2e6, peer: 'holding.mp4', detail: { format: 'mp4', delays: 0, left_out: [], round: 12 } }),
    source(now, 'guest-phone', 'rtmp', { listener: 'encoders', key: '•••' }, { connected: false, mode: 'listener', url: 'rtmps://live.example.net:1936/live' }),
  ];
}

function restream(name, settings, detail, given = {}) {
  const delivering = given.delivering ?? true;
  const { backup, ...config } = settings;
  return {
    name, revision: 2, kind: 'rtmp', mode: null, source: 'studio-obs', config: { name, source: 'studio-obs', rtmp: { ...config, key: '•••', ...(backup ? { backup } : {}) } },
    state: given.state ?? 'delivering', state_reason: null, delivering, bitrate_bps: delivering ? 7.9e6 : 0, readers: 0, reconnects: given.reconnects ?? 0, last_error: given.error ?? null, url: null, port: null,
    detail: { rtmp: { connected: delivering, enhanced: false, left_out: [], warnings: [], frames_sent: 120_221, frames_dropped: 0, connections: 1, queued_batches: 0, queue_bytes_max: 16_777_216, breaks: 0, last_break: null, ...detail } }, error: null,
  };
}

export const outputs = () => [
  restream('youtube-main', { platform: 'youtube' }, { to: 'rtmps://a.rtmps.youtube.com:443/live2', platform: 'youtube', tracks: ['h264 1920x1080', 'aac 48000 Hz'], left_out: ['scte35'], round_trip_ms: 18, resent: 4, first_frame_ms: 640 }),
  restream('youtube-backup', { platform: 'youtube', backup: true }, { to: 'rtmps://b.rtmps.youtube.com:443/live2', platform: 'youtube', tracks: ['h264 1920x1080', 'aac 48000 Hz'], round_trip_ms: 21 }),
  restream('to-twitch', { platform: 'twitch', region: 'osl' }, {
    to: 'rtmp://live-osl.twitch.tv/app', platform: 'twitch', tracks: ['h264 1920x1080', 'aac 48000 Hz'], round_trip_ms: 9, frames_dropped: 212,
    warnings: [{ about: 'video_bitrate', text: 'The picture has 7.8 Mb/s, and Twitch takes 6.0 Mb/s', advice: 'Lower the encoder’s bitrate' }],
  }, { reconnects: 2 }),
  restream('to-partner', { url: 'rtmps://ingest.partner.example/app' }, { to: 'rtmps://ingest.partner.example/app', platform: null, round_trip_ms: null }, {
    state: 'reconnecting', delivering: false, reconnects: 7, error: 'The server refused the stream key: “NetStream.Publish.BadName”. Paste the key again, and check that the event has begun.',
  }),
];

export const listeners = () => [
  { name: 'encoders', revision: 4, kind: 'rtmp', config: { name: 'encoders', rtmp: { bind: '0.0.0.0:1936', tls: { cert: '/etc/tidegate/cert.pem', key: '/etc/tidegate/key.pem' } } }, bound: '0.0.0.0:1936', error: null,
    counters: { connections: 1, connections_max: 500, accepted: 61, banned: 0, not_allowed: 0, full: 0, address_full: 0, pending_full: 0, silent: 9, tls_failed: 4, malformed: 2, timed_out: 3, refused: 31, published: 12, received_bytes: 4.1e9 } },
  { name: 'players', revision: 4, kind: 'rtsp', config: { name: 'players', rtsp: { bind: '0.0.0.0:8554' } }, bound: '0.0.0.0:8554', error: null,
    counters: { connections: 3, accepted: 40, banned: 0, refused_max_connections: 0, refused_unknown_path: 5, refused_wrong_password: 2, refused_no_password: 0, malformed: 0, timed_out: 0 } },
];
