use crate::packet::{PACKET_BYTES, Packet};

const COUNTER: u8 = 0x0F;

/// The continuity counter of one PID of the output.
///
/// What is missing between two packets that are meant to follow upon each other stays missing,
/// so that everybody can see it; behind a cut the counter goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    last: Option<u8>,
    /// What is added to counters; `None` until the first packet behind a cut.
    shift: Option<u8>,
}

impl Counter {
    /// What comes next does not follow upon what came.
    pub(super) fn cut(&mut self) {
        if self.last.is_some() {
            self.shift = None;
        }
    }

    /// Counts a packet on.
    pub(super) fn count(&mut self, packet: &mut [u8; PACKET_BYTES]) {
        let Some(view) = Packet::new(packet) else {
            return;
        };
        let (counter, has_payload) = (view.continuity(), view.has_payload());
        let shift = self.shift.unwrap_or_else(|| {
            // The counter stands still on packets without payload.
            let next = |last: u8| last.wrapping_add(u8::from(has_payload));
            self.last.map_or(0, |last| next(last).wrapping_sub(counter))
        });
        if has_payload || self.shift.is_some() {
            self.shift = Some(shift);
        }
        let out = counter.wrapping_add(shift) & COUNTER;
        self.last = Some(out);
        packet[3] = packet[3] & !COUNTER | out;
    }

    /// Numbers a packet without payload that was made here: the counter stands still.
    pub(super) fn still(&self, packet: &mut [u8; PACKET_BYTES]) {
        packet[3] = packet[3] & !COUNTER | self.last.unwrap_or(0);
    }

    /// Counts a packet that was made here.
    pub(super) fn own(&mut self, packet: &mut [u8; PACKET_BYTES]) {
        self.shift = None;
        self.count(packet);
        self.shift = None;
    }
}
