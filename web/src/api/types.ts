/** What the API returns. Names and units are the server's; see /api/v1/openapi.json. */

export type SourceState = 'live' | 'ready' | 'waiting' | 'connecting' | 'warning' | 'failed' | 'idle';
export type OutputState = 'waiting' | 'connecting' | 'delivering' | 'reconnecting' | 'stopped' | 'failed';
export type Health = 'ok' | 'warning' | 'error';

export interface Reason {
  code: string;
  text: string;
  since: string | null;
  advice: string | null;
}

/** What to set, from what was measured; numbers are null until enough was. */
export interface LatencyAdvice {
  latency_ms: number | null;
  overhead_percent: number | null;
  enough_now: boolean | null;
  why: string[];
}

export interface SrtFigures {
  rtt_ms?: number | null;
  jitter_ms?: number | null;
  latency_ms?: number | null;
  encryption?: string | null;
  stream_id?: string | null;
  packets_received?: number | null;
  packets_lost?: number | null;
  packets_retransmitted?: number | null;
  packets_dropped?: number | null;
  receive_buffer_ms?: number | null;
  loss_percent?: number | null;
  advice?: LatencyAdvice | null;
  /** The place in the settings of the passphrase the peer came in with: `passphrases/2027`. */
  passphrase_used?: string | null;
  links?: Link[] | null;
  /** The kind of a bonding group, and its legs. */
  group?: 'broadcast' | 'backup' | null;
  legs?: Leg[] | null;
  second_publisher?: string | null;
  takeovers?: number | null;
  takeovers_latched?: boolean | null;
  /** A second sender that waits to step in. */
  standby?: Standby | null;
  /** Who the caller says it is. */
  caller?: { user?: string | null } | null;
  km_state_receive?: string | null;
  /** The filter agreed on, or "none". */
  packet_filter?: string | null;
  host_drops_packets?: number | null;
  /** Everything counted since the connection was made. */
  total?: Record<string, number> | null;
  [figure: string]: unknown;
}

/** One way of several on which a sender's packets come (SRTLA). */
export interface Link {
  address: string;
  state: 'active' | 'silent' | 'lost';
  share_percent: number;
  last_heard_ms: number;
}

/** One connection of a bonding group. */
export interface Leg {
  peer: string;
  /** Of a group that Tidegate calls as: the address in the settings. */
  call?: string;
  state: 'active' | 'idle' | 'silent' | 'down' | 'unstable';
  /** Why it is down. */
  reason?: string | null;
  weight: number;
  /** Time in this state. */
  since_ms: number;
  silent_ms: number;
  rtt_ms: number | null;
  /** One of the two, by the direction. */
  receive_rate_bps?: number;
  send_rate_bps?: number;
  packets_received?: number;
  packets_sent?: number;
  packets_lost: number;
  /** Filled in here, from the counters. */
  loss_percent?: number | null;
}

export interface Standby {
  peer: string;
  since: string;
  bitrate_bps: number | null;
}

export interface VideoTrack {
  codec: string;
  profile?: string | null;
  width?: number | null;
  height?: number | null;
  fps?: number | null;
  interlaced?: boolean | null;
  gop_seconds?: number | null;
  bitrate_bps?: number | null;
}

export interface AudioTrack {
  codec: string;
  profile?: string | null;
  channels?: number | null;
  sample_rate?: number | null;
  language?: string | null;
  bitrate_bps?: number | null;
}

export interface Media {
  video: VideoTrack | null;
  audio: AudioTrack[];
  continuity_errors?: number | null;
  [figure: string]: unknown;
}

export interface Expectation {
  video?: string | null;
  audio?: string | null;
  bitrate?: string | number | null;
}

/** A secret as the API shows it: a reference, or dots that mean "unchanged". */
export type Secret = string | { secret: string };

export type Settings = Record<string, unknown>;

/** An object of the desired state, the same as in tidegate.yaml. */
export interface Config {
  name: string;
  [key: string]: unknown;
}

/** Why an object is not what its settings say. */
export interface ObjectError {
  message: string;
  advice: string;
}

/** The port that a source or an output has to itself. */
export interface OwnPort {
  bound: string | null;
  error: string | null;
  counters?: Record<string, number>;
}

/** One thing that stands against taking a source on air. */
export interface ReadinessReason {
  code: string;
  text: string;
  /** `switch` stands in the way, `alarm` is only told. */
  severity: string;
  since: string;
  advice: string;
}

export interface Readiness {
  ready: boolean;
  reasons: ReadinessReason[];
  clean_since: string | null;
}

/** One indicator of TR 101 290. */
export interface Indicator {
  count: number;
  last_age_ms: number | null;
}

export interface SourceView {
  name: string;
  revision: number;
  kind: string;
  mode?: string | null;
  config: Config;
  state: SourceState;
  connection: string;
  connection_reason: string | null;
  connected_at: string | null;
  health: Health;
  reasons: Reason[];
  /** Whether it could go on air this moment. */
  readiness?: Readiness | null;
  /** What measuring instruments count, by the indicator's name. */
  tr101290?: Record<string, Indicator> | null;
  bitrate_bps: number | null;
  last_packet_age_ms: number | null;
  peer: string | null;
  readers?: number;
  url?: string | null;
  port?: OwnPort | null;
  srt: SrtFigures | null;
  /** What other adapters add, under the kind's name. */
  detail?: Settings | null;
  media: Media | null;
  expect: Expectation | null;
  reconnects?: number;
  last_error?: string | null;
  error: ObjectError | null;
  /** Of a switch: what is on air, and what stands by. */
  switch?: SwitchStatus | null;
}

