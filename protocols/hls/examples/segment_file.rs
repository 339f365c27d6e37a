//! Segments a transport stream file into a folder that any web server can serve.
//!
//! `cargo run -p tidegate-hls --example segment_file -- FILE FOLDER`

use std::path::PathBuf;

use tidegate_hls::{Frame, Segmenter, SegmenterConfig, Track};
use tidegate_mpegts::{Demux, Event, Stamp};

/// More than a file is ever cut into.
const WHOLE_FILE: usize = 1_000_000;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(file), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err(std::io::Error::other("usage: segment_file FILE FOLDER"));
    };
    let mut segmenter = Segmenter::new(SegmenterConfig {
        window: WHOLE_FILE,
        ..SegmenterConfig::default()
    });
    let mut demux = Demux::new();
    demux.push(Stamp::default(), &std::fs::read(file)?);
    demux.flush();
    while let Some(event) = demux.next_event() {
        match event {
            Event::Tracks(tracks) => {
                let tracks: Vec<Track> = tracks.iter().map(track).collect();
                segmenter.set_tracks(&tracks);
            }
            Event::Unit(unit) => {
                segmenter.push(Frame {
                    track: unit.pid,
                    pts: unit.pts,
                    dts: unit.dts,
                    key: unit.random_access,
                    data: unit.data,
                });
            }
        }
    }
    segmenter.end();
    std::fs::create_dir_all(&folder)?;
    let playlist = segmenter.playlist().unwrap_or_default();
    for name in playlist.split(['\n', '"']) {
        if let Some(bytes) = segmenter.segment(name) {
            std::fs::write(folder.join(name), bytes)?;
        }
    }
    std::fs::write(
        folder.join("media.m3u8"),
        format!("{playlist}#EXT-X-ENDLIST\n"),
    )?;
    let master = segmenter.master("media.m3u8").unwrap_or_default();
    std::fs::write(folder.join("index.m3u8"), master)
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
