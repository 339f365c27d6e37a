//! What the OpenAPI document says of values that the engine and the adapters make.

#![allow(dead_code, reason = "these types describe, they are never made")]

use serde::Serialize;
use utoipa::ToSchema;

/// Where a source's connection stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConnectionWord {
    Connecting,
    Connected,
    Reconnecting,
    Disconnected,
    Failed,
}

/// The verdict on a source.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HealthWord {
    Ok,
    Warning,
    Error,
}

/// Where an output stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutputWord {
    Waiting,
    Connecting,
    Delivering,
    Reconnecting,
    Stopped,
    Failed,
}

/// One thing known to be wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct ReasonView {
    /// Names it: `no_media`, `losing_packets` …
    code: String,
    /// The fixed phrase.
    text: String,
    /// Since when.
    since: String,
    /// What to do about it.
    advice: String,
}

/// Whether a source can be taken on air now.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadinessView {
    /// Media arrives, can be read and begun with, and nothing a switch would leave it for is
    /// wrong with it.
    ready: bool,
    /// What stands against it, and what is only told.
    reasons: Vec<ReadinessReasonView>,
    /// Since when nothing has been wrong with it.
    clean_since: Option<String>,
}

/// One thing that stands against a source.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadinessReasonView {
    /// A trigger's name (`no_packets`, `pts_stall` …), or what is lacking: `no_media`,
    /// `no_tables`, `no_key_frame`, `scrambled`, `no_picture`, `no_sound`.
    code: String,
    /// The fixed phrase.
    text: String,
    /// `switch` stands in the way, `alarm` is only told.
    severity: String,
    /// Since when.
    since: String,
    /// The figures behind it, and what to do.
    advice: String,
}

/// What measuring instruments count, by the indicators of ETSI TR 101 290.
#[derive(Serialize, ToSchema)]
pub(super) struct Tr101290View {
    /// 1.1: the packet grid was lost.
    sync_loss: IndicatorView,
    /// 1.2: a sync byte was missing.
    sync_byte: IndicatorView,
    /// 1.3: the program association table was late (500 ms), scrambled or another one.
    pat: IndicatorView,
    /// 1.4: packets were missing or came too often by their counter.
    continuity: IndicatorView,
    /// 1.5: a program map was late (500 ms) or scrambled.
    pmt: IndicatorView,
    /// 1.6: a picture or sound that the map names stayed away for 5 s.
    pid: IndicatorView,
    /// 2.1: a packet was marked as damaged.
    transport: IndicatorView,
    /// 2.2: a table was damaged.
    crc: IndicatorView,
    /// 2.3a: a clock value came more than 100 ms after the one before.
    pcr_repetition: IndicatorView,
    /// 2.3b: a clock jumped without saying so.
    pcr_discontinuity: IndicatorView,
    /// 2.5: a presentation time did not move on for 700 ms.
    pts: IndicatorView,
}

/// One of these indicators.
#[derive(Serialize, ToSchema)]
pub(super) struct IndicatorView {
    /// How often, since the connection began.
    count: u64,
    /// Time since the last one; absent when there was none.
    last_age_ms: Option<u64>,
}

/// Something that needs the operator until it is cleared.
#[derive(Serialize, ToSchema)]
pub(super) struct AlarmView {
    /// Whose alarm it is.
    subject: SubjectView,
    /// Names the alarm among those of its subject.
    code: String,
    /// `warning` or `error`.
    severity: String,
    /// The fixed phrase.
    text: String,
    /// What to do about it.
    advice: String,
    /// Since when.
    since: String,
}

/// What an event or an alarm is about.
#[derive(Serialize, ToSchema)]
pub(super) struct SubjectView {
    /// `source`, `output`, `listener` or `system`.
    r#type: String,
    /// Its name.
    name: String,
}

/// What SRT measures of one connection. More figures follow those named here.
#[derive(Serialize, ToSchema)]
pub(super) struct SrtFigures {
    /// Round-trip time.
    rtt_ms: Option<f64>,
    /// How much packet timing varies.
    jitter_ms: Option<f64>,
    /// The latency agreed on.
    latency_ms: Option<f64>,
    /// `none`, `aes-128-ctr`, `aes-192-ctr`, `aes-256-ctr`.
    encryption: String,
    /// Packets received.
    packets_received: u64,
    /// Packets missing at first.
    packets_lost: u64,
    /// Packets sent again.
    packets_retransmitted: u64,
    /// Packets that never came, or came too late.
    packets_dropped: u64,
    /// Media waiting in the receive buffer.
    receive_buffer_ms: Option<f64>,
    /// Packets missing at first, over the last 10 s.
    loss_percent: Option<f64>,
    /// Packets this host dropped unread, on the socket the connection shares with others.
    host_drops_packets: u64,
    /// The latency and overhead to set, from what was measured.
    advice: Option<AdviceView>,
}

