use crate::config::ConnectionConfig;
use crate::handshake::Negotiated;
use crate::send::SenderSettings;
use tidegate_units::Duration;

/// The least time before the sender gives a packet up, and what is added to it.
const SEND_DROP_FLOOR: Duration = Duration::from_millis(1000);
const SEND_DROP_MARGIN: Duration = Duration::from_millis(20);

/// How long after it was handed over a packet is given up; `None`: never.
pub(crate) fn give_up_after(
    config: &ConnectionConfig,
    negotiated: &Negotiated,
) -> Option<Duration> {
    let drops = negotiated.peer_drops_too_late() && config.too_late_drop;
    drops.then(|| patience(config, negotiated) + SEND_DROP_MARGIN)
}

fn patience(config: &ConnectionConfig, negotiated: &Negotiated) -> Duration {
    (negotiated.send_latency + config.send_drop_delay).max(SEND_DROP_FLOOR)
}

pub(super) fn sender_settings(
    first: u64,
    config: &ConnectionConfig,
    negotiated: &Negotiated,
) -> SenderSettings {
    let peer_drops = negotiated.peer_drops_too_late();
    let patience = patience(config, negotiated);
    SenderSettings {
        first,
        first_message: config
            .first_message
            .map_or(0, |first| u64::from(first.value() - 1)),
        capacity_packets: config.send_capacity_packets(negotiated.send_latency) as usize,
        capacity_grows: config.send_buffer_packets.is_none(),
        // Behind a gap the peer acknowledges late, and in an outage not at all.
        held_for: negotiated.send_latency.max(patience / 2),
        window_packets: negotiated.flow_window_packets,
        max_bandwidth: config.max_bandwidth,
        max_resend_percent: config.max_resend_percent,
        max_duplicate_percent: config.max_duplicate_percent,
        peer_latency: peer_drops.then_some(negotiated.send_latency),
        drop_after: give_up_after(config, negotiated),
        originals_first: peer_drops,
        peer_repeats_naks: negotiated.peer_repeats_naks(),
    }
}
