use super::findings::Finding;
use super::{Health, Reason, ReasonCode};
use core::time::Duration;
use std::time::SystemTime;
use tidegate_units::Instant;

/// The verdict on one source: what was found wrong long enough to be said, and not right long
/// enough to be taken back.
///
/// ```text
///            found              for raise_after             not found
///   absent ────────► suspected ─────────────────► standing ◄──────────► clearing
///      ▲                 │ not found                              for clear_after │
///      └─────────────────┴───────────────────────────────────────────────────────┘
/// ```
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    known: Vec<Known>,
    /// Those that stand, worst first.
    reasons: Vec<Reason>,
}

#[derive(Debug)]
struct Known {
    reason: Reason,
    found_since: Instant,
    last_found: Instant,
    standing: bool,
}

/// What changed in the verdict.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Began to stand, or became more or less severe.
    pub(crate) raised: Vec<Reason>,
    /// No longer stand, and for how long they did.
    pub(crate) cleared: Vec<(ReasonCode, Duration)>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.raised.is_empty() && self.cleared.is_empty()
    }
}

/// How long something must be found before it stands, and be gone before it is cleared.
fn patience(code: ReasonCode) -> (Duration, Duration) {
    let seconds = Duration::from_secs;
    match code {
        // "Connected without media" must never look green, not for a moment.
        ReasonCode::NoMedia | ReasonCode::Reconnecting => (Duration::ZERO, Duration::ZERO),
        // Sound at a low bitrate comes in packets more than half a second apart.
        ReasonCode::NoPicture | ReasonCode::NoSound => (seconds(1), seconds(1)),
        ReasonCode::LosingPackets | ReasonCode::Scrambled => (Duration::ZERO, seconds(2)),
        ReasonCode::LinkLost => (seconds(1), seconds(2)),
        ReasonCode::BitrateLow => (seconds(3), seconds(5)),
        ReasonCode::LatencyTooLow => (seconds(3), seconds(10)),
        ReasonCode::WrongFormat => (seconds(1), seconds(1)),
    }
}

