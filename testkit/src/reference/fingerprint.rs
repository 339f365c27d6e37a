use std::hash::{DefaultHasher, Hash, Hasher};
use tidegate_mpegts::{Demux, Event, Stamp};

/// The NAL units of a picture itself: slices, not what stands around them.
const SLICES: std::ops::RangeInclusive<u8> = 1..=5;

/// One frame, known again by what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) video: bool,
    pub(super) hash: u64,
    /// Presentation and decoding, on the 90 kHz clock.
    pub(super) pts: i64,
    pub(super) dts: i64,
}

/// The frames of a transport stream of H.264 and AAC, in its order; `whole` when it does not
/// end in the middle of one.
pub(super) fn units(stream: &[u8], whole: bool) -> Vec<Unit> {
    let mut demux = Demux::new();
    let mut units = Vec::new();
    for chunk in stream.chunks(1316) {
        demux.push(Stamp::default(), chunk);
        drain(&mut demux, &mut units);
    }
    if whole {
        demux.flush();
    }
    drain(&mut demux, &mut units);
    units
}

fn drain(demux: &mut Demux, units: &mut Vec<Unit>) {
    while let Some(event) = demux.next_event() {
        let Event::Unit(unit) = event else { continue };
        let track = demux.tracks().iter().find(|track| track.pid == unit.pid);
        let video = track.is_some_and(|track| track.codec == tidegate_codecs::Codec::H264);
        let mut hasher = DefaultHasher::new();
        if video {
            for nal in tidegate_codecs::nal::split(&unit.data) {
                if SLICES.contains(&(nal[0] & 0x1F)) {
                    nal.hash(&mut hasher);
                }
            }
        } else {
            unit.data.hash(&mut hasher);
        }
        units.push(Unit {
            video,
            hash: hasher.finish(),
            pts: unit.pts,
            dts: unit.dts,
        });
    }
}
