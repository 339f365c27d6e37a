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
    active, preview: standby.find((one) => one.ready || one.reasons[0]?.code === 'settling')?.name ?? null, standby: standby.map(({ name, ready, reasons }) => ({ name, ready, reasons })),
    inputs: inputs.map((one) => ({ ...one, on_air: one.name === active })), locked: false, held: false, latched: false, switches: 0, automatic_switches: 0, averted: 0, last_switch: null,
    delay_ms: 0, return: 'manual', dwell_ms: 5000, next_return_in_ms: null, next: null, next_scheduled: null, drill: null, slate: { state: 'ready', reason: null }, last_drill: null, ...given,
  };
}

const lastSwitch = (now, given = {}) => ({
  at: ago(now, 192_000), from: 'cam1-main', to: 'cam1-backup', why: 'no_packets', text: 'cam1-main: no packets for 150 ms', automatic: true, by: null, decided_after_ms: 152, gap_ms: 0,
  repeated_ms: 310, delay_ms: 310, ...given,
});

const settling = (name, ms) => input(name, { ready: false, clean_for_ms: ms, reasons: [reason('settling', `well for ${ms} ms, 3000 ms are asked for`, null, 'Wait: it was not well until a moment ago.', null)] });
const failing = (name, now) => input(name, {
  ready: false, clean_for_ms: null, bitrate_bps: 1.4e6, key_frame_age_ms: 5200,
  reasons: [reason('unrecovered_loss', '214 packets lost for good within 5 s', ago(now, 9000), 'Raise the latency, or lower the bitrate.'), reason('continuity', '31 continuity errors within a second', ago(now, 8000), 'Look at the sender’s network.')],
});
const SMALL = 'h264 1280x720 30 · aac mono';

