//! Statistics in the shapes of other servers, for tools that switch scenes by them (NOALBS):
//! SRT-live-server's `/stats` and nginx-rtmp's `/stat`.
//!
//! They take a token of their own in the address (`?token=…`), since such tools send no headers.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_adapter_srt::percent_decoded_text;
use tidegate_adapter_switch::SLATE;
use tidegate_engine::Connection;
use utoipa::ToSchema;

use super::Shared;
use super::problem::Problem;
use super::views::{SourceView, state};
use crate::auth::Access;

/// All sources stand in one application.
const APPLICATION: &str = "live";
/// Switches that are inputs of one another are followed so far.
const SWITCHES_DEEP_MAX: usize = 16;

/// Whether it reads the statistics.
pub(super) fn is_stats(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && matches!(path, "/stats" | "/stat")
}

/// Whether the address holds the token that opens them.
pub(super) fn opens(access: &Access, query: Option<&str>) -> bool {
    token_in(query).is_some_and(|token| access.opens_stats(&token))
}

/// The token as it was before it was written into an address.
fn token_in(query: Option<&str>) -> Option<String> {
    let mut pairs = query.unwrap_or_default().split('&');
    let token = pairs.find_map(|pair| pair.strip_prefix("token="));
    token.and_then(percent_decoded_text)
}

/// What SRT-live-server says of its publishers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlsStats {
    /// Sources that have a sender, by their name, and by the stream ID that callers give here.
    #[schema(value_type = std::collections::HashMap<String, SlsPublisher>)]
    publishers: Map<String, Value>,
    /// `ok`.
    status: &'static str,
}

/// One publisher, in SRT-live-server's words.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlsPublisher {
    /// Kilobits per second, over the last second.
    bitrate: u64,
    /// Bytes that came too late, or never.
    bytes_rcv_drop: u64,
    /// Bytes missing at first.
    bytes_rcv_loss: u64,
    /// The latency agreed on, in milliseconds.
    latency: u64,
    /// What the link could carry, in Mbit/s.
    mbps_bandwidth: f64,
    /// What is received, in Mbit/s.
    mbps_recv_rate: f64,
    /// Media waiting in the receive buffer, in milliseconds.
    ms_rcv_buf: u32,
    /// Packets that came too late, or never.
    pkt_rcv_drop: u32,
    /// Packets missing at first.
    pkt_rcv_loss: u32,
    /// Round-trip time in milliseconds; 0 where there is none.
    rtt: f64,
    /// Seconds since the sender came.
    uptime: u64,
}

/// Statistics as SRT-live-server gives them, for tools made for it.
#[utoipa::path(get, path = "/stats", tag = "statistics", operation_id = "stats_sls",
    params(("token" = Option<String>, Query,
        description = "The token of TIDEGATE_STATS_TOKEN, instead of a login")),
    responses((status = 200, body = SlsStats), (status = 401, body = Problem)))]
pub(super) async fn sls(State(app): State<Shared>) -> Json<SlsStats> {
    let state = state(&app);
    let all = &state.sources;
    let live = || all.iter().filter(|source| is_live(source, all));
    let mut publishers = Map::new();
    // A name counts more than another's stream ID that is written the same.
    for source in live() {
        let publisher = publisher(source, on_air(source, &state.sources));
        if let Some(stream_id) = shown_stream_id(source.mode, &source.config) {
            publishers.insert(stream_id.to_owned(), publisher);
        }
    }
    for source in live() {
        let publisher = publisher(source, on_air(source, &state.sources));
        publishers.insert(source.name.clone(), publisher);
    }
    Json(SlsStats {
        publishers,
        status: "ok",
    })
}

/// Statistics as nginx-rtmp gives them, for tools made for it: the application is `live`, the
/// streams are called like the sources.
#[utoipa::path(get, path = "/stat", tag = "statistics", operation_id = "stats_nginx",
    params(("token" = Option<String>, Query,
        description = "The token of TIDEGATE_STATS_TOKEN, instead of a login")),
    responses((status = 200, content_type = "text/xml", body = String),
        (status = 401, body = Problem)))]
pub(super) async fn nginx(State(app): State<Shared>) -> Response {
    let sources = state(&app).sources;
    let mut response = xml(&sources, app.started.elapsed().as_secs()).into_response();
    let kind = HeaderValue::from_static("text/xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The stream ID that senders call a source by. What a caller gives at another server is often
/// the key that opens it there, and stays out.
fn shown_stream_id<'a>(mode: Option<&str>, config: &'a Value) -> Option<&'a str> {
    let stream_id = config.pointer("/srt/stream_id");
    stream_id
        .filter(|_| mode == Some("listener"))
        .and_then(Value::as_str)
}

/// Such tools call a stream that is not listed offline; one without a bitrate they take for one
/// that is about to begin, and stay where they are. So a switch is not listed while it shows the
/// slate: nobody sends what viewers see.
fn is_live(source: &SourceView, all: &[SourceView]) -> bool {
    source.connection == Connection::Connected && !shows_slate(source, all)
}

/// Whether its picture is a slate, that of a switch among its inputs included.
fn shows_slate(source: &SourceView, all: &[SourceView]) -> bool {
    let mut source = source;
    for _ in 0..SWITCHES_DEEP_MAX {
        if active(source) == Some(SLATE) {
            return true;
        }
        let input = on_air(source, all);
        if input.name == source.name {
            break;
        }
        source = input;
    }
    false
}

/// What a switch has on air.
fn active(source: &SourceView) -> Option<&str> {
    source.switch.as_ref()?["active"].as_str()
}

/// Whose link is measured: of a switch, the input's that is on air.
fn on_air<'a>(source: &'a SourceView, all: &'a [SourceView]) -> &'a SourceView {
    let input = active(source).and_then(|active| all.iter().find(|other| other.name == active));
    input.unwrap_or(source)
}

