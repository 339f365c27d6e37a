//! Inputs of a program that carry the same packets: what one lacks the other brings, before
//! anything is made of it.
//!
//! ```text
//! input 0 ─► Slicer ─┐         ┌─► Lane 0
//!                    ├─► Merge ┤              a switch between twins: the lanes change places
//! input 1 ─► Slicer ─┘         └─► Lane 1
//! ```

use super::lane::Lane;
use super::types::Piece;
use crate::twins::{self as merging, Merge, Merged, PrintKey};
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_mpegts::seam::aligned;
use tidegate_mpegts::{PACKET_BYTES, Slicer};
use tidegate_units::{Duration, Instant};

/// Stands in front of the lanes of all inputs.
#[derive(Clone, Debug)]
pub(super) struct Twins {
    merge: Merge<Packet>,
    slicers: Vec<Slicer>,
    /// What each input brought, as long as a packet of it may be handed on.
    pieces: Vec<Pieces>,
    /// Packets lost in front of what each input brings next.
    lost: Vec<u64>,
    /// Inputs of which nothing more comes.
    ended: Vec<bool>,
    /// Lanes that have been told so.
    ended_lanes: Vec<bool>,
}

/// One packet of a piece: it is handed about a lot, so it says only where that is.
#[derive(Clone, Copy, Debug)]
struct Packet {
    input: u32,
    /// Its first byte.
    at: u32,
    piece: u64,
}

/// Whole packets as they came, each piece with a number that only rises.
#[derive(Clone, Debug, Default)]
struct Pieces {
    pieces: VecDeque<Bytes>,
    first: u64,
}

impl Pieces {
    fn push(&mut self, piece: Bytes) {
        self.pieces.push_back(piece);
    }

    /// The number that the next piece gets.
    fn end(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    fn get(&self, number: u64) -> Option<&Bytes> {
        let place = number.checked_sub(self.first)?;
        self.pieces.get(usize::try_from(place).ok()?)
    }

    /// Lets go what is in front of a piece, or all of them.
    fn forget(&mut self, before: Option<u64>) {
        while before.is_none_or(|before| self.first < before) && self.pieces.pop_front().is_some() {
            self.first += 1;
        }
    }
}

impl Twins {
    pub(super) fn new(inputs: usize, key: PrintKey) -> Self {
        Self {
            merge: Merge::new(inputs, key),
            slicers: (0..inputs).map(|_| Slicer::new()).collect(),
            pieces: vec![Pieces::default(); inputs],
            lost: vec![0; inputs],
            ended: vec![false; inputs],
            ended_lanes: vec![false; inputs],
        }
    }

    /// Takes what came of an input.
    pub(super) fn push(&mut self, lanes: &mut [Lane], input: usize, piece: Piece, restarted: bool) {
        if restarted {
            self.merge.restart(piece.arrived, input);
            self.hand_on(lanes, piece.arrived);
            if let Some(lane) = lanes.get_mut(input) {
                lane.restart();
            }
        }
        let Some(slicer) = self.slicers.get_mut(input) else {
            return;
        };
        if restarted || piece.lost_before > 0 {
            slicer.restart();
        }
        self.ended[input] = false;
        let lost = if restarted { 0 } else { self.lost[input] };
        self.lost[input] = lost.saturating_add(piece.lost_before);
        let bytes = aligned(slicer, piece.bytes);
        if bytes.is_empty() {
            return;
        }
        let lost_before = core::mem::take(&mut self.lost[input]);
        let together = merging::Together {
            packets: bytes.as_chunks().0,
            arrived: piece.arrived,
            due: piece.due,
            lost_before,
        };
        let number = self.pieces[input].end();
        let packet = |place| Packet {
            input: input as u32,
            at: (place * PACKET_BYTES) as u32,
            piece: number,
        };
        let passed = self.merge.push_together(input, &together, packet);
        if passed.is_none_or(|passed| passed.is_remembered) {
            self.pieces[input].push(bytes.clone());
        }
        if let (Some(passed), Some(lane)) = (passed, lanes.get_mut(input)) {
            self.ended_lanes[input] = false;
            if passed.fresh {
                lane.restart();
            }
            let mut bytes = bytes;
            bytes.truncate(passed.count * PACKET_BYTES);
            lane.admit(bytes, piece.arrived, passed.due, lost_before);
        }
    }

    /// Nothing more comes of an input.
    pub(super) fn end(&mut self, input: usize) {
        if let Some(ended) = self.ended.get_mut(input) {
            *ended = true;
        }
    }