/** What the switch `program` can be instead of healthy: one state of things each. */
export const variants = (now) => {
  const pair = [input('cam1-main'), input('cam1-backup')];
  return {
    healthy: status(pair, { last_drill: drilled(now) }),
    failed: status([gone('cam1-main', now), input('cam1-backup')], { active: 'cam1-backup', switches: 1, automatic_switches: 1, last_switch: lastSwitch(now), delay_ms: 310, last_drill: drilled(now) }),
    slate: status([gone('cam1-main', now), gone('cam1-backup', now)], { active: 'slate', switches: 2, automatic_switches: 2, last_switch: lastSwitch(now, { from: 'cam1-backup', to: 'slate', why: 'disconnect', text: 'cam1-backup: the sender hung up', gap_ms: 210, repeated_ms: 0 }) }),
    bad: status([failing('cam1-main', now), gone('cam1-backup', now), input('cam1-phone', { ready: false, clean_for_ms: null, bitrate_bps: 0, key_frame_age_ms: null, reasons: [reason('no_packets', 'no packets for 12300 ms', ago(now, 12_300), 'Look at the sender and the network between it and here.')] })], { slate: { state: 'failed', reason: 'There is no file soon.png in the folder media. Copy it there.' }, switches: 2, automatic_switches: 2, last_switch: lastSwitch(now, { gap_ms: 1240, repeated_ms: 0 }) }),
    locked: status(pair, { locked: true }),
    held: status(pair, { held: true }),
    latched: status(pair, { active: 'cam1-backup', latched: true, switches: 3, automatic_switches: 3, last_switch: lastSwitch(now, { gap_ms: 840, repeated_ms: 0 }) }),
    lockedbad: status([failing('cam1-main', now), input('cam1-backup')], { locked: true }),
    rehearsed: status(pair, { last_drill: drilled(now, { outcome: 'failed', passed: false, gap_ms: 840, repeated_ms: 0, would: 'viewers would have seen the picture standing for 840 ms; one thing was wrong', problems: ['the picture would have stood for 840 ms: more latency on the input on air, or key frames more often on the other, would cover that'] }) }),
    drill: status([input('cam1-main', { ready: false, clean_for_ms: null, reasons: [reason('drill', 'cut by a drill, no packets for 3800 ms', ago(now, 3800), null), reason('no_media', 'it delivers nothing', null, 'Look at its sender: it is connected and sends nothing.', null)] }), input('cam1-backup')], {
      active: 'cam1-backup', preview: null, switches: 1, automatic_switches: 1, last_switch: lastSwitch(now, { at: ago(now, 3100), why: 'drill', text: 'cam1-main: cut by a drill, no packets for 150 ms', by: 'admin', repeated_ms: 310 }),
      drill: { input: 'cam1-main', since: ago(now, 3800), ends_at: ago(now, -6200), by: 'admin' },
    }),
    drilled: status(pair, { active: 'cam1-backup', switches: 1, automatic_switches: 1, last_switch: lastSwitch(now, { why: 'drill', text: 'cam1-main: cut by a drill, no packets for 150 ms', by: 'admin' }), last_drill: drilled(now, { on_air: true, repeated_ms: 310, would: 'cam1-main was cut for 10 s: cam1-backup took over, decided 150 ms after the last packet' }) }),
    settling: status([settling('cam1-main', 1200), input('cam1-backup')], { active: 'cam1-backup', switches: 1, automatic_switches: 1, last_switch: lastSwitch(now) }),
    starting: status([settling('cam1-main', 1200), settling('cam1-backup', 400)], { active: null, preview: null, slate: { state: 'missing', reason: null } }),
    refused: status([input('cam1-main'), input('cam1-phone', { ready: false, format: SMALL, same_format: false, reasons: [reason('format', `format differs: ${SMALL} instead of ${FORMAT}`, null, 'Set its encoder as that of the input on air, or allow it with on_mismatch: switch.', null)] })]),
    twins: status([input('cam1-main'), input('cam1-backup', { twin_of: 'cam1-main' })], { late_packets: 12, switches: 4, automatic_switches: 4, last_switch: lastSwitch(now, { why: 'twin', text: 'cam1-main carries the same packets as cam1-backup, and goes on for it', from: 'cam1-backup', to: 'cam1-main', decided_after_ms: 0, repeated_ms: 0, delay_ms: 0 }) }),
    scheduled: status(pair, { next_scheduled: { at: ago(now, -754_000), take: 'cam1-backup' } }),
    missed: status([input('cam1-main'), settling('cam1-backup', 900)], { next_scheduled: { at: ago(now, -7_540_000), take: 'slate' } }),
    coming: status(pair, { next: 'cam1-backup' }),
    many: status(Array.from({ length: 12 }, (_, at) => input(at === 3 ? 'commentary-booth-north-stand-second-position-with-a-very-long-name' : `cam-${at + 1}`, at % 5 === 4 ? { ready: false, reasons: [reason('no_packets', 'no packets for 4300 ms', ago(now, 4300), 'Look at the sender.')] } : {}))),
  };
};

const drilled = (now, given = {}) => ({
  at: ago(now, 900_000), input: 'cam1-main', took_over: 'cam1-backup', on_air: false, outcome: 'passed', passed: true, decided_after_ms: 150, gap_ms: 0, repeated_ms: 120, would: 'viewers would have seen 120 ms twice', problems: [], ...given,
});

/** What a variant's history tells beside. */
export const variantEvents = (now, variant) =>
  variant === 'missed' ? [{ id: 90, at: ago(now, 94_000), kind: 'switch_decision', decision: 'missed', subject: { type: 'source', name: 'program' }, from: 'cam1-main', to: 'cam1-backup', why: 'schedule', text: 'the scheduled take of cam1-backup was not done: cam1-backup is not ready: no packets for 61200 ms', automatic: true, by: null, decided_after_ms: 0, figure: null, evidence: [] }] : [];

