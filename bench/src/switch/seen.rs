//! What a viewer saw: silence, steps of the times, counters, and what a decoder says.

use super::viewer::Watched;
use anyhow::Context as _;
use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tidegate_codecs::Kind;
use tidegate_mpegts::{Demux, Event, Inspector, PACKET_BYTES, Packet, Stamp, Track};
use tidegate_units::Instant;

/// At the beginning a reader joins, which is not looked at.
const SETTLE: Duration = Duration::from_secs(2);

/// What is measured at the output.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Seen {
    /// The longest time in which nothing came.
    pub(super) silence_ms: f64,
    /// The longest step from one picture's time to the next, by presentation.
    pub(super) picture_step_ms: f64,
    /// The usual one.
    pub(super) picture_usual_ms: f64,
    /// By how much sound was missing, or doubled, at worst.
    pub(super) sound_gap_ms: f64,
    pub(super) continuity_errors: u64,
    /// Lines in which ffmpeg complains when it decodes all of it.
    pub(super) complaints: Vec<String>,
}

impl Seen {
    pub(super) fn of(watched: &Watched, folder: &Path) -> anyhow::Result<Self> {
        let (mut inspector, mut demux) = (Inspector::new(), Demux::new());
        let (mut begin, mut silence, mut last) = (0, Duration::ZERO, None);
        let mut times = Times::default();
        let first = watched
            .payloads
            .first()
            .map_or(Instant::ZERO, |(at, _)| *at);
        // Who comes between two key frames sees nothing before the next one, and who leaves has
        // half a picture in hand.
        let (entry, exit) = key_frames(&watched.bytes).context("no key frame came")?;
        for &(at, end) in &watched.payloads {
            let payload = &watched.bytes[begin.clamp(entry, exit)..end.clamp(entry, exit)];
            begin = end;
            if at >= first + SETTLE {
                let before = last.replace(at).unwrap_or(at);
                silence = silence.max(at.saturating_since(before));
            }
            inspector.push(at, payload);
            demux.push(Stamp::default(), payload);
            times.take(&mut demux);
        }
        // Up to the last key frame all is whole, which is known of the last picture only here: with
        // B-frames it need not be the last one that is shown.
        demux.flush();
        times.take(&mut demux);
        let (picture_step, picture_usual) = steps(times.pictures).context("no pictures came")?;
        let (sound_step, sound_usual) = steps(times.sound).context("no sound came")?;
        Ok(Self {
            silence_ms: silence.as_secs_f64() * 1000.0,
            picture_step_ms: millis(picture_step),
            picture_usual_ms: millis(picture_usual),
            sound_gap_ms: millis(sound_step - sound_usual),
            continuity_errors: inspector.report(first).continuity_errors,
            complaints: decode(&watched.bytes[entry..exit], folder)?,
        })
    }
}

/// Presentation times of what came, in the order in which it came.
#[derive(Default)]
struct Times {
    tracks: Vec<Track>,
    pictures: Vec<i64>,
    sound: Vec<i64>,
}

impl Times {
    fn take(&mut self, demux: &mut Demux) {
        while let Some(event) = demux.next_event() {
            match event {
                Event::Tracks(found) => self.tracks = found.to_vec(),
                Event::Unit(unit) => {
                    let is_video = self
                        .tracks
                        .iter()
                        .any(|track| track.pid == unit.pid && track.codec.kind() == Kind::Video);
                    let times = if is_video {
                        &mut self.pictures
                    } else {
                        &mut self.sound
                    };
                    times.push(unit.pts);
                }
            }
        }
    }
}

/// Where the first key frame begins, and where the last.
fn key_frames(bytes: &[u8]) -> Option<(usize, usize)> {
    let (packets, _) = bytes.as_chunks::<PACKET_BYTES>();
    let is_entry = |packet: &[u8; PACKET_BYTES]| {
        let field = Packet::new(packet).and_then(Packet::adaptation);
        field.is_some_and(|field| field.random_access && field.pcr.is_some())
    };
    let (first, last) = (
        packets.iter().position(is_entry)?,
        packets.iter().rposition(is_entry)?,
    );
    Some((first * PACKET_BYTES, last * PACKET_BYTES))
}

/// The largest step of times in order, and the usual one.
fn steps(mut times: Vec<i64>) -> Option<(i64, i64)> {
    times.sort_unstable();
    let mut steps: Vec<i64> = times.windows(2).map(|two| two[1] - two[0]).collect();
    steps.sort_unstable();
    Some((*steps.last()?, steps[steps.len() / 2]))
}

fn millis(ticks: i64) -> f64 {
    ticks as f64 / 90.0
}

/// All that ffmpeg has to say about it.
fn decode(bytes: &[u8], folder: &Path) -> anyhow::Result<Vec<String>> {
    let file = folder.join("watched.ts");
    std::fs::write(&file, bytes)?;
    let decoded = Command::new("ffmpeg")
        .args([
            "-v",
            "warning",
            "-err_detect",
            "crccheck+bitstream+buffer+careful",
        ])
        .arg("-i")
        .arg(&file)
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .context("ffmpeg cannot be started")?;
    std::fs::remove_file(&file)?;
    let said = String::from_utf8_lossy(&decoded.stderr);
    Ok(said.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn whoever_leaves_where_a_group_ends_with_b_frames_lacks_no_picture() {
        if !tidegate_testkit::peers::have(&["ffmpeg"]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        // A key frame and four times P, B, B: the last picture that comes is not the last shown, and
        // too few came for their ends to be known before the next begins.
        let settings = "-preset ultrafast -bf 2 -b_strategy 0";
        let length = Duration::from_secs(1);
        let stream = Stream::encoded(folder.path(), 500_000, 25, 13, settings, length).unwrap();
        let mut watched = Watched::default();
        for datagram in stream.bytes().chunks(7 * PACKET_BYTES) {
            watched.bytes.extend_from_slice(datagram);
            watched.payloads.push((Instant::ZERO, watched.bytes.len()));
        }
        let seen = Seen::of(&watched, folder.path()).unwrap();
        assert_eq!((seen.picture_usual_ms, seen.picture_step_ms), (40.0, 40.0));
    }
}
