use tidegate_codecs::{Codec, FrameRate, StreamReader, VideoFormat};
use tidegate_units::Instant;

use super::Moment;
use super::effort::Effort;
use crate::continuity::Verdict;
use crate::packet::Packet;
use crate::pes::PesHeader;
use crate::timeline::Timeline;
use crate::tr101290::units::Units;

/// Headers in front of the first slice are looked at up to here.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Pictures over which the frame rate is measured.
const MEASURED_PICTURES: usize = 64;
/// Fewer pictures give no frame rate.
const FEWEST_PICTURES: usize = 8;
const TICKS_PER_SECOND: f64 = 90_000.0;
/// A longer group of pictures is a jump of the clock.
const LONGEST_GROUP_TICKS: i64 = 90_000 * 600;
/// Rates this close to each other are the same.
const RATE_TOLERANCE: f64 = 0.005;
/// A measured rate this close to a usual one is that one.
const USUAL_RATE_TOLERANCE: f64 = 0.0005;

/// Follows one video stream by the beginnings of its pictures.
#[derive(Debug)]
pub(super) struct VideoWatch {
    reader: StreamReader,
    timeline: Timeline,
    /// The beginning of the picture under way, its PES header included.
    head: Vec<u8>,
    /// How long `head` must be before another look; zero when the picture is known.
    look_at: usize,
    /// The transport says that decoding can begin with the picture under way.
    random_access: bool,
    /// Decoding times of the latest pictures, oldest first once full.
    times: Vec<i64>,
    next_time: usize,
    group: Group,
    pub(super) pts_present: bool,
    /// From the decoding to the presentation of the last picture, 90 kHz.
    delay: Option<u64>,
    /// It is not always the same: pictures are reordered, so there are B-frames.
    pub(super) reordered: bool,
    pub(super) last_unit: Option<Instant>,
    pub(super) units: Units,
}

/// Key frames and the pictures between them.
#[derive(Debug, Default)]
struct Group {
    key_dts: Option<i64>,
    pictures: u32,
    last_key: Option<Instant>,
    finished: Option<(f64, u32)>,
}

