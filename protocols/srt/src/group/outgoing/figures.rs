use super::activity::Activity;
use super::{Outgoing, OutgoingLeg};
use crate::event::ConnectionId;
use crate::group::{GroupKind, LegState, LegStatus, SILENT_AFTER, figures};
use crate::statistics::{Counters, Statistics};
use tidegate_units::{Duration, Instant};

/// A stream that has paused for so long goes over no leg.
const IDLE_AFTER: Duration = Duration::from_secs(1);

impl Outgoing {
    /// The legs with their own figures; `figures` gives those of one that is up.
    pub(crate) fn status(
        &self,
        now: Instant,
        mut figures: impl FnMut(ConnectionId) -> Option<Statistics>,
    ) -> Vec<LegStatus> {
        let status = |leg: &OutgoingLeg| {
            let own = leg.open_as().and_then(&mut figures);
            let is_up = own.is_some();
            let statistics = own
                .or_else(|| leg.last.clone())
                .unwrap_or_else(|| Statistics {
                    at: now,
                    ..Statistics::default()
                });
            LegStatus {
                peer: leg.call.remote,
                state: if is_up {
                    self.state_of(now, leg, &statistics)
                } else {
                    LegState::Down
                },
                weight: leg.call.weight,
                since: leg.since,
                ended: leg.ended,
                statistics,
            }
        };
        self.legs.iter().map(status).collect()
    }

    fn state_of(&self, now: Instant, leg: &OutgoingLeg, figures: &Statistics) -> LegState {
        let flows = self
            .last_media
            .is_some_and(|at| now.saturating_since(at) < IDLE_AFTER);
        if figures.silent_for > SILENT_AFTER {
            LegState::Silent
        } else if matches!(leg.activity, Activity::Unstable { .. })
            && self.kind == GroupKind::Backup
        {
            LegState::Unstable
        } else if leg.activity.carries() && flows {
            LegState::Active
        } else {
            LegState::Idle
        }
    }

    /// The figures of the stream: what the legs did together, with what was acknowledged or
    /// given up counted once.
    pub(crate) fn statistics(&mut self, now: Instant, legs: &[LegStatus]) -> Statistics {
        let summed = figures::summed(self.gone, legs);
        let own = self.own;
        let total = Counters {
            packets_sent_unique: own.packets_sent_unique,
            bytes_sent_unique: own.bytes_sent_unique,
            bytes_acknowledged: own.bytes_acknowledged,
            packets_send_dropped: own.packets_send_dropped,
            bytes_send_dropped: own.bytes_send_dropped,
            ..summed
        };
        let interval = self.intervals.last(now, &total);
        let mut instant = figures::instant(legs);
        let held = self.replay.packets();
        let payload_bytes = instant.segment_bytes;
        instant.send_buffer_packets = held;
        instant.send_buffer_bytes = self.replay.payload_bytes();
        instant.send_buffer_time = self.replay.span();
        instant.send_buffer_available_bytes =
            (self.replay.capacity() as u64).saturating_sub(held) * payload_bytes;
        figures::of_stream(now, self.created, total, interval, instant, legs)
    }
}
