//! From a sample's bytes to an access unit.

use crate::Sample;
use crate::entry::Description;
use crate::movie::MovieTrack;
use crate::sample::{Entry, SampleRef, to_90khz};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_codecs::{Codec, StreamConfig, StreamReader, sample};

/// What one track needs to turn its samples into access units.
#[derive(Debug)]
pub(crate) struct Unpacker {
    id: u16,
    description: usize,
    reader: StreamReader,
    is_broken: bool,
}

impl Unpacker {
    pub(crate) fn new(id: u16, track: &MovieTrack) -> Self {
        let first = &track.descriptions[0];
        Self {
            id,
            description: 0,
            reader: reader(first),
            is_broken: false,
        }
    }

    /// What is known of the track now.
    pub(crate) const fn config(&self) -> Option<&Arc<StreamConfig>> {
        self.reader.config()
    }

    /// Notes that a sample is missing.
    pub(crate) const fn lost(&mut self) {
        self.is_broken = true;
    }

    /// The access unit in `raw`, which `at` refers to; `None` if it is damaged. May change
    /// [`Unpacker::config`].
    pub(crate) fn unpack(
        &mut self,
        track: &MovieTrack,
        at: &SampleRef,
        raw: &Bytes,
    ) -> Option<Sample> {
        self.choose_description(track, at.description);
        let description = &track.descriptions[self.description];
        let codec = description.codec;
        let Some(data) = sample::to_unit(codec, raw, description.nal_length_bytes) else {
            self.lost();
            return None;
        };
        let info = self.reader.read(&data);
        let key = !track.is_video
            || match at.entry {
                Entry::Claimed => true,
                Entry::Denied => false,
                // Where the reader cannot look, the file's silence means "everywhere".
                Entry::Unsaid => info.key || !looks_inside(codec),
            };
        let scale = |ticks: i64| to_90khz(ticks.saturating_add(track.edit.shift), track.timescale);
        let dts = scale(at.dts);
        let end = scale(at.dts.saturating_add(i64::from(at.duration)));
        Some(Sample {
            track: self.id,
            pts: scale(at.pts),
            dts,
            duration: end.saturating_sub(dts),
            key,
            discontinuity: core::mem::take(&mut self.is_broken),
            data,
        })
    }

    fn choose_description(&mut self, track: &MovieTrack, wanted: u32) {
        let wanted = (wanted as usize).min(track.descriptions.len() - 1);
        if wanted != self.description {
            let description = &track.descriptions[wanted];
            self.description = wanted;
            self.reader = reader(description);
        }
    }
}

/// Knows what stands beside the stream, until the stream itself says otherwise.
fn reader(description: &Description) -> StreamReader {
    match &description.config {
        Some(config) => StreamReader::with_config(Arc::clone(config)),
        None => StreamReader::new(description.codec),
    }
}

const fn looks_inside(codec: Codec) -> bool {
    matches!(
        codec,
        Codec::H264 | Codec::H265 | Codec::Mpeg1Video | Codec::Mpeg2Video | Codec::Av1
    )
}
