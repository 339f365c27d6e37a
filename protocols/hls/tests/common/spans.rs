//! What is in the segments, and when, as a player reads it.

use mp4_atom::{Atom, Decode, Header, Moof, Styp, Traf};
use tidegate_hls::Segmenter;

use super::names;

const SOUND_RATE: i64 = 48_000;

/// One segment's times, on a clock of 90 kHz.
#[derive(Debug)]
pub(crate) struct Spans {
    pub(crate) decoded_from: i64,
    pub(crate) shown_from: i64,
    pub(crate) shown_until: i64,
    /// When each is shown, in the order of decoding.
    pub(crate) pictures: Vec<i64>,
    pub(crate) heard_from: i64,
    pub(crate) heard_until: i64,
    pub(crate) sounds: usize,
}

/// Of all segments that are listed.
pub(crate) fn spans(segmenter: &Segmenter) -> Vec<Spans> {
    let Some(playlist) = segmenter.playlist() else {
        return Vec::new();
    };
    let bytes = |name: &&str| segmenter.segment(name).expect("what is listed is there");
    names(&playlist)
        .iter()
        .map(bytes)
        .map(|it| read(&it))
        .collect()
}

fn read(mut segment: &[u8]) -> Spans {
    Styp::decode(&mut segment).expect("its type");
    let header = Header::decode(&mut segment).expect("a box");
    assert_eq!(header.kind, Moof::KIND);
    let moof = Moof::decode_body(&mut segment).expect("its times");
    let video = samples(&moof.traf[0]);
    let audio = moof.traf.get(1).map(samples).unwrap_or_default();
    let on_our_clock = |ticks: i64| ticks * 90_000 / SOUND_RATE;
    let until = |samples: &[Sample]| samples.iter().map(|it| it.shown + it.lasts).max();
    Spans {
        decoded_from: video[0].decoded,
        shown_from: video.iter().map(|it| it.shown).min().expect("a picture"),
        shown_until: until(&video).expect("a picture"),
        pictures: video.iter().map(|it| it.shown).collect(),
        heard_from: on_our_clock(audio.first().map_or(0, |it| it.shown)),
        heard_until: on_our_clock(until(&audio).unwrap_or_default()),
        sounds: audio.len(),
    }
}

struct Sample {
    decoded: i64,
    shown: i64,
    lasts: i64,
}

fn samples(traf: &Traf) -> Vec<Sample> {
    let tfdt = traf.tfdt.as_ref().expect("a time");
    let mut next = i64::try_from(tfdt.base_media_decode_time).expect("a time");
    let entries = traf.trun.iter().flat_map(|run| run.samples.iter());
    let sample = |entry: mp4_atom::TrunEntry| {
        let lasts = i64::from(entry.duration.expect("a duration"));
        let decoded = next;
        next += lasts;
        Sample {
            decoded,
            shown: decoded + entry.cts.unwrap_or(0),
            lasts,
        }
    };
    entries.map(sample).collect()
}
