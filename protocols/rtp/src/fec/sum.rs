use super::FecPacket;
use crate::header::HEADER_BYTES;

const RECOVERY_BITS: u8 = 0x3F;
const VERSION_BITS: u8 = 0x80;

/// The sum (exclusive or) of whole RTP packets: of the bits of their headers that are not known
/// otherwise, of what follows the fixed header, and of how long that is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    /// P, X and CC.
    pub(crate) flags: u8,
    /// M and the payload type.
    pub(crate) kind: u8,
    pub(crate) timestamp: u32,
    pub(crate) length: u16,
    pub(crate) body: Vec<u8>,
}

impl Sum {
    /// What a received sum says.
    pub(crate) fn of(packet: &FecPacket<'_>) -> Self {
        Self {
            flags: packet.flags,
            kind: packet.kind,
            timestamp: packet.timestamp,
            length: packet.length,
            body: packet.body.to_vec(),
        }
    }

    /// Adds a whole RTP packet, or takes it away: that is the same. Shorter than a header, it
    /// is none, and nothing is added.
    pub(crate) fn add(&mut self, datagram: &[u8]) {
        let Some((head, body)) = datagram.split_first_chunk::<HEADER_BYTES>() else {
            return;
        };
        self.flags ^= head[0] & RECOVERY_BITS;
        self.kind ^= head[1];
        self.timestamp ^= u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        // A UDP datagram is shorter than 64 KiB.
        self.length ^= u16::try_from(body.len()).unwrap_or(u16::MAX);
        if body.len() > self.body.len() {
            self.body.resize(body.len(), 0);
        }
        for (sum, byte) in self.body.iter_mut().zip(body) {
            *sum ^= byte;
        }
    }

    /// The one packet that is left in it; `None` when its length shows that it is not whole.
    pub(crate) fn packet(&self, sequence: u16, ssrc: u32) -> Option<Vec<u8>> {
        let body = self.body.get(..usize::from(self.length))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        bytes.extend([VERSION_BITS | self.flags, self.kind]);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(ssrc.to_be_bytes());
        bytes.extend(body);
        Some(bytes)
    }

    pub(crate) fn clear(&mut self) {
        let mut body = core::mem::take(&mut self.body);
        body.clear();
        *self = Self {
            body,
            ..Self::default()
        };
    }
}
