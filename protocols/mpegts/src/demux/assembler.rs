use super::Stamp;
use super::ending::{Ending, Said};
use crate::continuity::{Continuity, Verdict};
use crate::packet::{PAYLOAD_BYTES, Packet};
use crate::pes::{FIXED_BYTES, PesHeader};

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
    /// Up to so many bytes, transport packets that are all payload say nothing more than that
    /// the PES packet goes on.
    plain_bytes: usize,
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
        self.plain_bytes = 0;
        self.lost = true;
        self.ending.lost();
    }

    pub(super) fn begin(&mut self, stamp: Stamp, random_access: bool) {
        self.buffer.clear();
        self.ending.begin();
        self.filling = true;
        self.plain_bytes = 0;
        self.stamp = stamp;
        self.random_access = random_access;
    }

    /// Adds a transport packet that is all payload, as most are, unless more is to be looked at
    /// than where it goes; whether it did.
    pub(super) fn add(&mut self, payload: &[u8; PAYLOAD_BYTES]) -> bool {
        let is_plain = self.buffer.len() + PAYLOAD_BYTES <= self.plain_bytes;
        if is_plain {
            self.buffer.extend_from_slice(payload);
        }
        is_plain
    }

    /// Adds the payload of any transport packet; whether the PES packet is whole now.
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
        let told = PesHeader::told_packet_bytes(&self.buffer);
        self.plain_bytes = if self.buffer.len() < FIXED_BYTES || self.ending.is_expected_here() {
            0
        } else {
            told.map_or(MAX_PES_BYTES, |told| told - 1)
        };
        match told {
            Some(told) => self.buffer.len() >= told,
            None => said == Said::Ends,
        }
    }

    /// The packet under way, which ends here.
    pub(super) fn take(&mut self) -> Option<Pes> {
        self.plain_bytes = 0;
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
