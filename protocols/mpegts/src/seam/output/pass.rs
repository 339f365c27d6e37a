//! One packet on its way out.

use super::open::Patch;
use super::{MAX_OTHERS, Out, Playing, Seam, clock};
use crate::mux::packetize::{Head, Packetizer};
use crate::packet::{NULL_PID, PACKET_BYTES, Packet, Pcr};
use crate::restamp::patch::{PesTimes, write_pcr};
use crate::seam::intake::{Intake, Pes, Unit};
use crate::timeline::Timeline;
use bytes::BytesMut;
use tidegate_codecs::{Codec, StreamConfig, VideoHeaders, h264, h265, nal};

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Types of NAL units of H.265.
const CRA: u8 = 21;
const BLA_N_LP: u8 = 18;
/// A decoding time that is further behind the one before is another beginning.
const SQUEEZED_MAX_TICKS: i64 = 90_000;
/// A clock that goes back by more is another clock.
const CLOCK_BACK_TICKS: i64 = Pcr::HERTZ.cast_signed();

impl Seam {
    /// Copies a packet to its place in the output.
    pub(super) fn pass(
        &mut self,
        intake: &Intake,
        playing: &Playing,
        place: usize,
        view: Packet<'_>,
        with_clock: bool,
    ) {
        let pid = self.streams[place].pid;
        let field = view.has_adaptation().then(|| view.adaptation()).flatten();
        let (mut set_clock, mut removes_clock) = (None, false);
        if let Some(pcr) = field.and_then(|field| field.pcr) {
            let is_clock = with_clock && intake.is_clock(view.pid());
            let clock = is_clock.then(|| self.clock(playing, pcr)).flatten();
            let stays = clock.is_some() && pid == self.pcr_pid;
            match clock {
                Some(clock) if stays && playing.is_moved => set_clock = Some(clock),
                Some(_) if stays => {}
                Some(clock) => self.clock_packet(clock),
                None => {}
            }
            removes_clock = !stays && (playing.is_moved || !with_clock);
            if removes_clock && !view.has_payload() {
                return; // nothing else was in it
            }
        }
        let out = &mut self.streams[place];
        let Some(copy) = place_for(&mut self.buffer, view) else {
            return;
        };
        if let Some(clock) = set_clock {
            write_pcr(copy, clock);
        }
        if removes_clock {
            clock::remove(copy);
        }
        if pid != view.pid() {
            let [high, low] = pid.to_be_bytes();
            copy[1] = copy[1] & 0xE0 | high & 0x1F;
            copy[2] = low;
        }
        if playing.is_moved {
            out.move_times(copy, playing.offset);
        } else if view.unit_start() {
            out.note_times(copy, playing.near);
        }
        out.patch.apply(view, copy);
        out.counter.count(copy);
    }

    /// A packet of a PID that carries nothing of the program's streams.
    pub(super) fn other(
        &mut self,
        intake: &Intake,
        playing: &Playing,
        view: Packet<'_>,
        index: u64,
    ) {
        if index < playing.entry.first {
            return;
        }
        let pid = view.pid();
        if pid == NULL_PID {
            self.buffer.extend_from_slice(view.bytes());
        } else if intake.is_clock(pid) {
            if !playing.is_moved {
                if let Some(pcr) = view.adaptation().and_then(|field| field.pcr) {
                    self.clock(playing, pcr);
                }
                let mut copy = *view.bytes();
                self.clock_counter.count(&mut copy);
                self.buffer.extend_from_slice(&copy);
            } else {
                self.clock_of(intake, playing, view);
            }
        } else if pid < super::FIRST_FREE_PID {
            let place = self.others.iter().position(|(known, _)| *known == pid);
            let place = place.unwrap_or_else(|| {
                if self.others.len() == MAX_OTHERS {
                    self.others.remove(0);
                }
                self.others.push((pid, super::Counter::default()));
                self.others.len() - 1
            });
            let mut copy = *view.bytes();
            self.others[place].1.count(&mut copy);
            self.buffer.extend_from_slice(&copy);
        }
    }

