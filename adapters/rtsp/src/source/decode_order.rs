//! When pictures are decoded. RTP says only when they are shown; where some are shown before
//! others that come first (B pictures), decoding has to be earlier by as many pictures as
//! are held back at most.
//!
//! ```text
//! comes     I0  P3  B1  B2  P6  B4  B5
//! shown      0   3   1   2   6   4   5      reordered: 1
//! decoded   -1   0   1   2   3   4   5      the times shown, in order, one picture later
//! ```

use std::collections::VecDeque;

/// No stream holds back more pictures.
const REORDERED_MAX: usize = 16;
/// A picture's length, until two have come.
const USUAL_STEP_TICKS: i64 = 3600;

/// Finds the decoding times of one stream.
#[derive(Debug, Default)]
pub(super) struct DecodeOrder {
    /// How many pictures are held back.
    reordered: usize,
    /// Times shown that no picture was decoded at yet, in order.
    waiting: Vec<i64>,
    /// Times shown of the last pictures, as they came.
    recent: VecDeque<i64>,
    step: Option<i64>,
    last: Option<i64>,
}

impl DecodeOrder {
    /// What the headers say about it; a stream that does otherwise teaches better.
    pub(super) fn expect(&mut self, reordered: u8, fps: Option<f64>) {
        self.reordered = usize::from(reordered).min(REORDERED_MAX);
        let step = fps.filter(|fps| *fps >= 1.0).map(|fps| 90_000.0 / fps);
        self.step = step.map(|step| step as i64).or(self.step);
    }

    /// When the next picture is decoded that is shown at `pts`.
    pub(super) fn place(&mut self, pts: i64) -> i64 {
        if let Some(&before) = self.recent.back() {
            let step = pts.saturating_sub(before).saturating_abs();
            if step > 0 && self.step.is_none_or(|known| step < known) {
                self.step = Some(step);
            }
        }
        let overtaken = self.recent.iter().filter(|&&shown| shown > pts).count();
        self.reordered = self.reordered.max(overtaken);
        if self.recent.len() == REORDERED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(pts);
        let at = self.waiting.partition_point(|&shown| shown <= pts);
        self.waiting.insert(at, pts);
        let missing = (self.reordered + 1).saturating_sub(self.waiting.len());
        let first = self.waiting[0];
        let dts = if missing == 0 {
            self.waiting.remove(0)
        } else {
            let step = self.step.unwrap_or(USUAL_STEP_TICKS);
            first.saturating_sub(step.saturating_mul(missing as i64))
        };
        let floor = self.last.map_or(i64::MIN, |last| last.saturating_add(1));
        let dts = dts.max(floor);
        self.last = Some(dts);
        dts
    }

    /// Times do not continue.
    pub(super) fn restart(&mut self) {
        *self = Self {
            reordered: self.reordered,
            step: self.step,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(reordered: Option<u8>, shown: &[i64]) -> Vec<i64> {
        let mut order = DecodeOrder::default();
        if let Some(reordered) = reordered {
            order.expect(reordered, Some(25.0));
        }
        shown.iter().map(|&pts| order.place(pts)).collect()
    }

    #[test]
    fn pictures_that_are_shown_as_they_come_are_decoded_then() {
        let shown = [0, 3600, 7200, 10_800];
        assert_eq!(decoded(Some(0), &shown), shown);
        assert_eq!(decoded(None, &shown), shown);
    }

    #[test]
    fn reordered_pictures_are_decoded_in_time_and_in_order() {
        let shown: Vec<i64> = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11]
            .map(|n| n * 3600)
            .into();
        for reordered in [Some(2), None] {
            let decoded = decoded(reordered, &shown);
            assert!(decoded.is_sorted_by(|a, b| a < b), "{decoded:?}");
            // Without headers the first few teach.
            let settled = if reordered.is_some() { 0 } else { 7 };
            let mut both = shown.iter().zip(&decoded).skip(settled);
            assert!(both.all(|(pts, dts)| dts <= pts), "{decoded:?}");
            let mut steps = decoded.windows(2).skip(settled).map(|two| two[1] - two[0]);
            assert!(steps.all(|step| step == 3600), "{decoded:?}");
        }
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut order = DecodeOrder::default();
        for count in 0..10_000_i64 {
            order.place(-count);
        }
        assert!(order.waiting.len() <= REORDERED_MAX + 1);
        order.place(i64::MAX);
        order.place(i64::MIN);
    }
}
