//! How what is on air is left: its sound goes on up to where its pictures end.

use super::{Playing, Seam, Verdict, enter};
use crate::packet::{PACKET_BYTES, Packet};
use crate::seam::intake::{Carries, Intake, Ready, Unit};
use bytes::Bytes;
use tidegate_codecs::Kind;
use tidegate_units::{Duration, Instant};

/// What is due so much later than the cut holds no sound from before it.
const LOOK_AHEAD: Duration = Duration::from_secs(3);

impl Seam {
    /// What is on air is left where its pictures end, `end` by the output's time. Units that went
    /// out in part go out whole, and the sound up to there, as far as it has come.
    pub fn finish(
        &mut self,
        intake: &Intake,
        end: i64,
        now: Instant,
        mut hand: impl FnMut(Bytes, Instant),
    ) {
        let Some(mut playing) = self.playing.take() else {
            return;
        };
        let due = self.begin(self.last_due, now);
        // Sound that is missing in between ends it.
        let mut is_over = vec![false; playing.parts.len()];
        let latest = self.last_due + LOOK_AHEAD;
        for chunk in intake.chunks_from(playing.next) {
            if chunk.due.offset_micros(playing.delay_micros) > latest {
                break;
            }
            for index in playing.next.max(chunk.first)..chunk.end() {
                if let Some(packet) = chunk.packet(index) {
                    self.finish_packet(intake, &mut playing, packet, (index, end), &mut is_over);
                }
            }
        }
        self.hand_over(due, &mut hand);
        self.note_ends(intake, &playing);
        self.left_at = Some(end);
        if self.lead.is_none() {
            self.lead = intake.lead();
        }
    }

    fn finish_packet(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        packet: &[u8; PACKET_BYTES],
        (index, end): (u64, i64),
        is_over: &mut [bool],
    ) {
        let Some(view) = Packet::new(packet).filter(|packet| !packet.transport_error()) else {
            return;
        };
        let Carries::Stream(slot) = intake.carries(view.pid()) else {
            return;
        };
        let Some(over) = is_over.get_mut(slot) else {
            return;
        };
        if view.unit_start()
            && let Some(unit) = intake.streams()[slot].unit_at(index)
        {
            let kind = intake.streams()[slot].kind();
            let is_sound = kind == Kind::Audio && intake.main_slot() != Some(slot);
            let is_ready = intake.ready(unit) == Ready::Now;
            let goes = is_sound && is_ready && !*over && playing.parts[slot].has_begun;
            playing.parts[slot].verdict = if goes {
                self.finish_sound(intake, playing, slot, unit, end)
            } else {
                Verdict::Skip
            };
            *over |= !goes || playing.parts[slot].verdict == Verdict::Skip;
        }
        let part = playing.parts[slot];
        if part.verdict == Verdict::Pass {
            self.pass(intake, playing, part.out, view, false);
        }
    }

    /// Sound of a unit goes out as far as it begins before the end.
    fn finish_sound(
        &mut self,
        intake: &Intake,
        playing: &mut Playing,
        slot: usize,
        unit: &Unit,
        end: i64,
    ) -> Verdict {
        let end = end - playing.offset - enter::ROUNDING_TICKS;
        let (Some(pts), Some(pes)) = (unit.pts, intake.pes(slot, unit)) else {
            return Verdict::Skip;
        };
        let out = playing.parts[slot].out;
        let behind = intake.frames(slot, unit, &pes).and_then(|frames| {
            let behind = frames.begin.iter().find(|(_, at)| *at >= end);
            behind.copied()
        });
        let part = &mut playing.parts[slot];
        match behind {
            None if pts >= end => Verdict::Skip,
            None => {
                part.last = Some(unit.first);
                Verdict::Pass
            }
            // Nothing of it, not even the rest of a frame that began before.
            Some((0, _)) => Verdict::Skip,
            Some((at, ends)) => {
                part.last = None;
                self.streams[out].ends = Some(ends + playing.offset);
                let parts = [&pes.payload[..at]];
                self.rebuild(playing, out, &pes, (pts, pts), &parts);
                Verdict::Skip
            }
        }
    }

    /// Remembers where each sound ends that went out whole.
    fn note_ends(&mut self, intake: &Intake, playing: &Playing) {
        for (slot, part) in playing.parts.iter().enumerate() {
            let stream = &intake.streams()[slot];
            if !part.has_begun && !part.is_closed {
                // What was left out when times leapt would be late by now.
                let ends = &mut self.streams[part.out].ends;
                *ends = ends.map(|ends| playing.leapt_to.map_or(ends, |to| ends.max(to)));
            }
            let last = part.last.and_then(|last| stream.unit_at(last));
            if let Some(unit) = last.filter(|_| stream.kind() == Kind::Audio) {
                let ends = intake.sound_end(slot, unit).or(unit.pts);
                self.streams[part.out].ends = ends.map(|ends| ends + playing.offset);
            }
        }
    }
}
