//! Follows a live playlist: which segment comes next, and when to look again.
//!
//! ```text
//!            take(playlist)                     next_segment()
//!  waiting ───────────────▶ pending segments ─────────▶ fetched, in order, each once
//!     ▲                        │
//!     └── reload_at ◀──────────┤ a target duration after a change, half of one after none
//!                              ├▶ stale: nothing new for three target durations
//!                              └▶ finished: the playlist has ended, and all was given out
//! ```

use crate::m3u8::{MediaPlaylist, Segment};
use core::time::Duration;
use std::collections::VecDeque;
use tidegate_units::Instant;

/// Segments from the end of a live playlist to begin with (RFC 8216, section 6.3.3).
const START_SEGMENTS: usize = 3;
/// Target durations without anything new after which a live playlist is stale.
const STALE_TARGETS: u32 = 3;
/// Bounds of the target duration taken at its word: neither a busy loop nor a nap of hours.
const TARGET_MIN: Duration = Duration::from_millis(500);
const TARGET_MAX: Duration = Duration::from_secs(60);
/// Segments remembered to tell an old copy of the playlist from a restarted origin.
const REMEMBERED: usize = 32;
/// Numbers that go on by more than this between two looks are counted anew: an origin that
/// begins again counts from where it likes, the time of day included.
const UNLISTED_MAX: u64 = 100;

/// One playlist being followed.
#[derive(Debug)]
pub struct Follow {
    target: Duration,
    /// The number after the newest segment that was taken.
    next: Option<u64>,
    pending: VecDeque<Next>,
    recent: VecDeque<(u64, String)>,
    changed_at: Instant,
    reload_at: Instant,
    ended: bool,
    missed: u64,
    restarts: u64,
}

/// A segment to fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The segment.
    pub segment: Segment,
    /// Segments that were never listed, or left the list, just before it.
    pub missed: u64,
}

impl Follow {
    /// Nothing is known yet; the playlist is wanted at once.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            target: TARGET_MIN,
            next: None,
            pending: VecDeque::new(),
            recent: VecDeque::new(),
            changed_at: now,
            reload_at: now,
            ended: false,
            missed: 0,
            restarts: 0,
        }
    }

    /// Goes on behind a segment that was played earlier, where the playlist still lists it;
    /// what is live is entered no further from its end than by anybody.
    #[must_use]
    pub fn behind(now: Instant, sequence: u64, uri: &str) -> Self {
        let mut follow = Self::new(now);
        follow.recent.push_back((sequence, name(uri).to_owned()));
        follow
    }

    /// The playlist, as it was loaded just now. Says how many segments are new.
    pub fn take(&mut self, now: Instant, playlist: MediaPlaylist) -> usize {
        let longest = playlist.segments.iter().map(|it| it.duration).max();
        let target = playlist.target.max(longest.unwrap_or_default());
        self.target = target.clamp(TARGET_MIN, TARGET_MAX);
        let ends = playlist.ended && !self.ended;
        self.ended |= playlist.ended;
        let added = self.add(playlist);
        let pause = if added > 0 || ends {
            self.changed_at = now;
            self.target
        } else {
            self.target / 2
        };
        self.reload_at = now + pause;
        added
    }

    /// The playlist could not be loaded, or not be read.
    pub fn failed(&mut self, now: Instant) {
        self.reload_at = now + self.target / 2;
    }

    /// The segment to fetch now.
    pub fn next_segment(&mut self) -> Option<Next> {
        self.pending.pop_front()
    }

    /// How long that lasts which is listed and was not given out.
    #[must_use]
    pub fn pending(&self) -> Duration {
        self.pending.iter().map(|next| next.segment.duration).sum()
    }

    /// When to load the playlist again; `None` once it has ended.
    #[must_use]
    pub fn reload_at(&self) -> Option<Instant> {
        (!self.ended).then_some(self.reload_at)
    }

    /// How long nothing new has come, if that is too long.
    #[must_use]
    pub fn stale_for(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_since(self.changed_at);
        (!self.ended && silent > self.target * STALE_TARGETS).then_some(silent)
    }

    /// The playlist has ended, and all its segments were given out.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ended && self.pending.is_empty()
    }

    /// The longest segment, by the playlist's word.
    #[must_use]
    pub const fn target(&self) -> Duration {
        self.target
    }

    /// Segments that were never listed, or left the list before they were fetched.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// How often the numbers began anew.
    #[must_use]
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    fn add(&mut self, playlist: MediaPlaylist) -> usize {
        let (Some(first), Some(last)) = (playlist.segments.first(), playlist.segments.last())
        else {
            return 0;
        };
        let first = first.sequence;
        let (mut missed, mut is_other) = (0, false);
        match self.next {
            None => self.enter(&playlist),
            Some(next) if self.is_counted_anew(next, first, last) => {
                self.begin_anew();
                self.enter(&playlist);
                is_other = true;
            }
            Some(_) => missed = self.let_go_before(first),
        }
        let next = self.next.unwrap_or(first);
        let unlisted = first.saturating_sub(next);
        self.missed += unlisted;
        missed += unlisted;
        let mut added = 0;
        for mut segment in playlist.segments {
            if segment.sequence < next {
                continue;
            }
            segment.discontinuity |= core::mem::take(&mut is_other);
            self.remember(&segment);
            self.next = Some(segment.sequence.saturating_add(1));
            let missed = core::mem::take(&mut missed);
            self.pending.push_back(Next { segment, missed });
            added += 1;
        }
        added
    }

    /// Whether these numbers have nothing to do with those that were taken.
    fn is_counted_anew(&self, next: u64, first: u64, last: &Segment) -> bool {
        let is_behind = last.sequence.saturating_add(1) < next && !self.remembers(last);
        is_behind || first.saturating_sub(next) > UNLISTED_MAX
    }

    /// What was not given out is gone with the old numbers.
    fn begin_anew(&mut self) {
        self.restarts += 1;
        self.missed += self.pending.len() as u64;
        self.pending.clear();
        self.recent.clear();
    }

    /// Behind what was played earlier, at the live edge, or at the beginning of what has ended.
    fn enter(&mut self, playlist: &MediaPlaylist) {
        let segments = &playlist.segments;
        let edge = if playlist.ended {
            0
        } else {
            segments.len().saturating_sub(START_SEGMENTS)
        };
        let behind = segments.iter().rposition(|it| self.remembers(it));
        let at = behind.map_or(edge, |at| edge.max(at + 1));
        let end = segments.last().map(|it| it.sequence.saturating_add(1));
        self.next = segments.get(at).map(|it| it.sequence).or(end);
    }

    /// What has left a live playlist will soon be gone from the origin. Says how much is
    /// missing in front of what will be added.
    fn let_go_before(&mut self, first: u64) -> u64 {
        let mut missed = 0;
        while let Some(next) = self.pending.front()
            && next.segment.sequence < first
        {
            missed += next.missed + 1;
            self.missed += 1;
            self.pending.pop_front();
        }
        match self.pending.front_mut() {
            Some(next) => next.missed += core::mem::take(&mut missed),
            None => return missed,
        }
        0
    }

    fn remembers(&self, segment: &Segment) -> bool {
        let same = |(sequence, known): &(u64, String)| {
            *sequence == segment.sequence && known == name(&segment.uri)
        };
        self.recent.iter().any(same)
    }

    fn remember(&mut self, segment: &Segment) {
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent
            .push_back((segment.sequence, name(&segment.uri).to_owned()));
    }
}