    /// The clock of a packet that does not go out otherwise.
    pub(super) fn clock_of(&mut self, intake: &Intake, playing: &Playing, view: Packet<'_>) {
        if let Some(pcr) = intake.clock_in(view)
            && let Some(pcr) = self.clock(playing, pcr)
        {
            self.clock_packet(pcr);
        }
    }

    pub(super) fn clock_packet(&mut self, pcr: Pcr) {
        let mut packet = clock::bare(self.pcr_pid, Some(pcr), false);
        let pid = self.pcr_pid;
        let out = self.streams.iter().find(|out| out.pid == pid);
        out.map_or(&self.clock_counter, |out| &out.counter)
            .still(&mut packet);
        self.buffer.extend_from_slice(&packet);
    }

    /// The output's clock for one of the input; `None` if it would not go on.
    fn clock(&mut self, playing: &Playing, pcr: Pcr) -> Option<Pcr> {
        let base = Timeline::nearest(pcr.0 / 300, playing.near);
        let ticks = base * 300 + (pcr.0 % 300).cast_signed() + playing.clock_offset;
        let back = self.last_clock.map_or(-1, |last| last - ticks);
        if playing.is_moved && (0..CLOCK_BACK_TICKS).contains(&back) {
            return None;
        }
        self.last_clock = Some(ticks);
        self.fill = None;
        Some(clock::wrapped(ticks))
    }

    /// Writes a unit anew if it cannot go out as it is; whether it was.
    pub(super) fn change(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        slot: usize,
        unit: &Unit,
        view: Packet<'_>,
        is_entry: bool,
    ) -> bool {
        let stream = &intake.streams()[slot];
        let codec = stream.stream.codec;
        let config = stream.config().filter(|_| is_entry && !unit.headers);
        let sets = config.and_then(|config| parameter_sets(config));
        let may_be_open = is_entry && playing.is_moved && codec == Codec::H265;
        let is_open = playing.is_open_at(unit, is_entry, intake.main_slot() == Some(slot));
        let is_cut_off = playing.is_moved
            && codec != Codec::Scte35
            && PesTimes::find(view.bytes()) == PesTimes::CutOff;
        let out = playing.parts[slot].out;
        self.streams[out].patch = Patch::default();
        if sets.is_none() && !is_cut_off && !may_be_open && !is_open {
            return false;
        }
        let (Some(mut pes), Some(pts), Some(dts)) = (intake.pes(slot, unit), unit.pts, unit.dts)
        else {
            return false;
        };
        if let Some(sets) = &sets {
            let at = delimiter_bytes(codec, &pes.payload);
            pes.payload.splice(at..at, sets.iter().copied());
        }
        let is_written = match is_open {
            true if is_entry => self.begin_open(playing, out, &pes, unit),
            true => self.follow_open(playing, out, &mut pes, unit),
            false => false,
        };
        if is_written {
            return true;
        }
        let is_closed = may_be_open && close(&mut pes.payload);
        if sets.is_none() && !is_cut_off && !is_closed {
            return false;
        }
        self.streams[out].patch = Patch::default();
        self.rebuild(playing, out, &pes, (pts, dts), &[&pes.payload]);
        true
    }

    /// Writes a PES packet of these parts. A clock in the packets that it takes the place of goes
    /// out by itself.
    pub(super) fn rebuild(
        &mut self,
        playing: &Playing,
        place: usize,
        pes: &Pes,
        (pts, dts): (i64, i64),
        parts: &[&[u8]],
    ) {
        let pid = self.streams[place].pid;
        let out = &mut self.streams[place];
        let (pts, dts) = (pts + playing.offset, dts + playing.offset);
        let head = Head {
            stream_id: pes.header.stream_id,
            pts,
            dts: out.squeezed(dts).min(pts),
            random_access: pes.random_access,
            discontinuity: false,
            pcr: None,
        };
        let mut packets = BytesMut::new();
        Packetizer::new(pid).pes(&head, parts, &mut packets);
        for packet in packets.as_chunks_mut::<PACKET_BYTES>().0 {
            out.counter.own(packet);
        }
        self.buffer.extend_from_slice(&packets);
    }
}

