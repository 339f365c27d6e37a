use super::rtt::Rtt;
use tidegate_units::{Duration, Instant};

/// Loss reports are not repeated faster than this.
const MIN_INTERVAL: Duration = Duration::from_millis(20);
/// "Never" for a connection that reports each loss only once.
const NEVER: Duration = Duration::from_secs(3600);
/// Reports of one loss within a round trip.
const REPEATS: u32 = 4;
/// The part of a round trip in which a report is merely a repeated one: less when the
/// round-trip time is uneven, because a sender goes by what the measurement may be off.
const REPEAT_FOR_ROUND_TRIPS: f32 = 0.6;
const REPEAT_FOR_EVEN_ROUND_TRIPS: f32 = 0.85;
const REPEAT_VARIANCES: u32 = 8;
/// Reports of one loss within the latency, until the round-trip time is known.
const FIRST_REPEATS: u32 = 4;
/// Answers later than so many deviations count as lost.
const ANSWER_VARIANCES: u32 = 2;
/// Losses that were asked for in vain so often may be asked for early.
const EARLY_ROUNDS: u32 = 2;

/// When a loss is reported again.
///
/// ```text
///  gap found                                     repetition overdue
///     │ report  again   again                        │ report  again   again
///     ├──────────┼───────┼───────────────────────────┼──────────┼───────┼──
///     0         RTT/4   RTT/2                    RTT + 2 Var
/// ```
/// A report may get lost, so it is repeated soon – but only early in the round trip: later
/// on, a sender that got the first one takes another for news that its repetition is lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cadence {
    repeat: Duration,
    repeat_for: Duration,
    answer: Duration,
    /// Hardly any repetition is back sooner.
    soonest: Duration,
    /// Most repetitions are back by then.
    usual: Duration,
}

/// What was asked for already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// When the first report of this round left.
    at: Instant,
    /// Rounds begun.
    rounds: u32,
}

impl Cadence {
    /// As long as the round-trip time is a guess, waiting for it must not use up the latency.
    pub(crate) fn new(rtt: &Rtt, latency: Duration) -> Self {
        let repeat = (rtt.timeout() / REPEATS).max(MIN_INTERVAL);
        let known = Self {
            repeat,
            repeat_for: repeat_for(rtt),
            answer: rtt.smoothed() + rtt.variance() * ANSWER_VARIANCES,
            soonest: rtt.floor(),
            usual: rtt.smoothed() + rtt.variance(),
        };
        if rtt.is_known() {
            return known;
        }
        let repeat = repeat.min(latency / FIRST_REPEATS).max(MIN_INTERVAL);
        Self {
            repeat,
            repeat_for: NEVER,
            answer: NEVER,
            soonest: Duration::ZERO,
            ..known
        }
    }

    /// Each loss is reported once.
    pub(crate) const fn once() -> Self {
        Self {
            repeat: NEVER,
            repeat_for: NEVER,
            answer: NEVER,
            soonest: NEVER,
            usual: NEVER,
        }
    }

    /// When a loss that is skipped at `skipped_at` has to be reported at the latest: in time
    /// for one answer, and to be reported a second time in case the first report gets lost.
    pub(crate) fn last_moment(&self, skipped_at: Instant) -> Instant {
        skipped_at - (self.usual + self.repeat)
    }

    /// Whether a repetition asked for now can be back before the loss is skipped.
    pub(crate) fn is_worthwhile(&self, now: Instant, skipped_at: Option<Instant>) -> bool {
        skipped_at.is_none_or(|at| now + self.soonest <= at)
    }

    /// A report leaves now: the round it belongs to.
    pub(crate) fn ask(&self, before: Option<Asked>, now: Instant) -> Asked {
        match before {
            Some(asked) if now < asked.at + self.answer.min(self.soonest) => asked,
            Some(asked) => Asked {
                at: now,
                rounds: asked.rounds + 1,
            },
            None => Asked { at: now, rounds: 1 },
        }
    }

    /// When a loss that was asked for just now is to be reported again.
    pub(crate) fn next(&self, asked: Asked, now: Instant, skipped_at: Option<Instant>) -> Instant {
        let repeat = now + self.repeat;
        if repeat <= asked.at + self.repeat_for {
            return repeat;
        }
        let regular = repeat.max(asked.at + self.answer);
        match skipped_at {
            Some(at) if !self.is_worthwhile(regular, skipped_at) => {
                self.last_chance(asked, now, at).unwrap_or(regular)
            }
            _ => regular,
        }
    }

    /// The regular report would come too late: one shortly before may be in time. Many
    /// would be for nothing, so this is only for what was lost repeatedly.
    fn last_chance(&self, asked: Asked, now: Instant, skipped_at: Instant) -> Option<Instant> {
        let early = skipped_at - self.usual;
        let is_answer_possible = early >= asked.at + self.soonest;
        (asked.rounds >= EARLY_ROUNDS && early > now && is_answer_possible).then_some(early)
    }
}

fn repeat_for(rtt: &Rtt) -> Duration {
    let smoothed = rtt.smoothed();
    let certain = smoothed.saturating_sub(rtt.variance() * REPEAT_VARIANCES);
    certain
        .min(smoothed.mul_f32(REPEAT_FOR_EVEN_ROUND_TRIPS))
        .max(smoothed.mul_f32(REPEAT_FOR_ROUND_TRIPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// When a loss found at zero is reported within `until` milliseconds.
    fn reports(cadence: Cadence, until: u64, skipped_at: Option<Instant>) -> Vec<u64> {
        let (mut asked, mut now, mut times) = (None, Instant::ZERO, Vec::new());
        while now < at(until) && (asked.is_none() || cadence.is_worthwhile(now, skipped_at)) {
            times.push(now.as_micros() / 1000);
            let round = cadence.ask(asked, now);
            now = cadence.next(round, now, skipped_at);
            asked = Some(round);
        }
        times
    }

    const STEADY: Cadence = Cadence {
        repeat: Duration::from_millis(26),
        repeat_for: Duration::from_millis(60),
        answer: Duration::from_millis(104),
        soonest: Duration::from_millis(96),
        usual: Duration::from_millis(101),
    };

    #[test]
    fn a_report_is_repeated_soon_and_then_only_when_its_answer_is_overdue() {
        let times = reports(STEADY, 300, None);
        assert_eq!(times, [0, 26, 52, 104, 130, 156, 208, 234, 260]);
    }

    #[test]
    fn nothing_is_asked_for_that_would_come_too_late() {
        assert_eq!(reports(STEADY, 300, Some(at(150))), [0, 26, 52]);
    }

    #[test]
    fn a_loss_that_was_repeated_in_vain_gets_its_last_chance_early() {
        let times = reports(STEADY, 400, Some(at(302)));
        assert_eq!(times, [0, 26, 52, 104, 130, 156, 201]);
    }

    #[test]
    fn an_unknown_round_trip_time_does_not_use_up_the_latency() {
        let times = reports(Cadence::new(&Rtt::default(), ms(120)), 120, None);
        assert_eq!(times, [0, 30, 60, 90]);
    }

    #[test]
    fn without_repetition_there_is_one_report() {
        assert_eq!(reports(Cadence::once(), 60_000, None), [0]);
    }
}
