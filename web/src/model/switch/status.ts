/** What a switch says of itself, and what follows from it: who is on air, who would be next. */
import type { SourceView, SwitchInput, SwitchStatus } from '../../api/types';
import { isObject } from '../own';

export const SLATE = 'slate';

const NOTHING: Omit<SwitchStatus, 'inputs'> = {
  active: null, preview: null, next: null, standby: [], locked: false, held: false, latched: false, switches: 0, automatic_switches: 0, averted: 0, last_switch: null,
  delay_ms: 0, return: 'manual', dwell_ms: 0, next_return_in_ms: null, next_scheduled: null, slate: { state: 'off', reason: null }, drill: null, last_drill: null,
};
const NOTHING_KNOWN: Omit<SwitchInput, 'name'> = {
  ready: false, reasons: [], on_air: false, clean_for_ms: null, connected: false, bitrate_bps: null, key_frame_age_ms: null, gop_ms: null, latency_ms: null, format: null, same_format: null, twin_of: null,
};
/** A message is asked about by every row; it is read once. */
const read = new WeakMap<object, SwitchStatus>();

/** Null for every other kind of source, and while it has not said anything yet. What it leaves out is nothing. */
export function switchOf(source: SourceView): SwitchStatus | null {
  const found: unknown = source.kind === 'switch' ? source.switch : null;
  if (!isObject(found) || !Array.isArray(found.inputs)) return null;
  const known = read.get(found);
  if (known) return known;
  const given = found as unknown as SwitchStatus;
  const status = { ...NOTHING, ...given, inputs: given.inputs.map((input) => ({ ...NOTHING_KNOWN, ...input })) };
  read.set(found, status);
  return status;
}

export const inputOf = (status: SwitchStatus, name: string | null): SwitchInput | undefined =>
  status.inputs.find((input) => input.name === name);

/** An input that happens to be called `slate` is an input. */
export const onSlate = (status: SwitchStatus): boolean => status.active === SLATE && !inputOf(status, SLATE);

/** Somebody wanted the slate: that is no failure. */
export const slateByHand = (status: SwitchStatus): boolean => onSlate(status) && status.last_switch?.to === SLATE && !status.last_switch.automatic;

/** The slate can be taken, too. */
export const offersSlate = (status: SwitchStatus): boolean => status.slate.state === 'ready' && !inputOf(status, SLATE);

/** "1" for the first input, "0" for the slate; past nine there is no key. */
export function keyOf(status: SwitchStatus, name: string): string | null {
  if (name === SLATE && !inputOf(status, SLATE)) return '0';
  const at = status.inputs.findIndex((input) => input.name === name);
  return at >= 0 && at < 9 ? String(at + 1) : null;
}

export function nameAt(status: SwitchStatus, key: string): string | null {
  if (key === '0') return offersSlate(status) ? SLATE : null;
  return status.inputs[Number(key) - 1]?.name ?? null;
}

/** Players would have to start anew. Nothing is said while either format is unknown. */
export const differs = (status: SwitchStatus, input: SwitchInput): boolean => input.same_format === false && Boolean(input.format) && input.name !== status.active && inputOf(status, status.active) !== undefined;

/** Those that could go on air instead. */
export const others = (status: SwitchStatus): SwitchInput[] => status.inputs.filter((input) => input.name !== status.active);

export const readyOthers = (status: SwitchStatus): SwitchInput[] => others(status).filter((input) => input.ready);

/**
 * What a take would air: what was chosen on this screen as long as that makes sense, else what the server
 * would, else the best that there is.
 */
export function previewOf(status: SwitchStatus, chosen: string | null): string | null {
  const makesSense = (name: string | null): name is string =>
    name !== null && name !== status.active && (inputOf(status, name) !== undefined || (name === SLATE && offersSlate(status)));
  if (makesSense(chosen)) return chosen;
  if (makesSense(status.preview)) return status.preview;
  return (readyOthers(status)[0] ?? others(status).find((input) => input.connected) ?? others(status)[0])?.name ?? null;
}

/** Since when the active one is on air; null when that is not known. */
export function onAirSince(status: SwitchStatus, source: SourceView): number | null {
  const last = status.last_switch;
  const at = Date.parse((last && last.to === status.active ? last.at : source.connected_at) ?? '');
  return status.active !== null && Number.isFinite(at) ? at : null;
}