export const statuses = (now) => ({
  program: status([input('cam1-main'), input('cam1-backup', { gop_ms: 2000, bitrate_bps: 7.9e6, latency_ms: 500 }), input('cam1-phone', { ready: false, bitrate_bps: 1.2e6, gop_ms: 5000, key_frame_age_ms: 3100, format: 'h264 1280x720 30 · aac mono', same_format: false, clean_for_ms: 4000, reasons: [reason('bitrate', 'Bitrate at 22 % of its usual', ago(now, 4000), 'Ask the operator to check the uplink.')] })], {
    switches: 4, automatic_switches: 1, averted: 12, last_switch: lastSwitch(now, { from: 'cam1-backup', to: 'cam1-main', why: 'take', text: '', automatic: false, by: 'admin', repeated_ms: 0, delay_ms: 0 }),
    last_drill: { at: ago(now, 900_000), input: 'cam1-main', took_over: 'cam1-backup', on_air: false, outcome: 'passed', passed: true, gap_ms: 0, repeated_ms: 120, would: 'viewers would have seen 120 ms twice', problems: [] },
  }),
  'program-backup': status([gone('cam1-main', now), input('cam1-backup')], { active: 'cam1-backup', switches: 1, automatic_switches: 1, last_switch: lastSwitch(now), delay_ms: 310, slate: { state: 'making', reason: null } }),
  'program-latched': status([input('cam1-main', { twin_of: 'cam1-backup' }), input('cam1-backup'), input('cam1-third', { ready: false, clean_for_ms: 1400 })], {
    active: 'cam1-backup', latched: true, locked: true, held: true, switches: 3, automatic_switches: 3, last_switch: lastSwitch(now, { gap_ms: 840, repeated_ms: 0 }),
    last_drill: { at: ago(now, 60_000), input: 'cam1-main', took_over: 'cam1-backup', on_air: false, outcome: 'failed', passed: false, gap_ms: 840, repeated_ms: 0, would: 'viewers would have seen the picture standing for 840 ms; one thing was wrong', problems: ['the picture would have stood for 840 ms: more latency on the input on air, or key frames more often on the other, would cover that'] },
  }),
  'program-slate': status([gone('cam1-main', now), gone('cam1-backup', now)], { active: 'slate', switches: 2, automatic_switches: 2, last_switch: lastSwitch(now, { from: 'cam1-backup', to: 'slate', why: 'disconnect', text: 'cam1-backup: the sender hung up', gap_ms: 210, repeated_ms: 0 }) }),
  'program-dark': status([gone('cam1-main', now), gone('cam1-backup', now)], { active: null, slate: { state: 'failed', reason: 'ffmpeg is not installed' } }),
  'program-alone': status([input('cam1-main')], { slate: { state: 'off', reason: null } }),
});

const STATES = { 'program-slate': ['failed', 'error'], 'program-dark': ['waiting', 'error'] };

export function sources(now, source, variant = null) {
  const cams = [source(now, 'cam1-backup', { state: 'ready', latency: 500 }), source(now, 'cam1-main', { state: 'live', latency: 500 }), source(now, 'cam1-phone', { state: 'warning', health: 'warning', bps: 1.2e6, reasons: [reason('bitrate', 'Bitrate at 22 % of its usual', ago(now, 4000), 'Ask the operator to check the uplink.')] })];
  return cams.concat(Object.entries(variant === null ? statuses(now) : { program: variants(now)[variant] }).map(([name, of]) => {
    const [state, health] = of.active === null ? STATES['program-dark'] : of.active === 'slate' ? STATES['program-slate'] : ['live', 'ok'];
    const base = source(now, name, { state, health, rtt: 0, connected: of.active !== null, up: 3_600_000 });
    return { ...base, kind: 'switch', mode: null, srt: null, peer: null, url: null, config: { name, switch: { inputs: of.inputs.map((one) => one.name), slate: 'soon.png', ...(variant === 'refused' ? { on_mismatch: 'refuse' } : {}) } }, switch: of };
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
  if (stands.drill && Date.parse(stands.drill.ends_at) < Date.now()) stands.drill = null;
  const active = stands.active ?? source.switch.active;
  const preview = source.switch.inputs.find((one) => one.ready && one.name !== active)?.name ?? null;
  return { ...source, switch: { ...source.switch, preview, ...stands, inputs: source.switch.inputs.map((one) => ({ ...one, on_air: one.name === active })) } };
}