impl Out {
    /// Moves what a packet says of times.
    fn move_times(&mut self, packet: &mut [u8; PACKET_BYTES], offset: i64) {
        if self.stream.codec == Codec::Scte35 {
            self.splice.shift(packet, offset);
            return;
        }
        let PesTimes::At(times) = PesTimes::find(packet) else {
            return;
        };
        times.shift(packet, offset);
        let wire = times.decoding(packet);
        let near = self.last_dts;
        let dts = near.map_or(wire.cast_signed(), |near| Timeline::nearest(wire, near));
        let squeezed = self.squeezed(dts);
        if squeezed != dts {
            times.set_decoding(packet, squeezed);
        }
    }

    /// Remembers the times of a packet that is not changed.
    fn note_times(&mut self, packet: &[u8; PACKET_BYTES], near: i64) {
        if let PesTimes::At(times) = PesTimes::find(packet) {
            let wire = times.decoding(packet);
            self.last_dts = Some(Timeline::nearest(wire, self.last_dts.unwrap_or(near)));
        }
    }

    /// A decoding time that rises above the one before.
    fn squeezed(&mut self, dts: i64) -> i64 {
        let near = self.last_dts.filter(|last| last - dts < SQUEEZED_MAX_TICKS);
        let dts = near.map_or(dts, |last| dts.max(last + 1));
        self.last_dts = Some(dts);
        dts
    }
}

/// Copies a packet behind what goes out: there it is changed.
fn place_for<'a>(
    buffer: &'a mut BytesMut,
    packet: Packet<'_>,
) -> Option<&'a mut [u8; PACKET_BYTES]> {
    let at = buffer.len();
    buffer.extend_from_slice(packet.bytes());
    buffer.get_mut(at..)?.first_chunk_mut()
}

/// The parameter sets of a video stream, each behind a start code.
fn parameter_sets(config: &StreamConfig) -> Option<Vec<u8>> {
    let sets: Vec<&bytes::Bytes> = match &config.video()?.headers {
        VideoHeaders::H264 { sps, pps } => sps.iter().chain(pps).collect(),
        VideoHeaders::H265 { vps, sps, pps } => vps.iter().chain(sps).chain(pps).collect(),
        _ => return None,
    };
    let mut bytes = Vec::new();
    for set in sets {
        bytes.extend(START_CODE);
        bytes.extend_from_slice(set);
    }
    Some(bytes)
}

/// Makes pictures that others may lead (CRA) such that follow upon nothing (BLA without leading
/// pictures: those are dropped), as ISO/IEC 23008-2 has it for splices: a decoder would otherwise
/// number them on from the stream before. Whether there were any.
fn close(unit: &mut [u8]) -> bool {
    let mut at = 0;
    let mut any = false;
    while let Some(code) = nal::find_start_code(unit, at) {
        at = code + 3;
        if let Some(head) = unit.get_mut(at).filter(|head| **head >> 1 & 0x3F == CRA) {
            *head = *head & 0x81 | BLA_N_LP << 1;
            any = true;
        }
    }
    any
}

/// How long the delimiter is that an access unit begins with.
fn delimiter_bytes(codec: Codec, unit: &[u8]) -> usize {
    let is_delimiter = nal::split(unit).next().is_some_and(|first| match codec {
        Codec::H264 => h264::UnitType::of(first) == Some(h264::UnitType::Delimiter),
        Codec::H265 => h265::UnitType::of(first) == Some(h265::UnitType::Delimiter),
        _ => false,
    });
    let first = nal::find_start_code(unit, 0).filter(|_| is_delimiter);
    let Some(second) = first.and_then(|first| nal::find_start_code(unit, first + 3)) else {
        return 0;
    };
    // The zero in front of a start code of four bytes belongs to it.
    second - usize::from(second > 0 && unit[second - 1] == 0)
}
