use core::time::Duration;
use tidegate_units::Instant;

/// How long is looked before anything is changed, at least: the origin's segments come in steps,
/// and only the least of what is ahead says how much there is to spare …
const LOOK: Duration = Duration::from_secs(30);
/// … and so many target durations, where they are long.
const LOOK_TARGETS: u32 = 5;
/// By how much a stream is played faster or slower at most, in millionths. No clock is wrong by
/// more, and nobody hears or sees it.
const MOST_PPM: i64 = 500;
/// For each millisecond that is too much or too little.
const PPM_PER_MILLI: i64 = 1;

/// Keeps what is ahead about as long as it was in the beginning, though the origin's clock is
/// not ours: without it a stream would run dry after hours, or fall out of the playlist.
///
/// ```text
///  ahead ╲    ╱╲    ╱╲    ╱╲          the least of each look, compared with that of the
///         ╲__╱  ╲__╱  ╲__╱  ╲__       first: more is played faster, less slower
/// ```
#[derive(Debug, Default)]
pub(super) struct Steer {
    began: Option<Instant>,
    least: Duration,
    wanted: Option<Duration>,
}

impl Steer {
    /// Takes in how much is listed and not played; now and then, how much faster to play from
    /// here on, in millionths.
    pub(super) fn look(&mut self, now: Instant, ahead: Duration, target: Duration) -> Option<i64> {
        let Some(began) = self.began else {
            (self.began, self.least) = (Some(now), ahead);
            return None;
        };
        self.least = self.least.min(ahead);
        if now.saturating_since(began) < LOOK.max(target * LOOK_TARGETS) {
            return None;
        }
        let least = core::mem::replace(&mut self.least, ahead);
        self.began = Some(now);
        // Neither so little that every hiccup is seen, nor for ever what an outage left behind.
        let wanted = *self
            .wanted
            .get_or_insert(least.clamp(target / 2, target * 2));
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let excess = millis(least).saturating_sub(millis(wanted));
        Some(
            excess
                .saturating_mul(PPM_PER_MILLI)
                .clamp(-MOST_PPM, MOST_PPM),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::pace::Pace;
    use super::*;

    const TARGET_MICROS: i64 = 2_000_000;
    const FRAME_MICROS: i64 = 200_000;

    /// Plays for hours what an origin lists whose clock is wrong by so many millionths; the
    /// least and the most that was ahead, and how often something came late.
    fn play(origin_ppm: i64, hours: u64) -> (Duration, Duration, u64) {
        let (mut steer, mut pace) = (Steer::default(), Pace::default());
        let (mut at, mut last_due) = (0, None);
        let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
        let target = Duration::from_micros(TARGET_MICROS as u64);
        for step in 0..hours * 3600 * 5 {
            let now = Instant::from_millis(1000 + step * 200);
            let passed = (step * 200_000) as i64;
            let made = passed + passed / 1_000_000 * origin_ppm;
            // Three segments are listed in the beginning.
            let listed = (made / TARGET_MICROS + 3) * TARGET_MICROS;
            while at < listed && pace.due(now, at) <= now {
                let due = pace.due(now, at);
                if let Some(last) = last_due.replace(due) {
                    let distance = due.saturating_since(last).as_micros() as i64;
                    assert!((FRAME_MICROS - 110..=FRAME_MICROS + 110).contains(&distance));
                }
                at += FRAME_MICROS;
            }
            let ahead = Duration::from_micros((listed - at).max(0) as u64);
            (least, most) = (least.min(ahead), most.max(ahead));
            if let Some(ppm) = steer.look(now, ahead, target) {
                pace.steer(at, ppm);
            }
        }
        (least, most, pace.late())
    }

    #[test]
    fn an_origin_whose_clock_is_wrong_is_followed_for_hours_without_a_burst_or_a_pause() {
        for ppm in [0, 100, 300, -300] {
            let (least, most, late) = play(ppm, 12);
            assert_eq!(late, 0, "{ppm}");
            assert!(least >= Duration::from_secs(3), "{ppm}: {least:?}");
            assert!(most <= Duration::from_secs(7), "{ppm}: {most:?}");
        }
    }

    #[test]
    fn what_an_outage_left_behind_is_made_up_for_slowly() {
        let (mut steer, target) = (Steer::default(), Duration::from_secs(2));
        let look = |steer: &mut Steer, second: u64, ahead: u64| {
            steer.look(
                Instant::from_millis(second * 1000),
                Duration::from_secs(ahead),
                target,
            )
        };
        assert_eq!(look(&mut steer, 0, 4), None);
        assert_eq!(look(&mut steer, 31, 4), Some(0));
        assert_eq!(look(&mut steer, 40, 14), None);
        assert_eq!(
            look(&mut steer, 62, 14),
            Some(0),
            "the least of the look was 4 s"
        );
        assert_eq!(look(&mut steer, 93, 14), Some(MOST_PPM));
    }
}
