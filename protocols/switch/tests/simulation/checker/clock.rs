//! The program clock against play-out.

use tidegate_units::{Duration, Instant};

const PERIOD: u64 = (1 << 33) * 300;
const TICKS_PER_MICRO: u64 = 27;
/// ISO/IEC 13818-1 asks for 100 ms, 2.7.2.
const INTERVAL_MAX_MICROS: u64 = 100_000;

#[derive(Default)]
pub struct Clock {
    last: Option<(u64, Instant)>,
    began: Instant,
    /// Ticks of 27 MHz since it began.
    elapsed: i64,
    /// Leaps that the program told about, in microseconds.
    allowed: u64,
    /// Since then it came.
    is_seen: bool,
    /// Beyond the longest interval, in microseconds.
    pub slack: u64,
    /// What was handed over then was late by so many microseconds.
    catches_up: (Instant, i64),
    /// The most it was away from play-out, in microseconds.
    pub worst: i64,
}

impl Clock {
    /// The clock in ticks of 90 kHz, where it was told lately.
    pub fn last(&self, due: Instant) -> Option<i64> {
        let (pcr, at) = self.last?;
        let is_recent = due.micros_from(at) < INTERVAL_MAX_MICROS as i64;
        is_recent.then_some((pcr / 300) as i64)
    }

    /// The program told about a leap of so many ticks of 90 kHz.
    pub fn allow(&mut self, gap: f64) {
        // Of what was cut at once no clock may have come.
        let before = if self.is_seen { 0 } else { self.allowed };
        self.allowed = before + (gap * 100.0 / 9.0) as u64;
        self.is_seen = false;
    }

    /// What is handed over now is late, by so much at most.
    pub fn catches_up(&mut self, now: Instant, late: Duration) {
        self.catches_up = (now, late.as_micros() as i64);
    }

    pub fn push(
        &mut self,
        now: Instant,
        pcr: u64,
        due: Instant,
        tolerance: i64,
    ) -> Result<(), String> {
        let Some((last, last_due)) = self.last.replace((pcr, due)) else {
            self.began = due;
            return Ok(());
        };
        self.is_seen = true;
        let step = (pcr + PERIOD - last) % PERIOD;
        if step > PERIOD / 2 {
            return Err(format!("the clock goes back by {} ticks", PERIOD - step));
        }
        self.elapsed += step as i64;
        let off = self.elapsed / TICKS_PER_MICRO as i64 - due.micros_from(self.began);
        let (at, late) = self.catches_up;
        let catches_up = now == at && (-late - tolerance..0).contains(&off);
        if !catches_up {
            self.worst = self.worst.max(off.abs());
        }
        let step = step / TICKS_PER_MICRO;
        if step > INTERVAL_MAX_MICROS + self.allowed + self.slack {
            let waited = due.micros_from(last_due);
            return Err(format!(
                "{step} us without a clock, {waited} us by play-out"
            ));
        }
        if off.abs() > tolerance && !catches_up {
            return Err(format!("the clock is off by {off} us against play-out"));
        }
        Ok(())
    }
}
