/** A switch with a main on air and a backup that is ready, to change one thing at a time. */
import type { SourceView, SwitchInput, SwitchStatus } from '../../src/api/types';
import { source } from './samples';

export function input(name: string, change: Partial<SwitchInput> = {}): SwitchInput {
  return {
    name, ready: true, reasons: [], on_air: false, clean_for_ms: 754_000, connected: true, bitrate_bps: 8_000_000, key_frame_age_ms: 400, gop_ms: 1000, latency_ms: 500,
    format: 'h264 1920x1080 50 · aac stereo', same_format: true, twin_of: null, ...change,
  };
}

export const silent = (name: string): SwitchInput =>
  input(name, { ready: false, reasons: [{ code: 'no_packets', text: 'No packets', severity: 'switch', since: '2026-11-20T18:41:55Z', advice: 'Look at the sender.' }] });

export const gone = (name: string): SwitchInput =>
  input(name, { ready: false, connected: false, clean_for_ms: null, bitrate_bps: 0, key_frame_age_ms: null, gop_ms: null, latency_ms: null, format: null, same_format: null });

export function program(change: Partial<SwitchStatus> = {}): SwitchStatus {
  const inputs = change.inputs ?? [input('main', { on_air: true }), input('backup')];
  return {
    active: 'main', preview: 'backup', standby: [{ name: 'backup', ready: true, reasons: [] }], inputs, locked: false, held: false, latched: false,
    switches: 0, automatic_switches: 0, averted: 0, last_switch: null, delay_ms: 0, return: 'manual', dwell_ms: 5000, next_return_in_ms: null, next_scheduled: null,
    slate: { state: 'ready', reason: null }, last_drill: null, ...change,
  };
}

export const switchSource = (status: SwitchStatus, change: Partial<SourceView> = {}): SourceView =>
  source({ name: 'program', kind: 'switch', mode: null, srt: null, peer: null, config: { name: 'program', switch: { inputs: status.inputs.map((one) => one.name) } }, switch: status, ...change });