impl Verdict {
    /// Takes in what was found just now.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        wall: SystemTime,
        findings: Vec<Finding>,
        connected: bool,
    ) -> Changes {
        let mut changes = Changes::default();
        for finding in findings {
            self.take_in(now, wall, finding, &mut changes);
        }
        self.known.retain(|known| {
            let (_, clear_after) = patience(known.reason.code);
            // What was wrong with a connection ends with it.
            let clear_after = if connected {
                clear_after
            } else {
                Duration::ZERO
            };
            let gone = known.last_found < now
                && (!known.standing || now.saturating_since(known.last_found) >= clear_after);
            if gone && known.standing {
                let lasted = now.saturating_since(known.found_since);
                changes.cleared.push((known.reason.code, lasted));
            }
            !gone
        });
        let standing = self.known.iter().filter(|known| known.standing);
        self.reasons = standing.map(|known| known.reason.clone()).collect();
        self.reasons
            .sort_by_key(|reason| (core::cmp::Reverse(reason.severity), reason.code));
        changes
    }

    fn take_in(&mut self, now: Instant, wall: SystemTime, finding: Finding, changes: &mut Changes) {
        let Finding {
            code,
            severity,
            advice,
        } = finding;
        let index = self
            .known
            .iter()
            .position(|known| known.reason.code == code);
        let index = index.unwrap_or_else(|| {
            let text = code.text().to_owned();
            let reason = Reason {
                code,
                text,
                severity,
                since: wall,
                advice: String::new(),
            };
            self.known.push(Known {
                reason,
                found_since: now,
                last_found: now,
                standing: false,
            });
            self.known.len() - 1
        });
        let known = &mut self.known[index];
        known.last_found = now;
        known.reason.advice = advice;
        let escalated = known.reason.severity != severity;
        known.reason.severity = severity;
        let (raise_after, _) = patience(code);
        let raise = !known.standing && now.saturating_since(known.found_since) >= raise_after;
        known.standing |= raise;
        if raise || (known.standing && escalated) {
            changes.raised.push(known.reason.clone());
        }
    }

    /// Green only when nothing stands against it.
    pub(crate) fn health(&self) -> Health {
        self.reasons
            .iter()
            .map(|reason| reason.severity)
            .max()
            .unwrap_or(Health::Ok)
    }

    /// How long something has stood, or been suspected.
    pub(crate) fn age(&self, code: ReasonCode, now: Instant) -> Duration {
        let known = self.known.iter().find(|known| known.reason.code == code);
        known.map_or(Duration::ZERO, |known| {
            now.saturating_since(known.found_since)
        })
    }

    /// What stands against it, worst first.
    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: ReasonCode, severity: Health) -> Finding {
        Finding {
            code,
            severity,
            advice: "Do something.".into(),
        }
    }

    fn at(verdict: &mut Verdict, millis: u64, findings: Vec<Finding>) -> Changes {
        verdict.update(
            Instant::from_millis(millis),
            SystemTime::UNIX_EPOCH,
            findings,
            true,
        )
    }

    const LOW: ReasonCode = ReasonCode::BitrateLow;

    #[test]
    fn a_moments_dip_is_not_said() {
        let mut verdict = Verdict::default();
        assert!(at(&mut verdict, 0, vec![finding(LOW, Health::Warning)]).is_empty());
        assert!(at(&mut verdict, 2000, vec![]).is_empty());
        assert_eq!(verdict.health(), Health::Ok);
    }

    #[test]
    fn what_lasts_is_said_once_and_taken_back_once() {
        let mut verdict = Verdict::default();
        let mut raised = 0;
        let mut cleared = 0;
        for step in 0..80 {
            let wrong = step < 40;
            let findings = if wrong {
                vec![finding(LOW, Health::Warning)]
            } else {
                vec![]
            };
            let changes = at(&mut verdict, step * 250, findings);
            raised += changes.raised.len();
            cleared += changes.cleared.len();
            if step == 20 || step == 50 {
                assert_eq!(verdict.health(), Health::Warning, "at step {step}");
            }
        }
        assert_eq!((raised, cleared), (1, 1));
        assert_eq!(verdict.health(), Health::Ok);
    }

    #[test]
    fn something_that_comes_and_goes_is_one_alarm() {
        let mut verdict = Verdict::default();
        let mut raised = 0;
        for step in 0..40 {
            let found = vec![finding(ReasonCode::LosingPackets, Health::Warning)];
            let findings = if step % 4 == 0 { found } else { vec![] };
            raised += at(&mut verdict, step * 250, findings).raised.len();
        }
        assert_eq!(raised, 1);
    }

    #[test]
    fn growing_worse_is_said_again() {
        let mut verdict = Verdict::default();
        let code = ReasonCode::NoMedia;
        assert_eq!(
            at(&mut verdict, 0, vec![finding(code, Health::Warning)])
                .raised
                .len(),
            1
        );
        assert_eq!(
            at(&mut verdict, 250, vec![finding(code, Health::Error)])
                .raised
                .len(),
            1
        );
        assert_eq!(
            at(&mut verdict, 500, vec![finding(code, Health::Error)])
                .raised
                .len(),
            0
        );
        assert_eq!(verdict.health(), Health::Error);
    }

    #[test]
    fn what_was_wrong_with_a_connection_ends_with_it() {
        let mut verdict = Verdict::default();
        at(
            &mut verdict,
            0,
            vec![finding(ReasonCode::LosingPackets, Health::Error)],
        );
        let findings = vec![finding(ReasonCode::NoMedia, Health::Error)];
        let now = Instant::from_millis(250);
        verdict.update(now, SystemTime::UNIX_EPOCH, findings, false);
        let codes: Vec<_> = verdict.reasons().iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [ReasonCode::NoMedia]);
    }
}