impl VideoWatch {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            reader: StreamReader::new(codec),
            timeline: Timeline::new(),
            head: Vec::new(),
            look_at: 0,
            random_access: false,
            times: Vec::new(),
            next_time: 0,
            group: Group::default(),
            pts_present: false,
            delay: None,
            reordered: false,
            last_unit: None,
            units: Units::default(),
        }
    }

    /// Nearly all packets belong to a picture whose headers were read already.
    pub(super) const fn wants(&self, packet: Packet<'_>) -> bool {
        self.look_at > 0 || packet.unit_start()
    }

    pub(super) fn packet(
        &mut self,
        now: Moment,
        packet: Packet<'_>,
        verdict: Verdict,
        effort: &mut Effort,
    ) {
        if packet.unit_start() {
            if self.look_at > 0 {
                self.look(now, true, effort);
            }
            self.head.clear();
            self.look_at = 1;
            self.random_access = packet.adaptation().is_some_and(|field| field.random_access);
        } else if verdict == Verdict::Gap {
            self.look_at = 0;
            return;
        }
        self.head.extend_from_slice(packet.payload());
        if self.head.len() >= self.look_at {
            self.look(now, false, effort);
        }
    }

    /// Reads the picture's headers, or waits for as much again. `last`: no more will come.
    fn look(&mut self, now: Moment, last: bool, effort: &mut Effort) {
        if !effort.look() {
            self.look_at = 0;
            return;
        }
        let header = PesHeader::parse(&self.head);
        let payload = header.and_then(|header| self.head.get(header.payload_offset..));
        let info = payload
            .map(|payload| self.reader.read(payload))
            .unwrap_or_default();
        let given_up = last || self.head.len() >= MAX_HEADER_BYTES;
        if !info.complete && !given_up {
            self.look_at = self.head.len() * 2;
            return;
        }
        self.look_at = 0;
        let Some(header) = header else { return };
        let key = info.is_entry(self.random_access);
        if info.complete {
            self.picture(now, &header, key);
        }
    }

    fn picture(&mut self, now: Moment, header: &PesHeader, key: bool) {
        self.last_unit = Some(now.arrived);
        self.pts_present = header.pts.is_some();
        self.units.begin(now.arrived, now.flow, header.pts);
        if let Some(pts) = header.pts {
            let delay = pts.wrapping_sub(header.dts.unwrap_or(pts));
            self.reordered |= self.delay.replace(delay).is_some_and(|last| last != delay);
        }
        let wire = header.dts.or(header.pts);
        let dts = wire.map(|wire| self.timeline.unwrap(wire));
        if let Some(dts) = dts {
            self.remember(dts);
        }
        if key {
            self.group.key(now.arrived, dts);
        }
        self.group.pictures = self.group.pictures.saturating_add(1);
    }

    fn remember(&mut self, dts: i64) {
        let latest = (self.next_time + MEASURED_PICTURES - 1) % MEASURED_PICTURES;
        if self.times.get(latest).is_some_and(|&last| dts <= last) {
            // The clock went back: measure afresh.
            self.times.clear();
            self.next_time = 0;
        }
        if self.times.len() < MEASURED_PICTURES {
            self.times.push(dts);
        } else {
            self.times[self.next_time] = dts;
        }
        self.next_time = (self.next_time + 1) % MEASURED_PICTURES;
    }

    pub(super) fn format(&self) -> Option<&VideoFormat> {
        self.reader.config()?.video().map(|video| &video.format)
    }

    /// The last finished group of pictures: seconds and pictures.
    pub(super) const fn group(&self) -> Option<(f64, u32)> {
        self.group.finished
    }

    pub(super) const fn last_key(&self) -> Option<Instant> {
        self.group.last_key
    }

    /// The measured frame rate; the declared one until there is a measured one.
    pub(super) fn fps(&self) -> Option<f64> {
        let format = self.format();
        let declared = format.and_then(|format| format.fps).map(FrameRate::as_f64);
        let measured = self.measured_fps().or(declared)?;
        let fields = format.is_some_and(|format| format.interlaced);
        match declared {
            // Each field in a packet of its own: two of them are one frame.
            Some(fps) if fields && (measured / fps - 2.0).abs() < RATE_TOLERANCE => Some(fps),
            _ => Some(measured),
        }
    }

    fn measured_fps(&self) -> Option<f64> {
        if self.times.len() < FEWEST_PICTURES {
            return None;
        }
        let mut times = self.times.clone();
        times.sort_unstable();
        let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_unstable();
        let median = steps[steps.len() / 2];
        // A lost picture or a jump makes one long step; it is not the rate.
        let usual = |step: &&i64| **step * 2 > median && **step * 2 < median * 3;
        let (count, sum) = steps
            .iter()
            .filter(usual)
            .fold((0_i64, 0_i64), |(n, sum), step| (n + 1, sum + step));
        (sum > 0).then(|| usual_rate(count as f64 * TICKS_PER_SECOND / sum as f64))
    }
}

impl Group {
    fn key(&mut self, now: Instant, dts: Option<i64>) {
        if let (Some(begin), Some(end)) = (self.key_dts, dts) {
            let ticks = end.saturating_sub(begin);
            if (1..=LONGEST_GROUP_TICKS).contains(&ticks) {
                self.finished = Some((ticks as f64 / TICKS_PER_SECOND, self.pictures));
            }
        }
        self.key_dts = dts;
        self.pictures = 0;
        self.last_key = Some(now);
    }
}

/// The usual rate next to a measured one. 1000/1001 apart is as near as two get, so the
/// nearest one counts, not the first.
fn usual_rate(measured: f64) -> f64 {
    const USUAL: [f64; 16] = [
        5.0,
        10.0,
        12.5,
        15.0,
        20.0,
        24_000.0 / 1001.0,
        24.0,
        25.0,
        30_000.0 / 1001.0,
        30.0,
        48.0,
        50.0,
        60_000.0 / 1001.0,
        60.0,
        100.0,
        120.0,
    ];
    let off = |usual: f64| (measured - usual).abs() / usual;
    let nearest = USUAL.into_iter().min_by(|a, b| off(*a).total_cmp(&off(*b)));
    nearest
        .filter(|&usual| off(usual) < USUAL_RATE_TOLERANCE)
        .unwrap_or(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_a_thousandth_apart_are_told_apart() {
        assert_eq!(usual_rate(29.9702), 30_000.0 / 1001.0);
        assert_eq!(usual_rate(30.0004), 30.0);
        assert_eq!(usual_rate(17.3), 17.3);
    }
}
