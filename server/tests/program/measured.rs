//! What is in a transport stream that somebody received, measured packet by packet.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tidegate_mpegts::{Demux, Event, Stamp};

/// 90 kHz.
const TICKS_PER_MILLI: i64 = 90;
/// A step from picture to picture at 25 a second.
pub(crate) const PICTURE: i64 = 40 * TICKS_PER_MILLI;
/// A PCR is due every 100 ms (ISO/IEC 13818-1, 2.7.2); publishers here write one every picture.
pub(crate) const PCR_STEP_MAX: i64 = 100 * TICKS_PER_MILLI;
/// Pictures and sound come in time, and not much before (ISO/IEC 13818-1, 2.4.2.6: a second).
const AHEAD_MAX: i64 = 1000 * TICKS_PER_MILLI;
/// What two times may differ by that were rounded.
const ROUNDED: i64 = 2;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// What is wrong, in words.
    pub(crate) faults: Vec<String>,
    /// By PID: its stream type, and how far its times step.
    pub(crate) tracks: BTreeMap<u16, Steps>,
    pub(crate) pcr_step_max: i64,
    /// Marks that say: what follows does not continue what was before.
    pub(crate) discontinuities: u64,
}

/// From unit to unit by presentation time, in 90 kHz.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) codec: &'static str,
    pub(crate) units: usize,
    pub(crate) usual: i64,
    pub(crate) least: i64,
    pub(crate) most: i64,
}

impl Measured {
    /// Of a file that begins where a reader joined, and ends with a whole picture.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        found.packets(bytes);
        found.units(bytes);
        found
    }

    /// That nothing is wrong with its packets and clocks, that pictures step by one picture, and
    /// sound by its frame, or less than another one more.
    #[track_caller]
    pub(crate) fn is_seamless(&self) {
        assert_eq!(self.faults, [""; 0], "{self:#?}");
        assert_eq!(self.discontinuities, 0, "{self:#?}");
        assert!(self.pcr_step_max <= PCR_STEP_MAX, "{self:#?}");
        assert_eq!(self.tracks.len(), 2, "{self:#?}");
        for steps in self.tracks.values() {
            let is_picture = steps.usual == PICTURE;
            let slack = if is_picture { ROUNDED } else { steps.usual };
            let codec = if is_picture { "h264" } else { "aac" };
            assert_eq!(steps.codec, codec, "{self:#?}");
            assert!(steps.units > 100, "{self:#?}");
            assert!(steps.least >= steps.usual - ROUNDED, "{self:#?}");
            assert!(steps.most <= steps.usual + slack, "{self:#?}");
        }
    }

    /// Counters and clock.
    fn packets(&mut self, bytes: &[u8]) {
        let mut counters = BTreeMap::new();
        let mut last_pcr = None;
        for (index, packet) in bytes.as_chunks::<188>().0.iter().enumerate() {
            if packet[0] != 0x47 {
                self.faults
                    .push(format!("packet {index} does not begin as one"));
                return;
            }
            let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
            let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
            let flags = if has_field && packet[4] > 0 {
                packet[5]
            } else {
                0
            };
            let is_mark = flags & 0x80 != 0;
            self.discontinuities += u64::from(is_mark);
            if pid == 0x1FFF {
                continue;
            }
            let counter = packet[3] & 0x0F;
            if let Some(last) = counters.insert(pid, counter)
                && (last + u8::from(has_payload)) & 0x0F != counter
                && !is_mark
            {
                let fault = format!("PID {pid:#x}: {last} and then {counter}, packet {index}");
                self.faults.push(fault);
            }
            if flags & 0x10 != 0 {
                let pcr = pcr(packet);
                if let Some(last) = last_pcr.replace(pcr) {
                    // 33 bits, which the tests do not wrap.
                    let step: i64 = pcr - last;
                    self.pcr_step_max = self.pcr_step_max.max(step);
                    if step <= 0 && !is_mark {
                        let fault = format!("the clock goes from {last} to {pcr}, packet {index}");
                        self.faults.push(fault);
                    }
                }
            }
            if let (Some(pcr), Some(pts)) = (last_pcr, pts(packet)) {
                let ahead = pts - pcr;
                if !(0..=AHEAD_MAX).contains(&ahead) {
                    let fault =
                        format!("PID {pid:#x} is {ahead} ahead of the clock, packet {index}");
                    self.faults.push(fault);
                }
            }
        }
    }

    /// Times of pictures, and of frames of sound.
    fn units(&mut self, bytes: &[u8]) {
        let mut demux = Demux::new();
        let mut times: BTreeMap<u16, (&'static str, Vec<i64>)> = BTreeMap::new();
        let mut decoded: BTreeMap<u16, i64> = BTreeMap::new();
        demux.push(Stamp::default(), bytes);
        demux.flush();
        while let Some(event) = demux.next_event() {
            let Event::Unit(unit) = event else { continue };
            let tracks = demux.tracks();
            let track = tracks.iter().find(|track| track.pid == unit.pid);
            let codec = track.map_or("gone", |track| track.codec.name());
            times
                .entry(unit.pid)
                .or_insert((codec, Vec::new()))
                .1
                .push(unit.pts);
            if let Some(last) = decoded.insert(unit.pid, unit.dts)
                && unit.dts <= last
            {
                let (pid, dts) = (unit.pid, unit.dts);
                self.faults
                    .push(format!("PID {pid:#x}: decoded at {last}, then at {dts}"));
            }
        }
        for (pid, (codec, mut times)) in times {
            times.sort_unstable();
            let mut steps: Vec<i64> = times.windows(2).map(|two| two[1] - two[0]).collect();
            steps.sort_unstable();
            let (Some(&least), Some(&most)) = (steps.first(), steps.last()) else {
                continue;
            };
            let usual = steps[steps.len() / 2];
            let units = times.len();
            self.tracks.insert(
                pid,
                Steps {
                    codec,
                    units,
                    usual,
                    least,
                    most,
                },
            );
        }
    }
}

/// In 90 kHz; the finer part does not matter here.
fn pcr(packet: &[u8; 188]) -> i64 {
    let high = u32::from_be_bytes([packet[6], packet[7], packet[8], packet[9]]);
    i64::from(high) << 1 | i64::from(packet[10] >> 7)
}

/// Of the PES packet that begins in this packet.
pub(crate) fn pts(packet: &[u8; 188]) -> Option<i64> {
    let begins = packet[1] & 0x40 != 0 && packet[3] & 0x10 != 0;
    let at = if packet[3] & 0x20 == 0 {
        4
    } else {
        5 + usize::from(packet[4])
    };
    let pes = packet.get(at..at + 14).filter(|_| begins)?;
    let has_pts = pes.starts_with(&[0, 0, 1]) && pes[7] & 0x80 != 0;
    has_pts.then(|| {
        i64::from(pes[9] >> 1 & 7) << 30
            | i64::from(pes[10]) << 22
            | i64::from(pes[11] >> 1) << 15
            | i64::from(pes[12]) << 7
            | i64::from(pes[13] >> 1)
    })
}

/// What ffprobe says is in a file, and all that it complains about.
pub(crate) fn probed(file: &Path) -> (String, String) {
    let shown = Command::new("ffprobe")
        .args("-v warning -count_packets -of csv=p=0 -show_entries".split(' '))
        .arg("stream=codec_name,width,height,sample_rate")
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let mut streams: Vec<String> = text(&shown.stdout)
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    // Once as streams, once more as those of the program.
    streams.sort();
    streams.dedup();
    (streams.join(" "), text(&shown.stderr))
}
