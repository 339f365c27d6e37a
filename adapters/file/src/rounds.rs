//! Where each round of a file lies on the timeline.

use std::collections::BTreeMap;
use tidegate_mp4::Sample;

/// Where the first round begins: far enough from zero that nothing is before it.
const START_TICKS: i64 = 10 * 90_000;

/// Moves the samples of each round behind those of the round before, in ticks of 90 kHz.
///
/// The same file again follows so closely that on no track a sample comes before the end of
/// the last; in another one everything comes behind everything that was.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    offset: i64,
    /// The first decoding time of the round, by the file.
    first: Option<i64>,
    /// The same of the round before.
    before: Option<i64>,
    /// First and last moment of each track, by decoding, and of all, by presentation.
    tracks: BTreeMap<u16, (i64, i64)>,
    shown: Option<(i64, i64)>,
    period: i64,
    /// Where all that was played ends.
    end: i64,
}

impl Rounds {
    /// The next round begins.
    pub(crate) fn restart(&mut self) {
        self.period = self.length();
        self.before = self.first.take();
        self.tracks.clear();
        self.shown = None;
    }

    /// How long the round has lasted so far.
    pub(crate) fn length(&self) -> i64 {
        let tracks = self.tracks.values().map(|(first, end)| end - first);
        let shown = self.shown.map_or(0, |(first, end)| end - first);
        tracks.max().unwrap_or(0).max(shown)
    }

    /// What to add to the times of a sample, the next of the round; `is_same`: the tracks are
    /// those of the round before.
    pub(crate) fn place(&mut self, sample: &Sample, is_same: bool) -> i64 {
        if self.first.is_none() {
            self.first = Some(sample.dts);
            self.offset = match self.before {
                None => START_TICKS - sample.dts,
                Some(before) if before == sample.dts && is_same => self.offset + self.period,
                Some(_) => self.end - sample.dts,
            };
        }
        let end = |time: i64| time.saturating_add(sample.duration);
        let decoded = (sample.dts, end(sample.dts));
        let track = self.tracks.entry(sample.track).or_insert(decoded);
        track.1 = track.1.max(decoded.1);
        let (first, last) = self.shown.unwrap_or((sample.pts, sample.pts));
        self.shown = Some((first.min(sample.pts), last.max(end(sample.pts))));
        self.end = self
            .end
            .max(decoded.1.max(end(sample.pts)).saturating_add(self.offset));
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn sample(track: u16, dts: i64, pts: i64, duration: i64) -> Sample {
        Sample {
            track,
            pts,
            dts,
            duration,
            key: true,
            discontinuity: false,
            data: Bytes::new(),
        }
    }

    /// Pictures that are decoded two frames ahead, and sound that is a little longer.
    fn round(rounds: &mut Rounds, is_same: bool) -> Vec<(u16, i64)> {
        rounds.restart();
        let samples = [
            sample(1, -20, 0, 10),
            sample(1, -10, 10, 10),
            sample(2, 0, 0, 12),
            sample(2, 12, 12, 12),
        ];
        let place = |sample: &Sample| (sample.track, sample.dts + rounds.place(sample, is_same));
        samples.iter().map(place).collect()
    }

    #[test]
    fn the_same_again_follows_without_a_gap_on_the_longest_track() {
        let mut rounds = Rounds::default();
        let first = round(&mut rounds, false);
        assert_eq!(first[0], (1, START_TICKS));
        let second = round(&mut rounds, true);
        assert_eq!(second[2].1 - first[3].1, 12, "sound goes on");
        assert_eq!(
            second[0].1 - first[1].1,
            14,
            "a picture stands 4 ticks longer"
        );
        let third = round(&mut rounds, true);
        assert_eq!(third[0].1 - second[0].1, second[0].1 - first[0].1);
    }

    #[test]
    fn another_file_comes_behind_everything() {
        let mut rounds = Rounds::default();
        let first = round(&mut rounds, false);
        let second = round(&mut rounds, false);
        assert_eq!(second[0].1, first[3].1 + 12);
    }
}
