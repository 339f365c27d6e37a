//! What each trigger looks at. No memory of what fired here.

use super::history::{Growth, Rates};
use super::{Link, Measured, Trigger, TriggerKind, Vitals};
use core::time::Duration;
use tidegate_mpegts::{Recurring, StreamPulse};
use tidegate_units::Instant;

/// What comes more rarely than a trigger would have it is missing after so many of its usual
/// intervals.
const USUAL_INTERVALS: u32 = 3;
/// Continuity errors are counted over so long.
const CONTINUITY_OVER: Duration = Duration::from_secs(1);
/// Packets lost for good are counted over at most so long.
const LOSS_OVER: Duration = Duration::from_secs(60);
/// What was too low is high enough again with so much more, in percent of the threshold.
const RATE_RELIEF_PERCENT: u64 = 120;

/// Where a rate below `threshold` percent of the usual one is high enough again: never beyond what
/// is usual, or it would stay too low for ever.
fn relief(threshold: u64) -> u64 {
    (threshold * RATE_RELIEF_PERCENT / 100).min((threshold + 100) / 2)
}

/// What was found, and since when it is so.
pub(super) struct Found {
    pub(super) since: Instant,
    pub(super) measured: Measured,
}

/// What is remembered of earlier looks.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When the first look at this connection was.
    pub(super) began: Instant,
    now: Instant,
    down_since: Option<Instant>,
    lost: Growth,
    gaps: Growth,
    pub(super) rates: Rates,
}