/// What to set, from what was measured over the last ten minutes.
#[derive(Serialize, ToSchema)]
pub(super) struct AdviceView {
    /// The latency; absent until enough has been measured.
    latency_ms: Option<f64>,
    /// What retransmissions may add to the stream.
    overhead_percent: Option<u32>,
    /// What the path must carry with it.
    bandwidth_bps: Option<u64>,
    /// Whether the latency in force is enough.
    enough_now: Option<bool>,
    /// The figures behind it, in sentences.
    why: Vec<String>,
}

/// What is in a feed.
#[derive(Serialize, ToSchema)]
pub(super) struct MediaView {
    /// The first video track.
    video: Option<VideoView>,
    /// All audio tracks.
    audio: Vec<AudioView>,
    /// Packets missing or doubled by their counters.
    continuity_errors: u64,
}

/// A video track.
#[derive(Serialize, ToSchema)]
pub(super) struct VideoView {
    /// `h264`, `hevc` …
    codec: String,
    /// Profile by its name.
    profile: Option<String>,
    /// Visible width in pixels.
    width: Option<u32>,
    /// Visible height in pixels.
    height: Option<u32>,
    /// Frames per second.
    fps: Option<f64>,
    /// Time between key frames.
    gop_seconds: Option<f64>,
    /// Over the last second.
    bitrate_bps: u64,
}

/// An audio track.
#[derive(Serialize, ToSchema)]
pub(super) struct AudioView {
    /// `aac`, `mp2`, `ac3` …
    codec: String,
    /// Number of channels.
    channels: Option<u8>,
    /// Samples per second.
    sample_rate: Option<u32>,
    /// ISO 639 language.
    language: Option<String>,
    /// Over the last second.
    bitrate_bps: u64,
}

/// Something that happened. The fields beside these depend on its kind.
#[derive(Serialize, ToSchema)]
pub(super) struct EventView {
    /// Later events have larger numbers.
    id: u64,
    /// When.
    at: String,
    /// What it is about.
    subject: SubjectView,
    /// `source_connected`, `connection_rejected`, `config_changed` …
    kind: String,
}

/// One second of a source.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryPointView {
    /// When.
    t: String,
    /// Received over that second.
    bitrate_bps: u64,
    /// Round-trip time.
    rtt_ms: Option<f64>,
    /// Packets missing at first.
    loss_percent: Option<f64>,
    /// Media waiting in the receive buffer.
    buffer_ms: Option<f64>,
}

/// A switch: which of its inputs is on air, and how all of them are doing.
#[derive(Serialize, ToSchema)]
pub(super) struct SwitchView {
    /// What is on air: an input, `slate`, or nothing yet.
    active: Option<String>,
    /// What would be next, were what is on air gone.
    preview: Option<String>,
    /// What is ordered, and waits for its key frame.
    next: Option<String>,
    /// The inputs that are not on air, the preferred one first.
    standby: Vec<StandbyView>,
    /// All inputs, the preferred one first.
    inputs: Vec<InputView>,
    /// Nothing moves it but darkness.
    locked: bool,
    /// It moves only when it is told to.
    held: bool,
    /// It moved too often by itself, and waits for somebody to look.
    latched: bool,
    /// How often it changed over.
    switches: u64,
    /// How often by itself.
    automatic_switches: u64,
    /// How often it had decided to, and the cause went away in time.
    averted: u64,
    /// The last change.
    last_switch: Option<LastSwitchView>,
    /// How long what is on air is held back beyond its own latency.
    delay_ms: u64,
    /// `manual` or `auto`.
    r#return: String,
    /// The least time between two switches that it makes by itself.
    dwell_ms: u64,
    /// When it goes back to a preferred input by itself, if nothing changes.
    next_return_in_ms: Option<u64>,
    /// What the schedule puts on air next.
    next_scheduled: Option<ScheduledView>,
    /// The scheduled take that was missed last.
    last_missed: Option<MissedView>,
    /// The slate.
    slate: SlateView,
    /// The drill on air that runs now.
    drill: Option<DrillOnAirView>,
    /// What the last drill found.
    last_drill: Option<DrillView>,
    /// Packets of its inputs that it was too slow for.
    lost_packets: u64,
    /// Packets missing on air that another input with the same packets brought too late. More
    /// latency, or `delay`, would have saved them.
    late_packets: u64,
    /// Events that nobody could be told.
    untold: u64,
}

