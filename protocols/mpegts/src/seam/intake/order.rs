//! Where a stream of pictures can be cut: everything before is shown before everything behind.
//!
//! ```text
//! decoded  I0 ║ P3  B1  B2 ║ P6  B4  B5 ║ I9 …
//!             ▲            ▲            ▲
//!             0 is all     0…3 are all  0…6 are all that may come before it
//! ```

use super::unit::Times;

/// Steps between decoding times that the length of a picture is taken from.
const STEPS: usize = 16;
/// A longer step is a pause, not a picture.
const LONGEST_PICTURE_TICKS: i64 = 90_000;
/// What a picture lasts as long as nobody can tell: a 25th of a second.
const USUAL_PICTURE_TICKS: i64 = 3_600;
/// Pictures without reordering after which there is none.
const FORGET_REORDERING: u32 = 256;

/// Follows the order of one stream's pictures.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    steps: [i64; STEPS],
    next_step: usize,
    last_dts: Option<i64>,
    /// The highest presentation time so far.
    highest: Option<i64>,
    /// The presentation time that the current group begins with, and how many pictures it has.
    group: Option<(i64, i64)>,
    /// Pictures since one was decoded before another that is shown earlier.
    since_reordered: Option<u32>,
}

/// What is known of a picture when it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) clean: bool,
    pub(super) highest_before: Option<i64>,
}

impl Order {
    /// A picture begins.
    pub(super) fn begin(&mut self, times: Times) -> Place {
        self.step(times.dts);
        let highest_before = self.highest;
        let place = Place {
            clean: self.is_complete() && highest_before.is_none_or(|highest| times.pts > highest),
            highest_before,
        };
        self.group = match self.group {
            Some((first, count)) if !place.clean => Some((first, count + 1)),
            _ => Some((
                highest_before.map_or(times.pts, |it| it + self.picture()),
                1,
            )),
        };
        if highest_before.is_some_and(|highest| times.pts < highest) {
            self.since_reordered = Some(0);
        } else {
            let forget = |since: u32| Some(since + 1).filter(|&since| since < FORGET_REORDERING);
            self.since_reordered = self.since_reordered.and_then(forget);
        }
        self.highest = highest_before.max(Some(times.pts));
        place
    }

    /// The picture that began last turned out to be a key frame: what is shown before it was
    /// decoded before it.
    pub(super) fn is_key(&mut self, pts: i64, place: &mut bool, highest_before: Option<i64>) {
        if !*place && highest_before.is_none_or(|highest| pts > highest) {
            *place = true;
            self.group = Some((pts, 1));
        }
    }

    /// Whether no picture is missing among those that began so far.
    pub(super) fn is_complete(&self) -> bool {
        let (Some((first, count)), Some(highest), Some(_)) =
            (self.group, self.highest, self.since_reordered)
        else {
            return true; // in order
        };
        let picture = self.picture();
        let expected = first.saturating_add((count - 1).saturating_mul(picture));
        highest.abs_diff(expected) <= picture.unsigned_abs() / 2
    }

    /// Whether pictures are decoded in another order than they are shown.
    pub(super) const fn is_reordered(&self) -> bool {
        self.since_reordered.is_some()
    }

    /// How long a picture lasts.
    pub(super) fn picture(&self) -> i64 {
        let mut steps = self.steps;
        steps.sort_unstable();
        let known = &steps[steps.partition_point(|&step| step <= 0)..];
        known
            .get(known.len() / 2)
            .copied()
            .unwrap_or(USUAL_PICTURE_TICKS)
    }

    fn step(&mut self, dts: i64) {
        let step = self.last_dts.map(|last| dts.saturating_sub(last));
        self.last_dts = Some(dts);
        if let Some(step) = step.filter(|step| (1..=LONGEST_PICTURE_TICKS).contains(step)) {
            self.steps[self.next_step] = step;
            self.next_step = (self.next_step + 1) % STEPS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the pictures, by their presentation times in decoding order, can be cut before.
    fn clean(pictures: &[i64]) -> Vec<bool> {
        let mut order = Order::default();
        let mut begin = |(index, pts): (i64, &i64)| {
            let (pts, dts) = (pts * 3600, index * 3600 - 7200);
            order.begin(Times { pts, dts }).clean
        };
        (0..).zip(pictures).map(&mut begin).collect()
    }

    #[test]
    fn pictures_in_order_can_be_cut_anywhere() {
        assert_eq!(clean(&[0, 1, 2, 3]), [true; 4]);
    }

    #[test]
    fn reordered_pictures_can_be_cut_between_their_groups() {
        let found = clean(&[0, 3, 1, 2, 6, 4, 5, 9]);
        assert_eq!(found, [true, true, false, false, true, false, false, true]);
    }

    #[test]
    fn the_group_of_an_open_key_frame_is_complete_with_its_leading_pictures() {
        let found = clean(&[0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12]);
        assert_eq!(found[7..], [true, false, false, true]);
    }

    #[test]
    fn a_group_that_lacks_a_picture_is_not_complete_before_the_next_key_frame() {
        let found = clean(&[0, 3, 1, 2, 6, 4, 9, 7, 8, 12]);
        assert_eq!(found[4..], [true, false, false, false, false, false]);
        let mut order = Order::default();
        for (index, pts) in (0..).zip([0, 3, 1, 2, 6, 4, 9]) {
            let times = Times {
                pts: pts * 3600,
                dts: index * 3600,
            };
            let place = order.begin(times);
            if pts == 9 {
                let mut clean = place.clean;
                order.is_key(times.pts, &mut clean, place.highest_before);
                assert!(clean);
            }
        }
    }
}
