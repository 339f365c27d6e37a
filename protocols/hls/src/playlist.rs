//! The text of playlists (RFC 8216).

use core::fmt::Write as _;

use tidegate_codecs::FrameRate;

use crate::selection::{Selection, Track};
use crate::window::Window;

/// Fragmented MP4 needs version 6, and EXT-X-MAP in it 7 or none of its extras; 7 covers both.
const VERSION: u32 = 7;

/// A media playlist of the listed segments.
pub(crate) fn media(window: &Window) -> Option<String> {
    let first = window.listed().next()?;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        window.target_seconds(),
        first.sequence
    );
    if window.discontinuity_sequence() > 0 {
        line(
            &mut text,
            format_args!(
                "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
                window.discontinuity_sequence()
            ),
        );
    }
    if window.is_independent() {
        line(&mut text, format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    }
    let mut init = None;
    for segment in window.listed() {
        if segment.discontinuity {
            line(&mut text, format_args!("#EXT-X-DISCONTINUITY"));
        }
        if init.replace(segment.init.number) != Some(segment.init.number) || segment.discontinuity {
            line(
                &mut text,
                format_args!("#EXT-X-MAP:URI=\"{}\"", segment.init.name()),
            );
        }
        line(
            &mut text,
            format_args!("#EXTINF:{:.5},", segment.duration.as_secs_f64()),
        );
        line(&mut text, format_args!("{}", segment.name()));
    }
    Some(text)
}

/// A multivariant playlist with the one variant there is.
pub(crate) fn multivariant(window: &Window, selection: &Selection, uri: &str) -> Option<String> {
    if window.is_empty() {
        return None;
    }
    let (peak, mean) = window.bitrates();
    let independent = if window.is_independent() {
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
    } else {
        ""
    };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n{independent}\
         #EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
        peak.as_bps().max(1),
        mean.as_bps().max(1)
    );
    let configs = || {
        selection
            .video
            .iter()
            .chain(&selection.audio)
            .map(|chosen| &chosen.config)
    };
    let codecs: Option<Vec<String>> = configs().map(|config| config.rfc6381()).collect();
    if let Some(codecs) = codecs.filter(|codecs| !codecs.is_empty()) {
        append(&mut text, format_args!(",CODECS=\"{}\"", codecs.join(",")));
    }
    if let Some(video) = configs().find_map(|config| config.video()) {
        let format = &video.format;
        append(
            &mut text,
            format_args!(",RESOLUTION={}x{}", format.width, format.height),
        );
        if let Some(fps) = format.fps.map(FrameRate::as_f64) {
            append(&mut text, format_args!(",FRAME-RATE={fps:.3}"));
        }
    }
    append(&mut text, format_args!("\n{uri}\n"));
    Some(text)
}

/// What a track is called in a message that it was left out.
pub(crate) fn track_name(track: &Track) -> String {
    let audio = track.config.as_ref().and_then(|config| config.audio());
    audio
        .map_or(track.codec.name(), |audio| audio.format.name)
        .to_owned()
}

fn line(text: &mut String, content: core::fmt::Arguments<'_>) {
    append(text, content);
    text.push('\n');
}

fn append(text: &mut String, content: core::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(content);
}
