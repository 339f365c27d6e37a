use super::Stamp;
use super::ending::{Ending, Said};
use crate::continuity::{Continuity, Verdict};
use crate::packet::Packet;
use crate::pes::PesHeader;

/// No access unit is larger: 8K at a quality nobody sends.
const MAX_PES_BYTES: usize = 8 * 1024 * 1024;
/// A buffer that grew beyond this is given back when its packet is done.
const KEPT_BUFFER_BYTES: usize = 256 * 1024;

/// Puts the PES packets of one PID together.
///
/// ```text
///           begin            extend … extend           length reached, known to end, or
/// WAITING ────────► FILLING ─────────────────► FILLING ────────────────────────────► take
///    ▲                 │ gap, overrun                      next start
///    └─────────────────┘
/// ```
#[derive(Debug, Default)]
pub(super) struct Assembler {
    continuity: Continuity,
    buffer: Vec<u8>,
    filling: bool,
    ending: Ending,
    stamp: Stamp,
    random_access: bool,
    /// Something was lost since the last packet taken.
    lost: bool,
}

/// A whole PES packet, or what came of one whose length was left open.
#[derive(Debug)]
pub(super) struct Pes {
    pub(super) bytes: Vec<u8>,
    pub(super) stamp: Stamp,
    /// The transport says that decoding can begin here.
    pub(super) random_access: bool,
    /// Something was lost before it.
    pub(super) discontinuity: bool,
}

impl Assembler {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn check(&mut self, packet: Packet<'_>) -> Verdict {
        self.continuity.check(packet)
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Drops the packet under way.
    pub(super) fn lost(&mut self) {
        self.buffer.clear();
        self.filling = false;
        self.lost = true;
        self.ending.lost();
    }

    pub(super) fn begin(&mut self, stamp: Stamp, random_access: bool) {
        self.buffer.clear();
        self.ending.begin();
        self.filling = true;
        self.stamp = stamp;
        self.random_access = random_access;
    }

    /// Adds the payload of a transport packet; whether the PES packet is whole now.
    pub(super) fn extend(&mut self, packet: Packet<'_>) -> bool {
        let payload = packet.payload();
        let said = if payload.is_empty() {
            Said::Nothing
        } else {
            self.ending.packet(packet.filled_up())
        };
        if said == Said::WentOn {
            // What was taken for whole was not.
            self.lost();
        }
        if !self.filling {
            return false;
        }
        if self.buffer.len() + payload.len() > MAX_PES_BYTES {
            self.lost();
            return false;
        }
        self.buffer.extend_from_slice(payload);
        match PesHeader::told_packet_bytes(&self.buffer) {
            Some(told) => self.buffer.len() >= told,
            None => said == Said::Ends,
        }
    }

    /// The packet under way, which ends here.
    pub(super) fn take(&mut self) -> Option<Pes> {
        if !core::mem::take(&mut self.filling) || self.buffer.is_empty() {
            return None;
        }
        Some(Pes {
            bytes: core::mem::take(&mut self.buffer),
            stamp: self.stamp,
            random_access: self.random_access,
            discontinuity: core::mem::take(&mut self.lost),
        })
    }

    /// Takes the buffer of a packet back for the next one.
    pub(super) fn recycle(&mut self, pes: Pes) {
        if pes.bytes.capacity() <= KEPT_BUFFER_BYTES {
            self.buffer = pes.bytes;
            self.buffer.clear();
        }
    }
}
