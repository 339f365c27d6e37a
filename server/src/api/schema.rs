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
