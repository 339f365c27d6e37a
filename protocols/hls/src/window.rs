//! The segments that are listed, and those that may still be asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_units::{Bitrate, Duration};

/// One finished segment. Nothing of it changes any more.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) sequence: u64,
    pub(crate) duration: Duration,
    /// It does not continue the one before.
    pub(crate) discontinuity: bool,
    pub(crate) independent: bool,
    pub(crate) init: Arc<Init>,
    pub(crate) bytes: Bytes,
}

/// An initialisation segment.
#[derive(Debug)]
pub(crate) struct Init {
    pub(crate) number: u64,
    pub(crate) bytes: Bytes,
}

impl Segment {
    pub(crate) fn name(&self) -> String {
        format!("seg-{}.m4s", self.sequence)
    }
}

impl Init {
    pub(crate) fn name(&self) -> String {
        format!("init-{}.mp4", self.number)
    }
}

/// A sliding window over the segments.
#[derive(Debug)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    listed: usize,
    kept: usize,
    /// Discontinuities that have left the list.
    discontinuities_gone: u64,
    target_seconds: u64,
}

impl Window {
    pub(crate) fn new(listed: usize, kept: usize, target: Duration) -> Self {
        Self {
            segments: VecDeque::new(),
            listed: listed.max(1),
            kept,
            discontinuities_gone: 0,
            target_seconds: rounded_seconds(target).max(1),
        }
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.target_seconds = self.target_seconds.max(rounded_seconds(segment.duration));
        self.segments.push_back(segment);
        if self.segments.len() > self.listed {
            let left = &self.segments[self.segments.len() - self.listed - 1];
            self.discontinuities_gone += u64::from(left.discontinuity);
        }
        while self.segments.len() > self.listed + self.kept {
            self.segments.pop_front();
        }
    }

    /// The segments a playlist lists, oldest first.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Segment> {
        let skipped = self.segments.len().saturating_sub(self.listed);
        self.segments.iter().skip(skipped)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether every listed segment begins with a key frame.
    pub(crate) fn is_independent(&self) -> bool {
        self.listed().all(|segment| segment.independent)
    }

    /// Discontinuities before the first listed segment's own.
    pub(crate) const fn discontinuity_sequence(&self) -> u64 {
        self.discontinuities_gone
    }

    /// The longest segment there was, in whole seconds; it never falls, players rely on it.
    pub(crate) const fn target_seconds(&self) -> u64 {
        self.target_seconds
    }

    /// The bytes of a segment or an initialisation segment that is still kept.
    pub(crate) fn find(&self, name: &str) -> Option<Bytes> {
        let number = |prefix: &str, suffix: &str| {
            name.strip_prefix(prefix)?
                .strip_suffix(suffix)?
                .parse::<u64>()
                .ok()
        };
        if let Some(sequence) = number("seg-", ".m4s") {
            let segment = self
                .segments
                .iter()
                .find(|segment| segment.sequence == sequence)?;
            return Some(segment.bytes.clone());
        }
        let init = number("init-", ".mp4")?;
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.init.number == init)?;
        Some(segment.init.bytes.clone())
    }

    /// The highest and the mean rate of the listed segments.
    pub(crate) fn bitrates(&self) -> (Bitrate, Bitrate) {
        let rate = |segment: &Segment| Bitrate::of(segment.bytes.len() as u64, segment.duration);
        let peak = self.listed().map(rate).max().unwrap_or_default();
        let bytes = self
            .listed()
            .map(|segment| segment.bytes.len() as u64)
            .sum();
        let time = self.listed().map(|segment| segment.duration).sum();
        (peak, Bitrate::of(bytes, time))
    }
}

fn rounded_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_millis() >= 500)
}
