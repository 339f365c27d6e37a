/** A healthy source and output, to change one thing at a time. */
import type { OutputView, Rejection, SourceView } from '../../src/api/types';

export const NOW = Date.parse('2026-11-20T18:42:07Z');

export function source(change: Partial<SourceView> = {}): SourceView {
  return {
    name: 'cam1', revision: 1, kind: 'srt', mode: 'listener',
    config: { name: 'cam1', srt: { listener: 'ingest', stream_id: 'event/cam1', passphrase: { secret: 'cam1' } } },
    state: 'live', connection: 'connected', connection_reason: null, connected_at: '2026-11-20T18:38:01Z', health: 'ok', reasons: [],
    bitrate_bps: 8_000_000, last_packet_age_ms: 3, peer: '198.51.100.7:53012', readers: 1, url: null,
    srt: { rtt_ms: 42, jitter_ms: 1, latency_ms: 200, encryption: 'aes-128-ctr', stream_id: 'event/cam1', receive_buffer_ms: 188, loss_percent: 0.02, packets_dropped: 0 },
    media: {
      video: { codec: 'h264', profile: 'High', width: 1920, height: 1080, fps: 50, gop_seconds: 2 },
      audio: [{ codec: 'aac', channels: 2, sample_rate: 48000 }], continuity_errors: 0,
    },
    expect: null, error: null, ...change,
  };
}

export function output(change: Partial<OutputView> = {}): OutputView {
  return {
    name: 'viewers', revision: 1, kind: 'hls', source: 'cam1', config: { name: 'viewers', source: 'cam1', hls: {} },
    state: 'delivering', delivering: true, bitrate_bps: 8_000_000, readers: 3, reconnects: 0, last_error: null, url: '/hls/viewers/index.m3u8', error: null, ...change,
  };
}

export function rejection(change: Partial<Rejection> = {}): Rejection {
  return {
    id: 1, at: '2026-11-20T18:42:00Z', first_at: '2026-11-20T18:41:51Z', peer: '203.0.113.48:51022', stream_id: 'event/cam1',
    listener: 'ingest', reason: 'wrong_passphrase', count: 3, nearest: null, advice: 'Send the settings again.', ...change,
  };
}
