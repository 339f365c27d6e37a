//! Every named limit as a figure, so that a graph can show how near it is.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tidegate_adapter_switch::limits as switch;
use tidegate_engine::limits as engine;
use tidegate_srt_io as srt_io;

use crate::{api, auth, bans, config, events, http, store, webhook};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    limit: String,
}

pub(super) fn register(registry: &mut Registry) {
    let family = Family::<Limit, Gauge>::default();
    for (name, value) in limits() {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        family
            .get_or_create(&Limit {
                limit: name.to_owned(),
            })
            .set(value);
    }
    registry.register("limit", "The limits of queues, buffers and counts", family);
}

fn limits() -> Vec<(&'static str, usize)> {
    vec![
        ("engine_sources", engine::SOURCES),
        ("engine_outputs", engine::OUTPUTS),
        ("engine_reader_batches", engine::READER_BATCHES),
        ("engine_reader_bytes", engine::READER_BYTES),
        ("engine_demux_batches", engine::DEMUX_BATCHES),
        ("engine_demux_bytes", engine::DEMUX_BYTES),
        ("engine_inspection_backlog", engine::INSPECTION_BACKLOG),
        ("engine_event_backlog", engine::EVENT_BACKLOG),
        ("engine_history_points", engine::HISTORY_POINTS),
        ("shards", srt_io::SHARDS_MAX),
        ("shard_commands", srt_io::limits::COMMANDS_MAX),
        ("shard_datagrams_handed_over", srt_io::limits::HANDED_MAX),
        ("shard_readers_woken", srt_io::limits::WOKEN_MAX),
        ("shard_callers_placed", srt_io::limits::PLACED_MAX),
        ("http_connections", http::CONNECTIONS_MAX),
        (
            "http_connections_per_address",
            http::CONNECTIONS_PER_ADDRESS_MAX,
        ),
        ("http_header_bytes", http::HEADER_BYTES_MAX),
        ("http_body_bytes", api::BODY_BYTES_MAX),
        ("login_attempts", auth::ATTEMPTS_MAX as usize),
        ("sessions", store::SESSIONS_MAX as usize),
        ("store_queue", store::QUEUE_MAX),
        ("events_kept", store::EVENTS_MAX as usize),
        ("events_stream_backlog", events::BACKLOG),
        ("rejections_kept", store::REJECTIONS_MAX),
        ("metrics_full_srt_lists", super::srt::FULL_LISTS_MAX),
        ("bans", bans::BANS_MAX),
        ("srtla_senders", tidegate_adapter_srt::SRTLA_SENDERS_MAX),
        (
            "srtla_links_per_sender",
            tidegate_adapter_srt::SRTLA_LINKS_MAX,
        ),
        (
            "bonding_groups_per_listener_and_thread",
            tidegate_adapter_srt::BONDING_GROUPS_MAX,
        ),
        (
            "bonding_legs_per_group",
            tidegate_adapter_srt::BONDING_LEGS_MAX,
        ),
        ("webhook_questions", tidegate_adapter_srt::ASKING_MAX),
        (
            "webhook_questions_per_webhook",
            tidegate_adapter_srt::ASKING_PER_WEBHOOK_MAX,
        ),
        ("webhook_answer_bytes", webhook::ANSWER_BYTES_MAX),
        ("switch_inputs", switch::INPUTS),
        ("switch_queue_batches", switch::QUEUE_BATCHES),
        ("switch_queue_bytes", switch::QUEUE_BYTES),
        ("switch_commands", switch::COMMANDS),
        ("switch_words_untold", switch::TOLD),
        ("switch_scheduled", switch::SCHEDULED),
        ("listeners", config::check::LISTENERS_MAX),
        ("config_bytes", config::read::TEXT_BYTES_MAX),
    ]
}
