//! Milliseconds of 32 bits to 90 kHz without wraps.

const TICKS_PER_MS: i64 = 90;
const NANOSECONDS_PER_MS: i64 = 1_000_000;

/// Follows the time stamps of one connection, sound and picture together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    last: Option<(u32, i64)>,
}

impl Clock {
    /// The time of a message, in ticks of 90 kHz. The time stamps wrap after 49.7 days.
    pub(crate) fn ticks(&mut self, timestamp_ms: u32, nanoseconds: u32) -> i64 {
        let millis = match self.last {
            None => i64::from(timestamp_ms),
            Some((last, millis)) => {
                millis + i64::from(timestamp_ms.wrapping_sub(last).cast_signed())
            }
        };
        self.last = Some((timestamp_ms, millis));
        millis * TICKS_PER_MS + i64::from(nanoseconds) * TICKS_PER_MS / NANOSECONDS_PER_MS
    }
}

/// Gives sound frames the exact times that were rounded to milliseconds on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cadence {
    /// Where the next frame belongs, in samples of `rate_hz` after `start`.
    start: i64,
    samples: i64,
    rate_hz: u32,
}

impl Cadence {
    /// Two roundings.
    const TOLERANCE_TICKS: i64 = 2 * TICKS_PER_MS;

    /// The exact time of a frame that was told to be at `told` and lasts `samples`.
    pub(crate) fn place(&mut self, told: i64, samples: u32, rate_hz: u32) -> i64 {
        if samples == 0 || rate_hz == 0 {
            return told;
        }
        let exact = self.start + self.samples * 90_000 / i64::from(self.rate_hz.max(1));
        if self.rate_hz != rate_hz || (told - exact).abs() > Self::TOLERANCE_TICKS {
            *self = Self {
                start: told,
                samples: 0,
                rate_hz,
            };
        }
        let exact = self.start + self.samples * 90_000 / i64::from(rate_hz);
        self.samples += i64::from(samples);
        // Whole seconds move into the start, so that nothing ever overflows.
        let seconds = self.samples / i64::from(rate_hz);
        self.start += seconds * 90_000;
        self.samples -= seconds * i64::from(rate_hz);
        exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_over_the_wrap_and_a_little_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.ticks(u32::MAX - 9, 0), (i64::from(u32::MAX) - 9) * 90);
        assert_eq!(clock.ticks(10, 0), (i64::from(u32::MAX) + 11) * 90);
        assert_eq!(clock.ticks(u32::MAX, 0), i64::from(u32::MAX) * 90);
        assert_eq!(Clock::default().ticks(5, 500_000), 495);
    }

    #[test]
    fn frames_of_sound_come_at_even_distances_although_they_were_rounded() {
        let mut cadence = Cadence::default();
        let mut last = None;
        for frame in 0..5000_i64 {
            let told = frame * 1024 * 1000 / 44_100 * 90;
            let exact = cadence.place(told, 1024, 44_100);
            assert!((exact - told).abs() <= 180, "frame {frame}");
            if let Some(last) = last {
                assert!((2089..=2090).contains(&(exact - last)), "frame {frame}");
            }
            last = Some(exact);
        }
    }

    #[test]
    fn a_pause_is_kept() {
        let mut cadence = Cadence::default();
        assert_eq!(cadence.place(0, 1024, 48_000), 0);
        assert_eq!(cadence.place(90_000, 1024, 48_000), 90_000);
    }
}
