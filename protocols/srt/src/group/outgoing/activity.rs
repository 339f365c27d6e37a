use tidegate_units::{Duration, Instant};

/// Added to the first phase of a leg that has just been activated: five of libsrt's ticks.
const PROBING_MARGIN: Duration = Duration::from_millis(50);
/// A leg that answers again is trusted after so many of the peer's latencies.
const WARY_LATENCIES: u32 = 4;

/// What a leg of a backup group is doing. The rules and times are libsrt 1.5's, but that a leg
/// is only judged while it owes an answer: one that nothing was sent over is not silent.
///
/// ```text
///              activated             answered long enough
///  Standby ───────────────▶ Fresh ───────────────────────▶ Stable
///    ▲  ▲                    │                              │  ▲
///    │  │                    │ no answer                    │  │ answered for four latencies
///    │  └── silenced ◀─ any  ▼      no answer, given up on  │  │
///    │      of these     Unstable ◀─────────────────────────┘  │
///    │                    │    ▲                              │
///    │            answers ▼    │ no answer, given up on       │
///    └── silenced ◀────── Wary ┴──────────────────────────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It carries nothing but keepalives; `rests` once what it carried before is settled.
    Standby { rests: bool },
    /// It has just begun to carry the stream: its round-trip time may be a guess.
    Fresh { since: Instant },
    /// It carries the stream.
    Stable,
    /// It carries the stream, but does not answer in time.
    Unstable { since: Instant },
    /// It answers again after it was unstable.
    Wary {
        since: Instant,
        unstable_since: Instant,
    },
}

/// What is seen of a leg that carries the stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulse {
    /// When the peer was last heard.
    pub(crate) heard: Instant,
    /// When the oldest packet that it has not acknowledged was handed over.
    pub(crate) owes_since: Option<Instant>,
    pub(crate) rtt: Duration,
    pub(crate) rtt_variance: Duration,
    /// Packets were given up since the last look, because it was too late for them.
    pub(crate) has_given_up: bool,
}

/// When a leg counts as stable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// No leg is judged by less silence than this.
    pub(crate) min_stability: Duration,
    /// How long the peer holds what it receives.
    pub(crate) latency: Duration,
}

impl Activity {
    /// Whether it carries the stream.
    pub(crate) const fn carries(self) -> bool {
        !matches!(self, Self::Standby { .. })
    }

    /// Since when it has not been stable.
    pub(crate) const fn unstable_since(self) -> Option<Instant> {
        match self {
            Self::Unstable { since } => Some(since),
            Self::Wary { unstable_since, .. } => Some(unstable_since),
            Self::Standby { .. } | Self::Fresh { .. } | Self::Stable => None,
        }
    }

    /// What it is now, by what is seen of it.
    pub(crate) fn judged(self, now: Instant, pulse: &Pulse, patience: &Patience) -> Self {
        let probing = matches!(self, Self::Fresh { since } if now <= patience.probing_end(since));
        let silent = self
            .silent_from(now, pulse, patience)
            .is_some_and(|at| at < now);
        if self.carries() && (silent || pulse.has_given_up && !probing) {
            let since = self.unstable_since().unwrap_or(now);
            return Self::Unstable { since };
        }
        match self {
            Self::Standby { .. } | Self::Stable => self,
            Self::Fresh { .. } if probing => self,
            Self::Unstable { since } => Self::Wary {
                since: now,
                unstable_since: since,
            },
            Self::Wary { since, .. } if now <= patience.wary_end(since) => self,
            Self::Fresh { .. } | Self::Wary { .. } => Self::Stable,
        }
    }

    /// When it has to be judged although nothing happens.
    pub(crate) fn judge_at(
        self,
        now: Instant,
        pulse: &Pulse,
        patience: &Patience,
    ) -> Option<Instant> {
        const JUST_AFTER: Duration = Duration::from_micros(1);
        let silent = || Some(self.silent_from(now, pulse, patience)? + JUST_AFTER);
        match self {
            Self::Standby { .. } => None,
            // It changes when something comes.
            Self::Unstable { .. } => None,
            Self::Stable => silent(),
            Self::Fresh { since } => {
                let end = patience.probing_end(since) + JUST_AFTER;
                silent().into_iter().chain([end]).min()
            }
            Self::Wary { since, .. } => {
                let end = patience.wary_end(since) + JUST_AFTER;
                silent().into_iter().chain([end]).min()
            }
        }
    }

    /// From when on its silence counts, unless it owes nothing.
    fn silent_from(self, now: Instant, pulse: &Pulse, patience: &Patience) -> Option<Instant> {
        let asked = pulse.heard.max(pulse.owes_since?);
        Some(match self {
            Self::Fresh { since } if now <= patience.probing_end(since) => {
                asked.max(since) + patience.first()
            }
            Self::Fresh { since } => asked.max(since) + patience.usual(pulse),
            _ => asked + patience.usual(pulse),
        })
    }
}

