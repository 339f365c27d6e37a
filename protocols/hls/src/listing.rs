//! The playlist of segments that were uploaded.

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::VecDeque;

/// A sliding window of uploaded segments.
#[derive(Debug)]
pub struct Listing {
    window: usize,
    /// Whole seconds; a playlist's target must not change while it is played, so it only grows.
    target_seconds: u64,
    listed: VecDeque<Listed>,
    first_sequence: u64,
    discontinuities_before: u64,
}

#[derive(Debug)]
struct Listed {
    name: String,
    duration: Duration,
    discontinuity: bool,
}

impl Listing {
    /// An empty list of at most `window` segments, whose first has the number
    /// `first_sequence`.
    #[must_use]
    pub fn new(window: usize, target: Duration, first_sequence: u64) -> Self {
        Self {
            window,
            target_seconds: rounded(target),
            listed: VecDeque::new(),
            first_sequence,
            discontinuities_before: 0,
        }
    }

    /// Adds a segment; the name of the one that left the list for it.
    pub fn add(&mut self, name: String, duration: Duration, discontinuity: bool) -> Option<String> {
        self.target_seconds = self.target_seconds.max(rounded(duration));
        self.listed.push_back(Listed {
            name,
            duration,
            // Nothing comes before the first.
            discontinuity: discontinuity && !self.listed.is_empty(),
        });
        if self.listed.len() <= self.window {
            return None;
        }
        let left = self.listed.pop_front()?;
        self.first_sequence += 1;
        self.discontinuities_before += u64::from(left.discontinuity);
        Some(left.name)
    }

    /// The playlist; `None` while nothing is in it.
    #[must_use]
    pub fn playlist(&self) -> Option<String> {
        if self.listed.is_empty() {
            return None;
        }
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n",
            self.target_seconds, self.first_sequence
        );
        if self.discontinuities_before > 0 {
            let count = self.discontinuities_before;
            let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{count}");
        }
        for segment in &self.listed {
            if segment.discontinuity {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let seconds = segment.duration.as_secs_f64();
            let _ = writeln!(text, "#EXTINF:{seconds:.5},\n{}", segment.name);
        }
        Some(text)
    }
}

/// To the nearest second, as players compare it.
fn rounded(duration: Duration) -> u64 {
    (duration.as_secs_f64().round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::m3u8::Playlist;

    #[test]
    fn the_window_slides_and_players_can_read_it() {
        let mut listing = Listing::new(3, Duration::from_secs(2), 7);
        assert_eq!(listing.playlist(), None);
        let mut left = Vec::new();
        for number in 7..12 {
            let name = format!("live-{number}.ts");
            left.extend(listing.add(name, Duration::from_millis(1960), number == 8));
        }
        assert_eq!(left, ["live-7.ts", "live-8.ts"]);
        let text = listing.playlist().unwrap();
        assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{text}");
        let Ok(Playlist::Media(read)) = Playlist::read(text.as_bytes()) else {
            panic!("{text}");
        };
        assert_eq!((read.target, read.ended), (Duration::from_secs(2), false));
        let listed: Vec<_> = read
            .segments
            .iter()
            .map(|it| (it.sequence, &*it.uri))
            .collect();
        assert_eq!(
            listed,
            [(9, "live-9.ts"), (10, "live-10.ts"), (11, "live-11.ts")]
        );
        listing.add("long.ts".into(), Duration::from_millis(5600), false);
        listing.add("short.ts".into(), Duration::from_secs(1), false);
        assert!(listing.playlist().unwrap().contains("TARGETDURATION:6\n"));
    }
}