/// An entry of a switch's schedule.
#[derive(Serialize, ToSchema)]
pub(super) struct ScheduledView {
    /// When.
    at: String,
    /// What.
    take: String,
}

/// A drill on air that runs now. Taking what it cuts ends it at once.
#[derive(Serialize, ToSchema)]
pub(super) struct DrillOnAirView {
    /// What is cut.
    input: String,
    /// Since when.
    since: String,
    /// When it is let in again, if nothing ends the drill before.
    ends_at: String,
    /// Who asked for it.
    by: Option<String>,
}

/// A scheduled take that was not done.
#[derive(Serialize, ToSchema)]
pub(super) struct MissedView {
    /// When it was to be.
    at: String,
    /// What.
    take: String,
    /// Why it was not.
    reason: String,
}

/// What a test of the backup found.
#[derive(Serialize, ToSchema)]
pub(super) struct DrillView {
    /// When.
    at: String,
    /// What was cut.
    input: String,
    /// Whether viewers saw it.
    on_air: bool,
    /// `passed`, `failed`, or `broken_off`: somebody ended it before its time, and it proves nothing.
    outcome: String,
    /// Whether it passed.
    passed: bool,
    /// What took over.
    took_over: Option<String>,
    /// How long after the last packet that was decided.
    decided_after_ms: u64,
    /// What is missing at this place.
    gap_ms: u64,
    /// What is seen a second time.
    repeated_ms: u64,
    /// What is never seen.
    skipped_ms: u64,
    /// The longest time in which nothing goes out.
    silence_ms: u64,
    /// All of it in words.
    would: String,
    /// What went wrong.
    problems: Vec<String>,
}

/// An input that is not on air.
#[derive(Serialize, ToSchema)]
pub(super) struct StandbyView {
    /// Its name.
    name: String,
    /// Whether it could go on air now.
    ready: bool,
    /// Why not, or what else is wrong.
    reasons: Vec<InputReasonView>,
}

/// Something known to be wrong with an input.
#[derive(Serialize, ToSchema)]
pub(super) struct InputReasonView {
    /// Names it: `no_packets`, `settling` …
    code: String,
    /// In words.
    text: String,
    /// `switch` or `alarm`.
    severity: Option<String>,
    /// Since when.
    since: Option<String>,
    /// What to do about it.
    advice: Option<String>,
}

/// An input of a switch.
#[derive(Serialize, ToSchema)]
pub(super) struct InputView {
    /// Its name.
    name: String,
    /// Whether it could go on air now.
    ready: bool,
    /// Why not, or what else is wrong.
    reasons: Vec<InputReasonView>,
    /// Whether it is on air.
    on_air: bool,
    /// For how long nothing at all has been wrong.
    clean_for_ms: Option<u64>,
    /// Whether its sender is there.
    connected: bool,
    /// Received over the last seconds.
    bitrate_bps: u64,
    /// How long ago its last key frame came.
    key_frame_age_ms: Option<u64>,
    /// Time between its key frames.
    gop_ms: Option<u64>,
    /// How long what comes waits for its play-out.
    latency_ms: u64,
    /// What is in it, in words.
    format: Option<String>,
    /// Whether that is the program's.
    same_format: bool,
    /// The input that carries the same packets.
    twin_of: Option<String>,
    /// What is held of it.
    queue_bytes: usize,
}

/// The last time that a switch changed over.
#[derive(Serialize, ToSchema)]
pub(super) struct LastSwitchView {
    /// When.
    at: String,
    /// What was on air.
    from: Option<String>,
    /// What is.
    to: Option<String>,
    /// Names the cause.
    why: String,
    /// The cause in words.
    text: String,
    /// Nobody asked for it.
    automatic: bool,
    /// Who asked for it.
    by: Option<String>,
    /// From the beginning of the cause until it was decided.
    decided_after_ms: u64,
    /// What is missing in the program at this place.
    gap_ms: u64,
    /// What was shown a second time, by the time of the input that was left.
    repeated_ms: u64,
    /// How long the new input is held back beyond its own latency.
    delay_ms: u64,
}

/// A switch's slate.
#[derive(Serialize, ToSchema)]
pub(super) struct SlateView {
    /// `ready`, `making`, `missing`, `failed` or `off`.
    state: String,
    /// Why it is not ready.
    reason: Option<String>,
}