impl Patience {
    /// While the round-trip time is a guess.
    fn first(&self) -> Duration {
        self.min_stability.max(self.latency)
    }

    fn usual(&self, pulse: &Pulse) -> Duration {
        let measured = pulse.rtt * 2 + pulse.rtt_variance * 4;
        self.min_stability.max(measured).min(self.latency)
    }

    fn probing_end(&self, since: Instant) -> Instant {
        since + self.first() + PROBING_MARGIN
    }

    fn wary_end(&self, since: Instant) -> Instant {
        since + self.latency * WARY_LATENCIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        min_stability: Duration::from_millis(60),
        latency: Duration::from_millis(400),
    };

    const fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// A leg with a round trip of 20 ms: 60 ms of silence are too much.
    fn pulse(heard: u64, owes_since: Option<u64>) -> Pulse {
        Pulse {
            heard: at(heard),
            owes_since: owes_since.map(at),
            rtt: Duration::from_millis(20),
            rtt_variance: Duration::from_millis(2),
            has_given_up: false,
        }
    }

    fn judged(activity: Activity, now: u64, pulse: &Pulse) -> Activity {
        activity.judged(at(now), pulse, &PATIENCE)
    }

    #[test]
    fn a_fresh_leg_has_the_latency_to_answer_and_is_stable_afterwards() {
        let fresh = Activity::Fresh { since: at(1000) };
        let silent = pulse(0, Some(500));
        assert_eq!(judged(fresh, 1400, &silent), fresh);
        let unstable = Activity::Unstable { since: at(1401) };
        assert_eq!(judged(fresh, 1401, &silent), unstable);
        let answering = pulse(1440, Some(1445));
        assert_eq!(judged(fresh, 1450, &answering), fresh);
        assert_eq!(judged(fresh, 1451, &answering), Activity::Stable);
    }

    #[test]
    fn silence_counts_from_the_last_answer_or_from_what_has_to_be_answered() {
        let stable = Activity::Stable;
        assert_eq!(judged(stable, 1060, &pulse(1000, Some(990))), stable);
        let late = judged(stable, 1061, &pulse(1000, Some(990)));
        assert_eq!(late, Activity::Unstable { since: at(1061) });
        assert_eq!(judged(stable, 9000, &pulse(1000, None)), stable);
        assert_eq!(judged(stable, 9060, &pulse(1000, Some(9000))), stable);
    }

    #[test]
    fn a_long_round_trip_is_waited_for_but_not_longer_than_the_latency() {
        let slow = Pulse {
            rtt: Duration::from_millis(100),
            rtt_variance: Duration::from_millis(10),
            ..pulse(1000, Some(900))
        };
        assert_eq!(judged(Activity::Stable, 1240, &slow), Activity::Stable);
        assert_ne!(judged(Activity::Stable, 1241, &slow), Activity::Stable);
        let slower = Pulse {
            rtt: Duration::from_secs(2),
            ..slow
        };
        assert_ne!(judged(Activity::Stable, 1401, &slower), Activity::Stable);
    }

    #[test]
    fn a_leg_that_answers_again_is_trusted_after_four_latencies() {
        let unstable = Activity::Unstable { since: at(1000) };
        let wary = Activity::Wary {
            since: at(2000),
            unstable_since: at(1000),
        };
        assert_eq!(judged(unstable, 2000, &pulse(1999, Some(1990))), wary);
        assert_eq!(judged(wary, 3600, &pulse(3599, Some(3590))), wary);
        let stable = judged(wary, 3601, &pulse(3599, Some(3590)));
        assert_eq!(stable, Activity::Stable);
        assert_eq!(judged(wary, 3000, &pulse(2900, Some(2000))), unstable);
    }

    #[test]
    fn what_was_given_up_makes_it_unstable_though_it_answers() {
        let given_up = Pulse {
            has_given_up: true,
            ..pulse(1000, Some(1000))
        };
        let unstable = Activity::Unstable { since: at(1001) };
        assert_eq!(judged(Activity::Stable, 1001, &given_up), unstable);
        let fresh = Activity::Fresh { since: at(990) };
        assert_eq!(judged(fresh, 1001, &given_up), fresh);
    }

    #[test]
    fn it_is_judged_when_silence_would_show() {
        let judge_at = |activity: Activity, pulse: &Pulse| {
            let next = activity.judge_at(at(1000), pulse, &PATIENCE);
            next.map(Instant::as_micros)
        };
        let owing = pulse(1000, Some(1000));
        assert_eq!(judge_at(Activity::Stable, &owing), Some(1_060_001));
        assert_eq!(judge_at(Activity::Stable, &pulse(1000, None)), None);
        let standby = Activity::Standby { rests: true };
        assert_eq!(judge_at(standby, &owing), None);
        let fresh = Activity::Fresh { since: at(1000) };
        assert_eq!(judge_at(fresh, &pulse(1000, None)), Some(1_450_001));
    }
}
