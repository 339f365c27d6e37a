//! From the batches of a feed to messages, on a timeline that never breaks.

use std::sync::Arc;

use tidegate_engine::{Batch, Frame, Gap, Tracks};
use tidegate_flv::{Message, Metadata, OutFrame, Writer};
use tidegate_platforms::Limits;
use tidegate_timeline::{Break, Timeline};

use super::rates::Rates;
use super::selection::Selection;

/// What a batch became.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    /// In the order they are sent.
    pub(crate) messages: Vec<Message>,
    /// Say these first.
    pub(crate) metadata: Option<Metadata>,
    pub(crate) frames: u64,
    /// Frames that were left out so that decoding can go on.
    pub(crate) dropped: u64,
    pub(crate) broke: Option<Break>,
    /// [`Feeder::selection`] is new.
    pub(crate) selection_changed: bool,
}

/// One connection's frames.
///
/// ```text
///            key frame, sequence headers first
///   waiting ──────────────────────────────────▶ sending
///      ▲     frames lost, other source, other picture │
///      └──────────────────────────────────────────────┘
/// ```
///
/// Sound goes on while the picture waits for its key frame; before the first, nothing goes.
#[derive(Debug)]
pub(crate) struct Feeder {
    limits: Option<&'static Limits>,
    multitrack: bool,
    tracks: Option<Arc<Tracks>>,
    selection: Selection,
    writer: Writer,
    timeline: Timeline,
    waits_for_key: bool,
    has_begun: bool,
    pub(crate) rates: Rates,
}

impl Feeder {
    pub(crate) fn new(limits: Option<&'static Limits>, multitrack: bool) -> Self {
        Self {
            limits,
            multitrack,
            tracks: None,
            selection: Selection::default(),
            writer: Writer::new(),
            timeline: Timeline::starting_at(0),
            waits_for_key: true,
            has_begun: false,
            rates: Rates::default(),
        }
    }

    pub(crate) const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Takes over the tracks of a batch; whether the selection is new.
    pub(crate) fn look(&mut self, batch: &Batch<Frame>) -> bool {
        let Some(tracks) = batch.tracks() else {
            return false;
        };
        let known = self.tracks.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, tracks)) {
            return false;
        }
        self.tracks = Some(Arc::clone(tracks));
        let selection = Selection::of(tracks, self.limits, self.multitrack);
        if selection == self.selection {
            return false;
        }
        let before = (self.selection.video, self.codec());
        self.selection = selection;
        if (self.selection.video, self.codec()) != before {
            self.waits_for_key = true;
            self.rates = Rates::default();
        }
        let chosen = self.selection.chosen.iter();
        self.writer
            .set_tracks(chosen.map(|(id, config)| (*id, config)));
        true
    }

    /// Whether a connection can begin in this batch.
    pub(crate) fn can_begin(&self, batch: &Batch<Frame>) -> bool {
        let is_entry = |frame: &Frame| match self.selection.video {
            Some(video) => frame.track == video && frame.key,
            None => self.is_chosen(frame.track),
        };
        batch.iter().any(is_entry)
    }

    pub(crate) fn take(&mut self, batch: &Batch<Frame>, gap: Gap) -> Fed {
        let mut fed = Fed::default();
        if gap.restarted {
            self.timeline.restart();
        }
        self.waits_for_key |= gap.restarted || gap.lost > 0;
        fed.selection_changed = self.look(batch);
        let had_begun = self.has_begun;
        for frame in batch.iter() {
            if self.is_chosen(frame.track) {
                self.frame(frame, &mut fed);
            }
        }
        if self.has_begun && (fed.selection_changed || !had_begun) {
            fed.metadata = Some(self.metadata());
        }
        fed
    }

    fn frame(&mut self, frame: &Frame, fed: &mut Fed) {
        self.rates.frame(frame, &self.selection);
        let waits = self.waits_for_key && self.selection.video.is_some();
        let is_entry = frame.video && frame.key;
        if waits && !is_entry && (frame.video || !self.has_begun) {
            fed.dropped += u64::from(self.has_begun);
            return;
        }
        if is_entry || self.selection.video.is_none() {
            self.waits_for_key = false;
        }
        let placed =
            self.timeline
                .place(frame.track, frame.pts_90khz, frame.dts_90khz, frame.arrived);
        fed.broke = placed.broke.or(fed.broke);
        // Sound from before the first picture, and sound that would be heard twice.
        if placed.dts < 0 || placed.overlaps && !frame.video {
            fed.dropped += u64::from(placed.overlaps);
            return;
        }
        if !core::mem::replace(&mut self.has_begun, true) {
            self.writer.headers(placed.dts, &mut fed.messages);
        }
        let out = OutFrame {
            track: frame.track,
            pts: placed.pts,
            dts: placed.dts,
            key: frame.key,
            data: &frame.data,
        };
        self.writer.frame(&out, &mut fed.messages);
        fed.frames += 1;
    }

    fn metadata(&self) -> Metadata {
        let selection = &self.selection;
        let mut metadata = Metadata::of(selection.config(true), selection.config(false));
        metadata.encoder = Some(concat!("Tidegate ", env!("CARGO_PKG_VERSION")).into());
        metadata
    }

    fn is_chosen(&self, track: u16) -> bool {
        self.selection.chosen.iter().any(|(id, _)| *id == track)
    }

    fn codec(&self) -> Option<tidegate_codecs::Codec> {
        Some(self.selection.config(true)?.codec())
    }
}

#[cfg(test)]
#[path = "feeder_tests.rs"]
mod tests;