    /// Gives every lane what it gets by now.
    pub(super) fn hand_on(&mut self, lanes: &mut [Lane], now: Instant) {
        for (number, lane) in lanes.iter_mut().enumerate().take(self.ended.len()) {
            let mut together: Option<Together> = None;
            while !self.merge.is_idle(number)
                && let Some(merged) = self.merge.poll(now, number)
            {
                self.ended_lanes[number] = false;
                if together.as_mut().is_some_and(|it| it.add(&merged)) {
                    continue;
                }
                if let Some(together) = together.replace(Together::of(merged)) {
                    together.admit(lane, &self.pieces);
                }
            }
            if let Some(together) = together {
                together.admit(lane, &self.pieces);
            }
            // An input always is a leg of its own lane.
            if self.ended[number]
                && !self.ended_lanes[number]
                && self.merge.legs(number).all(|input| self.ended[input])
                && self.merge.is_done(number)
            {
                self.ended_lanes[number] = true;
                lane.end();
            }
        }
        for (input, pieces) in self.pieces.iter_mut().enumerate() {
            pieces.forget(self.merge.oldest(input).map(|packet| packet.piece));
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.merge.next_deadline()
    }

    /// What is on air is held so much longer than the times of its packets say.
    pub(super) fn set_on_air(&mut self, on_air: Option<usize>, hold: Duration) {
        self.merge.set_on_air(on_air);
        for lane in 0..self.ended.len() {
            let is_on_air = on_air == Some(lane);
            let hold = if is_on_air { hold } else { Duration::ZERO };
            self.merge.set_hold(lane, hold);
        }
    }

    /// Packets that were missing on air although a twin had them.
    pub(super) const fn too_late(&self) -> u64 {
        self.merge.too_late()
    }

    /// The first input that carries what this one does.
    pub(super) fn twin_of(&self, input: usize) -> Option<usize> {
        self.merge.twins(input).next()
    }

    /// What carries the row of the input on air on, which has another stream by now.
    pub(super) fn leaves_for(&self, now: Instant) -> Option<usize> {
        self.merge.leaves_for(now)
    }

    /// What carries an input's row on while it is not there itself.
    pub(super) fn stand_in(&self, now: Instant, input: usize) -> Option<usize> {
        self.merge.stand_in(now, input)
    }

    /// What was the lane of one is the other's; whether they are twins.
    pub(super) fn swap(&mut self, lanes: &mut [Lane], a: usize, b: usize) -> bool {
        let may = self.merge.swap(a, b);
        if may {
            self.ended_lanes.swap(a, b);
            lanes.swap(a, b);
        }
        may
    }
}

/// Packets that stand side by side in one piece.
struct Together {
    first: Merged<Packet>,
    end: u32,
}

impl Together {
    const fn of(first: Merged<Packet>) -> Self {
        let end = first.packet.at + PACKET_BYTES as u32;
        Self { first, end }
    }

    /// Whether a packet is the next of the same piece.
    fn add(&mut self, next: &Merged<Packet>) -> bool {
        let first = &self.first;
        let fits = next.packet.piece == first.packet.piece
            && next.packet.input == first.packet.input
            && next.packet.at == self.end
            && next.due == first.due
            && next.lost_before == 0
            && !next.fresh;
        self.end += if fits { PACKET_BYTES as u32 } else { 0 };
        fits
    }

    fn admit(self, lane: &mut Lane, pieces: &[Pieces]) {
        let Merged {
            packet,
            arrived,
            due,
            lost_before,
            fresh,
            ..
        } = self.first;
        if fresh {
            lane.restart();
        }
        let pieces = pieces.get(packet.input as usize);
        // Not there only if it waited longer than anything is remembered.
        if let Some(piece) = pieces.and_then(|pieces| pieces.get(packet.piece)) {
            let bytes = piece.slice(packet.at as usize..self.end as usize);
            lane.admit(bytes, arrived, due, lost_before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_only_fills_is_held_no_longer_than_any_other() {
        let mut twins = Twins::new(2, PrintKey::new([1, 2, 3, 4]));
        let mut lanes = vec![Lane::default(); 3];
        for number in 0..2000_u64 {
            let arrived = Instant::from_millis(10 * number);
            for input in 0..2 {
                let mut packet = [0xFF; PACKET_BYTES];
                let only_fills = input == 1 && number > 0;
                let pid = if only_fills { [0x1F, 0xFF] } else { [1, 0] };
                packet[..4].copy_from_slice(&[0x47, pid[0], pid[1], 0x10 | number as u8 & 15]);
                packet[4..12].copy_from_slice(&(2 * number + input as u64).to_be_bytes());
                let piece = Piece {
                    bytes: Bytes::copy_from_slice(&packet),
                    arrived,
                    due: arrived,
                    lost_before: 0,
                };
                twins.push(&mut lanes, input, piece, false);
                twins.hand_on(&mut lanes, arrived);
                assert!(twins.pieces[input].pieces.len() <= 202);
            }
        }
    }
}
