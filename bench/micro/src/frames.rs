//! The frame lane: access units to HLS segments of fragmented MP4.

use std::rc::Rc;

use tidegate_fmp4::{Fragmenter, Sample, TrackSpec};
use tidegate_hls::{Frame, Segmenter, SegmenterConfig, Track};
use tidegate_mpegts::{Demux, Event, PACKET_BYTES, Stamp};

use crate::media;
use crate::path::{HotPath, Stage};

/// Three groups of pictures, so that two segments are finished.
const SECONDS: i64 = 5;

pub(crate) fn paths() -> Vec<HotPath> {
    let unit = "TS packet";
    vec![
        HotPath {
            name: "hls_segment",
            unit,
            prepare: segment,
        },
        HotPath {
            name: "fmp4_fragment",
            unit,
            prepare: fragment,
        },
    ]
}

/// Segments what a demultiplexer found.
fn segment() -> Stage {
    let feed = Rc::new(Demuxed::new());
    Stage {
        units: feed.ts_packets,
        fresh: Box::new(move || {
            let feed = Rc::clone(&feed);
            let mut segmenter = Segmenter::new(SegmenterConfig::default());
            segmenter.set_tracks(&feed.tracks);
            Box::new(move || {
                for frame in &feed.frames {
                    segmenter.push(frame.clone());
                }
                segmenter.end();
            })
        }),
    }
}

/// Makes one fragment of it all.
fn fragment() -> Stage {
    let feed = Rc::new(Demuxed::new());
    Stage {
        units: feed.ts_packets,
        fresh: Box::new(move || {
            let feed = Rc::clone(&feed);
            let specs = feed.tracks.iter().map(|track| TrackSpec {
                config: track.config.clone().expect("a known configuration"),
                language: None,
            });
            let mut fragmenter = Fragmenter::new(specs.collect()).expect("tracks of MP4");
            let samples: Vec<_> = feed
                .tracks
                .iter()
                .map(|track| feed.samples(track.id))
                .collect();
            Box::new(move || {
                let samples: Vec<&[Sample]> = samples.iter().map(|list| &list[..]).collect();
                let fragment = fragmenter.fragment(&samples);
                core::hint::black_box(fragment.expect("a fragment"));
            })
        }),
    }
}

struct Demuxed {
    tracks: Vec<Track>,
    frames: Vec<Frame>,
    ts_packets: u64,
}

impl Demuxed {
    fn new() -> Self {
        let stream = media::transport_stream(&media::units(SECONDS));
        let mut demux = Demux::new();
        demux.push(Stamp::default(), &stream);
        demux.flush();
        let mut demuxed = Self {
            tracks: Vec::new(),
            frames: Vec::new(),
            ts_packets: (stream.len() / PACKET_BYTES) as u64,
        };
        while let Some(event) = demux.next_event() {
            match event {
                Event::Tracks(tracks) => {
                    demuxed.tracks = tracks.iter().map(track).collect();
                }
                Event::Unit(unit) => demuxed.frames.push(Frame {
                    track: unit.pid,
                    pts: unit.pts,
                    dts: unit.dts,
                    key: unit.random_access,
                    data: unit.data,
                }),
            }
        }
        demuxed
    }

    fn samples(&self, track: u16) -> Vec<Sample> {
        let frames = self.frames.iter().filter(|frame| frame.track == track);
        let sample = |frame: &Frame| Sample {
            pts: frame.pts,
            dts: frame.dts,
            duration: 0,
            key: frame.key,
            data: frame.data.clone(),
        };
        frames.map(sample).collect()
    }
}

fn track(found: &tidegate_mpegts::Track) -> Track {
    Track {
        id: found.pid,
        program: found.program,
        codec: found.codec,
        language: None,
        config: found.config.clone(),
    }
}
