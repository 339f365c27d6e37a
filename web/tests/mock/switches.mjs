// Switches as their adapter tells them: all well, a tired one, one in the dark.
const ago = (now, ms) => new Date(now - ms).toISOString();
const FORMAT = 'h264 1920x1080 50 · aac stereo';
const reason = (code, text, since, advice, severity = 'switch') => ({ code, text, severity, since, advice });

const input = (name, given = {}) => ({
  name, ready: true, reasons: [], on_air: false, clean_for_ms: 754_000, connected: true, bitrate_bps: 8.1e6, key_frame_age_ms: 412, gop_ms: 1000, latency_ms: 500,
  format: FORMAT, same_format: true, twin_of: null, queue_bytes: 512_000, ...given,
});
const gone = (name, now) => input(name, {
  ready: false, connected: false, clean_for_ms: null, bitrate_bps: 0, key_frame_age_ms: null, gop_ms: null, latency_ms: null, format: null, same_format: null,
  reasons: [reason('disconnect', 'Nobody connected', ago(now, 92_000), 'Start its sender.')],
});

function status(inputs, given = {}) {
  const active = given.active === undefined ? inputs[0].name : given.active;
  const standby = inputs.filter((one) => one.name !== active);
  return {
    active, preview: standby.find((one) => one.ready)?.name ?? null, standby: standby.map(({ name, ready, reasons }) => ({ name, ready, reasons })),
    inputs: inputs.map((one) => ({ ...one, on_air: one.name === active })), locked: false, held: false, latched: false, switches: 0, automatic_switches: 0, averted: 0, last_switch: null,
    delay_ms: 0, return: 'manual', dwell_ms: 5000, next_return_in_ms: null, slate: { state: 'ready', reason: null }, last_drill: null, ...given,
  };
}

const lastSwitch = (now, given = {}) => ({
  at: ago(now, 192_000), from: 'cam1-main', to: 'cam1-backup', why: 'no_packets', text: 'cam1-main: no packets for 150 ms', automatic: true, by: null, decided_after_ms: 152, gap_ms: 0,
  repeated_ms: 310, delay_ms: 310, ...given,
});

export const statuses = (now) => ({
  program: status([input('cam1-main'), input('cam1-backup', { gop_ms: 2000, bitrate_bps: 7.9e6, latency_ms: 500 }), input('cam1-phone', { ready: false, bitrate_bps: 1.2e6, gop_ms: 5000, key_frame_age_ms: 3100, format: 'h264 1280x720 30 · aac mono', same_format: false, clean_for_ms: 4000, reasons: [reason('bitrate', 'Bitrate at 22 % of its usual', ago(now, 4000), 'Ask the operator to check the uplink.')] })], {
    switches: 4, automatic_switches: 1, averted: 12, last_switch: lastSwitch(now, { from: 'cam1-backup', to: 'cam1-main', why: 'take', text: '', automatic: false, by: 'admin', repeated_ms: 0, delay_ms: 0 }),
    last_drill: { at: ago(now, 900_000), input: 'cam1-backup', on_air: false, passed: true, gap_ms: 0, repeated_ms: 120, would: 'viewers would have seen no gap, 120 ms repeated', problems: [] },
  }),
  'program-backup': status([gone('cam1-main', now), input('cam1-backup')], { active: 'cam1-backup', switches: 1, automatic_switches: 1, last_switch: lastSwitch(now), delay_ms: 310, slate: { state: 'making', reason: null } }),
  'program-latched': status([input('cam1-main', { twin_of: 'cam1-backup' }), input('cam1-backup'), input('cam1-third', { ready: false, clean_for_ms: 1400 })], {
    active: 'cam1-backup', latched: true, locked: true, held: true, switches: 3, automatic_switches: 3, last_switch: lastSwitch(now, { gap_ms: 840, repeated_ms: 0 }),
    last_drill: { at: ago(now, 60_000), input: 'cam1-main', on_air: true, passed: false, gap_ms: 840, repeated_ms: 0, would: null, problems: ['the backup’s next key frame came 840 ms late'] },
  }),
  'program-slate': status([gone('cam1-main', now), gone('cam1-backup', now)], { active: 'slate', switches: 2, automatic_switches: 2, last_switch: lastSwitch(now, { from: 'cam1-backup', to: 'slate', why: 'disconnect', text: 'cam1-backup: the sender hung up', gap_ms: 210, repeated_ms: 0 }) }),
  'program-dark': status([gone('cam1-main', now), gone('cam1-backup', now)], { active: null, slate: { state: 'failed', reason: 'ffmpeg is not installed' } }),
  'program-alone': status([input('cam1-main')], { slate: { state: 'off', reason: null } }),
});

const STATES = { 'program-slate': ['failed', 'error'], 'program-dark': ['waiting', 'error'] };

export function sources(now, source) {
  const cams = [source(now, 'cam1-backup', { state: 'ready', latency: 500 }), source(now, 'cam1-main', { state: 'live', latency: 500 }), source(now, 'cam1-phone', { state: 'warning', health: 'warning', bps: 1.2e6, reasons: [reason('bitrate', 'Bitrate at 22 % of its usual', ago(now, 4000), 'Ask the operator to check the uplink.')] })];
  return cams.concat(Object.entries(statuses(now)).map(([name, of]) => {
    const [state, health] = STATES[name] ?? ['live', 'ok'];
    const base = source(now, name, { state, health, rtt: 0, connected: of.active !== null, up: 3_600_000 });
    return { ...base, kind: 'switch', mode: null, srt: null, peer: null, url: null, config: { name, switch: { inputs: of.inputs.map((one) => one.name), slate: 'soon.png' } }, switch: of };
  }));
}

export const events = (now) => [
  { id: 71, at: ago(now, 192_000), kind: 'switched', subject: { type: 'source', name: 'program' }, ...lastSwitch(now, { from: 'cam1-backup', to: 'cam1-main', why: 'take', text: '', automatic: false, by: 'admin', repeated_ms: 0, delay_ms: 0 }) },
  { id: 70, at: ago(now, 492_000), kind: 'switched', subject: { type: 'source', name: 'program' }, ...lastSwitch(now), at: ago(now, 492_000) },
  { id: 69, at: ago(now, 1_492_000), kind: 'switched', subject: { type: 'source', name: 'program' }, ...lastSwitch(now, { from: 'slate', to: 'cam1-main', why: 'return', text: '', automatic: false, by: 'admin', gap_ms: 40, repeated_ms: 0 }), at: ago(now, 1_492_000) },
];

/** A switch after it was steered. */
export function moved(source, stands) {
  if (!stands || !source.switch) return source;
  const active = stands.active ?? source.switch.active;
  const preview = source.switch.inputs.find((one) => one.ready && one.name !== active)?.name ?? null;
  return { ...source, switch: { ...source.switch, preview, ...stands, inputs: source.switch.inputs.map((one) => ({ ...one, on_air: one.name === active })) } };
}
