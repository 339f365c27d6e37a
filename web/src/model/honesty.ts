/** Green is earned: a source with an alarm, or whose output should deliver and does not, is not shown as good. */
import type { Alarm, OutputView, Reason, SourceView, SrtFigures } from '../api/types';
import { isStuck } from './limits';
import { missingPaths } from './paths';
import { switchOf } from './switch/status';
import { programReason } from './switch/verdict';
import { outputState } from './words';

const HAS_MEDIA = new Set(['live', 'ready', 'warning', 'failed']);

/** The source as it may be shown, given what its outputs do and which alarms stand. Waiting for a reader is no fault. */
export function bearOut(source: SourceView, outputs: OutputView[], alarms: Alarm[]): SourceView {
  const status = switchOf(source);
  const program = status && programReason(status);
  // What viewers see instead comes before a bitrate that is low because of it.
  if (program && HAS_MEDIA.has(source.state)) return { ...source, state: program.worst || source.state === 'failed' ? 'failed' : 'warning', reasons: [program, ...source.reasons] };
  if (source.state !== 'live' && source.state !== 'ready') return source;
  const alarm = alarms.find(({ subject, severity }) => subject.type === 'source' && subject.name === source.name && severity !== 'info');
  if (alarm) return { ...source, state: 'warning', reasons: [...source.reasons, reasonOfAlarm(alarm)] };
  const stuck = outputs.find((output) => output.source === source.name && isStuck(output));
  const reason = stuck ? reasonOf(stuck) : shortOfLegs(source, outputs);
  return reason ? { ...source, state: 'warning', reasons: [...source.reasons, reason] } : source;
}

/** An output that calls over several networks delivers, but has lost what it has several for. */
function shortOfLegs(source: SourceView, outputs: OutputView[]): Reason | null {
  for (const output of outputs) {
    const missing = output.source === source.name && output.delivering ? missingPaths({ kind: output.kind, srt: (output.detail?.srt as SrtFigures | undefined) ?? null }) : null;
    if (missing) return { code: 'output_link_lost', text: 'Output lost a leg', since: null, advice: `${output.name}: ${missing}` };
  }
  return null;
}

/** Alarms that say more than a row has room for. */
const SHORT: Record<string, string> = {
  publisher_flapping: 'Senders take turns', leg_dead: 'Path lost', legs_differ: 'Paths differ', buffer_short_for_fec: 'Buffer too short', not_mpeg_ts: 'Not MPEG-TS',
  rtp_on_udp: 'Comes with RTP headers', no_rtp_header: 'Comes without RTP headers', host_receive_drops: 'This machine drops packets',
};

const reasonOfAlarm = ({ code, text, since, advice }: Alarm): Reason => ({ code, text: SHORT[code] ?? text, since, advice });

function reasonOf(output: OutputView): Reason {
  const failed = outputState(output) === 'failed';
  const why = output.error?.message ?? output.last_error;
  return {
    code: 'output_down',
    text: failed ? 'Output failed' : 'Output reconnecting',
    since: null,
    advice: why ? `${output.name}: ${why}` : `Check ${output.name}.`,
  };
}
