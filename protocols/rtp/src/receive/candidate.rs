use bytes::Bytes;

/// Packets in a row, numbered one after the other, that make a new stream.
const ENOUGH: usize = 4;

/// Packets of one leg that fit nowhere, but each other: a sender that began anew (RFC 3550,
/// appendix A.1). They are kept, so that the new stream does not lose its beginning.
#[derive(Debug, Default)]
pub(super) struct Candidate {
    packets: Vec<Bytes>,
    next: u16,
    ssrc: u32,
}

impl Candidate {
    /// Something came that fits the stream there is.
    pub(super) fn forget(&mut self) {
        self.packets.clear();
    }

    /// A packet that fits nowhere; the packets of the new stream once there are enough.
    pub(super) fn consider(
        &mut self,
        sequence: u16,
        ssrc: u32,
        datagram: &Bytes,
    ) -> Option<Vec<Bytes>> {
        if sequence != self.next || ssrc != self.ssrc {
            self.packets.clear();
        }
        self.next = sequence.wrapping_add(1);
        self.ssrc = ssrc;
        self.packets.push(datagram.clone());
        (self.packets.len() >= ENOUGH).then(|| core::mem::take(&mut self.packets))
    }
}