/** `switch` acts by itself, `alarm` only tells. */
export interface InputReason extends Reason {
  severity?: string | null;
}

export interface SwitchInput {
  name: string;
  /** May be taken, by hand or by itself. */
  ready: boolean;
  reasons: InputReason[];
  on_air: boolean;
  clean_for_ms: number | null;
  connected: boolean;
  bitrate_bps: number | null;
  key_frame_age_ms: number | null;
  gop_ms: number | null;
  latency_ms: number | null;
  /** "h264 1920x1080 50 · aac stereo" */
  format: string | null;
  /** Null while there is nothing to compare it with. */
  same_format: boolean | null;
  twin_of: string | null;
  queue_bytes?: number | null;
}

export interface LastSwitch {
  at: string;
  from: string | null;
  to: string | null;
  /** The code of what fired, or `take`, `return` … */
  why: string;
  text: string;
  automatic: boolean;
  by: string | null;
  decided_after_ms: number | null;
  gap_ms: number | null;
  repeated_ms: number | null;
  delay_ms: number | null;
}

export interface LastDrill {
  at: string;
  input: string | null;
  on_air: boolean;
  /** What went on air, or would have. */
  took_over?: string | null;
  /** One that ended before its time, by hand, proves nothing either way. */
  outcome: 'passed' | 'failed' | 'broken_off';
  passed: boolean;
  gap_ms: number | null;
  repeated_ms: number | null;
  would: string | null;
  problems: string[];
}

/** A drill on air that runs now. */
export interface RunningDrill {
  /** What is cut. */
  input: string;
  since: string;
  /** When it is let in again by itself. */
  ends_at: string;
  by: string | null;
}

export interface SwitchStatus {
  /** An input's name, `slate`, or nothing. */
  active: string | null;
  /** What a take without a name would air. */
  preview: string | null;
  /** What is ordered, and waits for its key frame. */
  next?: string | null;
  standby: { name: string; ready: boolean; reasons: InputReason[] }[];
  /** In order of priority. */
  inputs: SwitchInput[];
  locked: boolean;
  held: boolean;
  latched: boolean;
  switches: number;
  automatic_switches: number;
  averted: number;
  /** Packets of twins that came when their place had passed. */
  late_packets?: number;
  last_switch: LastSwitch | null;
  delay_ms: number;
  return: string;
  dwell_ms: number;
  next_return_in_ms: number | null;
  next_scheduled: { at: string; take: string } | null;
  /** Older servers say nothing of it. */
  last_missed?: { at: string; take: string; reason: string } | null;
  slate: { state: 'ready' | 'making' | 'missing' | 'failed' | 'off'; reason: string | null };
  /** Older servers say nothing of it. */
  drill?: RunningDrill | null;
  last_drill: LastDrill | null;
}

export interface OutputView {
  name: string;
  revision: number;
  kind: string;
  mode?: string | null;
  source: string;
  config: Config;
  state: OutputState;
  delivering: boolean;
  bitrate_bps: number | null;
  readers: number | null;
  reconnects: number | null;
  last_error: string | null;
  url?: string | null;
  port?: OwnPort | null;
  detail?: Settings | null;
  state_reason?: string | null;
  error: ObjectError | null;
}

export interface ListenerView {
  name: string;
  kind: string;
  config: Config;
  bound: string | null;
  /** The next free port of its range, where it has one. */
  next_port?: number | null;
  error: ObjectError | null;
  counters?: Record<string, number>;
}

export interface Alarm {
  since: string;
  severity: string;
  subject: { type: string; name: string };
  code: string;
  text: string;
  advice: string | null;
}

export interface StateMessage {
  now: string;
  revision?: number;
  sources: SourceView[];
  outputs: OutputView[];
  listeners: ListenerView[];
  alarms: Alarm[];
}

export interface Rejection {
  id: string | number;
  at: string;
  first_at?: string | null;
  peer: string;
  stream_id: string | null;
  listener?: string | null;
  reason: string;
  count: number;
  received?: string | null;
  expected?: string | null;
  nearest?: string | null;
  advice: string | null;
}

export interface HistoryPoint {
  t: string | number;
  bitrate_bps: number | null;
  rtt_ms: number | null;
  loss_percent: number | null;
  buffer_ms: number | null;
}

export interface History {
  interval_ms: number;
  points: HistoryPoint[];
}

/** Who may not call; without `until` for good. */
export interface Ban {
  id: number;
  address: string;
  reason: string;
  by: string;
  since: string;
  until?: string | null;
}

export interface NewBan {
  address: string;
  reason: string;
  /** "24h"; absent is for good. */
  duration?: string;
}

export interface SystemView {
  version?: string;
  public_host?: string | null;
  /** The host that hand-outs use. */
  host?: string | null;
  [key: string]: unknown;
}

export interface TypedEvent {
  id?: number | string;
  at: string;
  kind: string;
  subject?: string | { type?: string; name?: string } | null;
  [key: string]: unknown;
}

export type Handout = Record<string, unknown>;