fn publisher(source: &SourceView, link: &SourceView) -> Value {
    let figure = |pointer: &str| {
        let srt = link.srt.as_ref();
        srt.and_then(|srt| srt.pointer(pointer)?.as_f64())
            .unwrap_or_default()
    };
    let mbps = |bps: f64| (bps / 1e4).round() / 1e2;
    let whole = |value: f64| value.round() as u64;
    let small = |value: f64| whole(value).min(i32::MAX as u64) as u32;
    let publisher = SlsPublisher {
        bitrate: source.bitrate_bps / 1000,
        bytes_rcv_drop: whole(figure("/total/bytes_dropped")),
        bytes_rcv_loss: whole(figure("/total/bytes_lost")),
        latency: whole(figure("/latency_ms")),
        mbps_bandwidth: mbps(figure("/instant/link_capacity_bps")),
        mbps_recv_rate: mbps(source.bitrate_bps as f64),
        ms_rcv_buf: small(figure("/receive_buffer_ms")),
        pkt_rcv_drop: small(figure("/packets_dropped")),
        pkt_rcv_loss: small(figure("/packets_lost")),
        rtt: figure("/rtt_ms"),
        uptime: uptime_secs(source),
    };
    serde_json::to_value(publisher).unwrap_or_default()
}

fn uptime_secs(source: &SourceView) -> u64 {
    let since = source.connected_at.as_deref();
    let since = since.and_then(|since| humantime::parse_rfc3339_weak(since).ok());
    since
        .and_then(|since| since.elapsed().ok())
        .map_or(0, |uptime| uptime.as_secs())
}

fn xml(sources: &[SourceView], uptime_secs: u64) -> String {
    let live = sources.iter().filter(|source| is_live(source, sources));
    let streams: Vec<String> = live.map(stream).collect();
    let count = streams.len();
    let streams = streams.concat();
    let bps: u64 = sources.iter().map(|source| source.bitrate_bps).sum();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rtmp>\
         <uptime>{uptime_secs}</uptime><bw_in>{bps}</bw_in>\
         <server><application><name>{APPLICATION}</name><live>{streams}\
         <nclients>{count}</nclients></live></application></server></rtmp>\n"
    )
}

fn stream(source: &SourceView) -> String {
    let bps = source.bitrate_bps;
    let media = source.media.as_ref();
    let of = |pointer: &str| media.and_then(|media| media.pointer(pointer));
    let sound: u64 = of("/audio").and_then(Value::as_array).map_or(0, |tracks| {
        let rate = |track: &Value| track["bitrate_bps"].as_u64();
        tracks.iter().filter_map(rate).sum()
    });
    let picture = of("/video/bitrate_bps").and_then(Value::as_u64);
    let picture = picture.unwrap_or_else(|| bps.saturating_sub(sound));
    let element = |name: &str, value: Option<&Value>| match value {
        Some(Value::String(text)) => format!("<{name}>{}</{name}>", escaped(text)),
        Some(value @ Value::Number(_)) => format!("<{name}>{value}</{name}>"),
        _ => String::new(),
    };
    let codec = |value: Option<&Value>| {
        let name = value.and_then(Value::as_str)?;
        Some(Value::String(name.to_ascii_uppercase()))
    };
    let video = [
        element("width", of("/video/width")),
        element("height", of("/video/height")),
        element("frame_rate", of("/video/fps")),
        element("codec", codec(of("/video/codec")).as_ref()),
        element("profile", of("/video/profile")),
    ];
    let audio = [
        element("codec", codec(of("/audio/0/codec")).as_ref()),
        element("channels", of("/audio/0/channels")),
        element("sample_rate", of("/audio/0/sample_rate")),
    ];
    let time_ms = uptime_secs(source) * 1000;
    let name = escaped(&source.name);
    let (video, audio) = (video.concat(), audio.concat());
    format!(
        "<stream><name>{name}</name><time>{time_ms}</time><bw_in>{bps}</bw_in>\
         <bw_audio>{sound}</bw_audio><bw_video>{picture}</bw_video>\
         <meta><video>{video}</video><audio>{audio}</audio></meta>\
         <nclients>{readers}</nclients><publishing/><active/></stream>",
        readers = source.readers + 1,
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no place for these, not even escaped.
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_of_the_two_pages_are_statistics() {
        assert!(is_stats(&Method::GET, "/stats") && is_stats(&Method::HEAD, "/stat"));
        assert!(!is_stats(&Method::POST, "/stats"));
        assert!(!is_stats(&Method::GET, "/stats/x") && !is_stats(&Method::GET, "/metrics"));
    }

    #[test]
    fn a_token_is_read_also_when_it_is_percent_encoded() {
        let read = |query| token_in(Some(query));
        assert_eq!(
            read("x=1&token=a%2Bb%2fc%26%3D").as_deref(),
            Some("a+b/c&=")
        );
        assert_eq!(read("token=a+b/c=%").as_deref(), Some("a+b/c=%"));
        assert_eq!(read("token=%ff"), None, "no text");
        assert_eq!(token_in(None), None);
    }

    #[test]
    fn the_stream_id_of_a_caller_may_be_a_key_and_is_not_told() {
        let config = serde_json::json!({ "srt": { "stream_id": "live/key" } });
        assert_eq!(shown_stream_id(Some("listener"), &config), Some("live/key"));
        assert_eq!(shown_stream_id(Some("caller"), &config), None);
        assert_eq!(shown_stream_id(None, &config), None);
    }

    #[test]
    fn names_do_not_become_markup() {
        assert_eq!(escaped("a<b>&\"c\"\u{1}"), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