/// A segment's address without its query, which may be a new token each time.
fn name(uri: &str) -> &str {
    uri.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::m3u8::Playlist;

    fn playlist(first: u64, count: u64, ended: bool) -> MediaPlaylist {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..first + count {
            text.push_str(&format!("#EXTINF:4,\nseg{number}.ts\n"));
        }
        if ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        match Playlist::read(text.as_bytes()) {
            Ok(Playlist::Media(media)) => media,
            other => panic!("{other:?}"),
        }
    }

    const fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    /// Numbers of the segments to fetch, and how many were missed before each.
    fn pending(follow: &mut Follow) -> Vec<(u64, u64)> {
        core::iter::from_fn(|| follow.next_segment())
            .map(|next| (next.segment.sequence, next.missed))
            .collect()
    }

    #[test]
    fn a_live_playlist_is_entered_three_segments_from_its_end_and_followed() {
        let mut follow = Follow::new(at(0));
        assert_eq!(follow.reload_at(), Some(at(0)));
        assert_eq!(follow.take(at(0), playlist(10, 6, false)), 3);
        assert_eq!(pending(&mut follow), [(13, 0), (14, 0), (15, 0)]);
        assert_eq!(follow.reload_at(), Some(at(4)));
        assert_eq!(follow.take(at(4), playlist(10, 6, false)), 0);
        assert_eq!(follow.reload_at(), Some(at(6)));
        assert_eq!(follow.take(at(6), playlist(12, 6, false)), 2);
        assert_eq!(pending(&mut follow), [(16, 0), (17, 0)]);
        assert_eq!(follow.missed(), 0);
    }

    #[test]
    fn what_left_the_list_unseen_or_unfetched_is_counted() {
        let mut follow = Follow::new(at(0));
        follow.take(at(0), playlist(0, 3, false));
        assert_eq!(pending(&mut follow).len(), 3);
        follow.take(at(30), playlist(5, 3, false));
        // 3 and 4 were never listed; 5 and 6 leave the list before they are fetched.
        follow.take(at(34), playlist(7, 3, false));
        assert_eq!(pending(&mut follow), [(7, 4), (8, 0), (9, 0)]);
        assert_eq!(follow.missed(), 4);
    }

    #[test]
    fn an_old_copy_changes_nothing_and_an_origin_that_begins_anew_does() {
        let mut follow = Follow::new(at(0));
        follow.take(at(0), playlist(100, 6, false));
        assert_eq!(pending(&mut follow).len(), 3);
        assert_eq!(follow.take(at(4), playlist(99, 5, false)), 0);
        assert_eq!(follow.restarts(), 0);
        assert_eq!(follow.take(at(8), playlist(0, 2, false)), 2);
        assert_eq!(pending(&mut follow), [(0, 0), (1, 0)]);
        assert_eq!((follow.restarts(), follow.missed()), (1, 0));
    }

    #[test]
    fn an_old_copy_with_other_tokens_changes_nothing_either() {
        let signed = |mut playlist: MediaPlaylist, token: &str| {
            for segment in &mut playlist.segments {
                segment.uri.push_str(token);
            }
            playlist
        };
        let mut follow = Follow::new(at(0));
        follow.take(at(0), signed(playlist(100, 6, false), "?token=a"));
        assert_eq!(
            follow.take(at(4), signed(playlist(99, 6, false), "?token=b")),
            0
        );
        assert_eq!(follow.restarts(), 0);
    }

    #[test]
    fn an_origin_that_begins_anew_with_the_time_of_day_has_lost_nothing_but_what_was_pending() {
        let mut follow = Follow::new(at(0));
        follow.take(at(0), playlist(5, 3, false));
        assert_eq!(pending(&mut follow).len(), 3);
        follow.take(at(4), playlist(6, 3, false));
        assert_eq!(follow.take(at(8), playlist(1_763_740_800, 2, false)), 2);
        let next = follow.next_segment().unwrap();
        assert_eq!((next.segment.sequence, next.missed), (1_763_740_800, 0));
        assert!(next.segment.discontinuity);
        assert!(!follow.next_segment().unwrap().segment.discontinuity);
        assert_eq!((follow.restarts(), follow.missed()), (1, 1));
    }

    #[test]
    fn a_live_playlist_with_nothing_new_is_stale_after_three_targets() {
        let mut follow = Follow::new(at(0));
        follow.take(at(0), playlist(0, 6, false));
        for seconds in [4, 8, 12] {
            follow.take(at(seconds), playlist(0, 6, false));
            assert_eq!(follow.stale_for(at(seconds)), None);
        }
        follow.failed(at(12));
        assert_eq!(follow.reload_at(), Some(at(14)));
        assert_eq!(follow.stale_for(at(13)), Some(Duration::from_secs(13)));
    }

    #[test]
    fn what_was_played_in_an_earlier_run_is_not_played_again() {
        let mut follow = Follow::behind(at(0), 5, "seg5.ts");
        assert_eq!(follow.take(at(0), playlist(0, 6, false)), 0);
        assert_eq!(follow.take(at(4), playlist(1, 6, false)), 1);
        assert_eq!(pending(&mut follow), [(6, 0)]);
        let mut follow = Follow::behind(at(0), 5, "seg5.ts");
        assert_eq!(follow.take(at(0), playlist(20, 6, false)), 3);
        assert_eq!(pending(&mut follow), [(23, 0), (24, 0), (25, 0)]);
        let mut follow = Follow::behind(at(0), 5, "seg5.ts");
        follow.take(at(0), playlist(2, 6, false));
        assert_eq!(pending(&mut follow), [(6, 0), (7, 0)]);
    }

    #[test]
    fn what_has_ended_and_broke_off_in_an_earlier_run_goes_on_there() {
        let mut follow = Follow::behind(at(0), 5, "seg5.ts");
        assert_eq!(follow.take(at(0), playlist(0, 8, true)), 2);
        assert_eq!(pending(&mut follow), [(6, 0), (7, 0)]);
        let mut follow = Follow::behind(at(0), 7, "seg7.ts");
        assert_eq!(follow.take(at(0), playlist(0, 8, true)), 0);
        assert!(follow.is_finished());
    }

    #[test]
    fn what_has_ended_is_played_from_its_beginning_to_its_end() {
        let mut follow = Follow::new(at(0));
        assert_eq!(follow.take(at(0), playlist(0, 20, true)), 20);
        assert_eq!((follow.reload_at(), follow.is_finished()), (None, false));
        assert_eq!(pending(&mut follow).len(), 20);
        assert!(follow.is_finished());
        assert_eq!(follow.stale_for(at(1000)), None);
    }

    #[test]
    fn an_absurd_target_neither_spins_nor_sleeps() {
        let mut short = playlist(0, 0, false);
        short.target = Duration::ZERO;
        let mut follow = Follow::new(at(0));
        follow.take(at(0), short.clone());
        assert_eq!(follow.reload_at(), Some(at(0) + TARGET_MIN / 2));
        short.target = Duration::from_secs(599);
        follow.take(at(0), short);
        assert_eq!(follow.reload_at(), Some(at(30)));
    }
}