impl Memory {
    /// Another connection: what was wrong with the last one is not its fault.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began = now;
        self.lost.clear();
        self.gaps.clear();
        self.rates.clear();
    }

    pub(super) fn note(&mut self, now: Instant, vitals: &Vitals, rate_window: Duration) {
        self.now = now;
        self.down_since = match vitals.link {
            Link::Down => self.down_since.or(Some(now)),
            Link::Up | Link::Unknown => None,
        };
        let stream = &vitals.stream;
        self.lost.note(now, vitals.lost_packets, LOSS_OVER);
        self.gaps
            .note(now, stream.continuity_errors, CONTINUITY_OVER);
        self.rates
            .note(stream.flow, stream.media_bytes(), rate_window);
    }

    /// Whether it is so now. `stands`: it has fired, and so must be better than well to end.
    pub(super) fn measure(
        &mut self,
        kind: TriggerKind,
        trigger: Trigger,
        now: Instant,
        vitals: &Vitals,
        stands: bool,
    ) -> Option<Found> {
        match kind {
            TriggerKind::Disconnect => {
                let since = self.down_since?;
                lasts(now, since, trigger.after)
            }
            TriggerKind::NoPackets => {
                let since = vitals.last_arrival.unwrap_or(self.began);
                lasts(now, since, trigger.after)
            }
            TriggerKind::TsSync => self.sync(trigger, vitals),
            TriggerKind::Pat => self.table(trigger, vitals, vitals.stream.pat),
            TriggerKind::Pmt => {
                vitals.stream.pat.last?; // where it would be is not known
                self.table(trigger, vitals, vitals.stream.pmt)
            }
            TriggerKind::Pid => self.pid(trigger, vitals),
            TriggerKind::PtsStall => self.pts(trigger, vitals),
            TriggerKind::UnrecoveredLoss => {
                let count = self.lost.since(now - trigger.after);
                self.counted(now, trigger, count, stands)
            }
            TriggerKind::Continuity => {
                let count = self.gaps.since(now - CONTINUITY_OVER);
                self.counted(now, trigger, count, stands)
            }
            TriggerKind::Bitrate => self.bitrate(now, trigger, stands),
        }
    }

    fn sync(&self, trigger: Trigger, vitals: &Vitals) -> Option<Found> {
        let stream = &vitals.stream;
        let age = stream
            .flow
            .saturating_since(stream.last_packet.unwrap_or_default());
        (age >= trigger.after).then(|| self.aged(vitals, age, Measured::For(age)))
    }

    fn table(&self, trigger: Trigger, vitals: &Vitals, table: Recurring) -> Option<Found> {
        // Without packets there are no tables, and that is said already.
        let head = vitals.stream.last_packet?;
        let age = head.saturating_since(table.last.unwrap_or_default());
        let patience = trigger.after.max(table.usual * USUAL_INTERVALS);
        (age >= patience).then(|| self.aged(vitals, age, Measured::For(age)))
    }

    fn pid(&self, trigger: Trigger, vitals: &Vitals) -> Option<Found> {
        let head = vitals.stream.last_packet?;
        let streams = vitals.stream.streams();
        // Of what has never carried anything only the first picture and sound are missed.
        let is_first = |index: usize, stream: &StreamPulse| {
            let same = |other: &StreamPulse| other.is_video() == stream.is_video();
            !streams[..index].iter().any(same)
        };
        let silent = streams.iter().enumerate().filter_map(|(index, stream)| {
            let is_missed = stream.last_packet.is_some() || is_first(index, stream);
            let since = stream.last_packet.unwrap_or(stream.named);
            let age = head.saturating_since(since);
            let patience = trigger.after.max(stream.usual * USUAL_INTERVALS);
            (is_missed && age >= patience).then_some((age, stream.pid))
        });
        let (age, pid) = silent.max()?;
        Some(self.aged(vitals, age, Measured::OnPid(pid, age)))
    }

    fn pts(&self, trigger: Trigger, vitals: &Vitals) -> Option<Found> {
        let standing = vitals.stream.streams().iter().filter_map(|stream| {
            let age = stream.last_packet?.saturating_since(stream.last_progress?);
            let patience = trigger.after.max(stream.usual * USUAL_INTERVALS);
            (!stream.scrambled && age >= patience).then_some((age, stream.pid))
        });
        let (age, pid) = standing.max()?;
        Some(self.aged(vitals, age, Measured::OnPid(pid, age)))
    }

    fn counted(&self, now: Instant, trigger: Trigger, count: u64, stands: bool) -> Option<Found> {
        let threshold = u64::from(trigger.threshold);
        let is_so = count > if stands { threshold / 2 } else { threshold };
        is_so.then_some(Found {
            since: now,
            measured: Measured::Count(count, trigger.after),
        })
    }

    fn bitrate(&mut self, now: Instant, trigger: Trigger, stands: bool) -> Option<Found> {
        let (rate, usual) = (self.rates.over(trigger.after)?, self.rates.usual()?);
        let percent = u64::from(trigger.threshold);
        let percent = if stands { relief(percent) } else { percent };
        let is_low = rate.as_bps() * 100 < usual.as_bps() * percent;
        self.rates.is_low(is_low);
        is_low.then_some(Found {
            since: now,
            measured: Measured::Rate(rate, usual),
        })
    }

    /// Found by an age in the stream's own time.
    fn aged(&self, vitals: &Vitals, age: Duration, measured: Measured) -> Found {
        // Something may have arrived since that moment was read.
        let head = vitals.last_arrival.unwrap_or(self.began).min(self.now);
        Found {
            since: (head - age).max(self.began),
            measured,
        }
    }
}

fn lasts(now: Instant, since: Instant, after: Duration) -> Option<Found> {
    let age = now.saturating_since(since);
    (age >= after).then_some(Found {
        since,
        measured: Measured::For(age),
    })
}

#[cfg(test)]
mod tests {
    use super::relief;

    #[test]
    fn the_usual_rate_is_high_enough_again_after_every_threshold() {
        for threshold in 1..=90 {
            let relief = relief(threshold);
            assert!((threshold..=95).contains(&relief), "{threshold}: {relief}");
        }
        assert_eq!([30, 84, 90].map(relief), [36, 92, 95]);
    }
}
