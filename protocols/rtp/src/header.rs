//! One packet (RFC 3550, section 5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |V=2|P|X|  CC   |M|     PT      |           sequence            |
//! |                           timestamp                           |
//! |                             SSRC                              |
//! |                   CSRC × CC, extension if X                   |
//! |          payload, then padding if P (last byte counts it)     |
//! ```

/// Bytes of the fixed header.
pub const HEADER_BYTES: usize = 12;

/// Contributing sources one packet may name.
pub const CSRC_MAX: usize = 15;

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const CSRC_COUNT: u8 = 0x0F;
const MARKER: u8 = 0x80;
const EXTENSION_HEADER_BYTES: usize = 4;

/// The fields of the fixed header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What it marks is up to the payload format: often the last packet of a frame.
    pub marker: bool,
    /// Which format the payload has, 0 to 127.
    pub payload_type: u8,
    /// Counts packets, wrapping.
    pub sequence: u16,
    /// When the payload was sampled or is to be sent, on the payload format's clock, wrapping.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

impl Header {
    /// The header of a packet without contributing sources, extension and padding.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let marker = if self.marker { MARKER } else { 0 };
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        let kind = marker | (self.payload_type & !MARKER);
        [VERSION << 6, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]
    }

    /// A whole packet without contributing sources, extension and padding.
    #[must_use]
    pub fn packet(self, payload: &[u8]) -> Vec<u8> {
        [&self.to_bytes()[..], payload].concat()
    }

    fn read(bytes: &[u8; HEADER_BYTES]) -> Self {
        let [_, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *bytes;
        Self {
            marker: kind & MARKER != 0,
            payload_type: kind & !MARKER,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
        }
    }
}

/// A header extension; what it means is up to the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Which kind of extension it is.
    pub profile: u16,
    /// Its content, a multiple of four bytes.
    pub data: &'a [u8],
}

/// A view of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// The extension, if there is one.
    pub extension: Option<Extension<'a>>,
    /// The payload, without padding.
    pub payload: &'a [u8],
    csrcs: &'a [u8],
}

/// Why bytes are not a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Less than a header, or a header that promises more than there is.
    #[error("the RTP packet is cut short")]
    Short,
    /// Another version than 2, the only one in use.
    #[error("the RTP version is {0} instead of 2")]
    Version(u8),
    /// The last byte counts no padding, or more than there is.
    #[error("the RTP packet's padding is longer than the packet")]
    Padding,
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// When it is no RTP packet, or a damaged one.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        let Some((fixed, rest)) = datagram.split_first_chunk::<HEADER_BYTES>() else {
            return Err(PacketError::Short);
        };
        let first = fixed[0];
        if first >> 6 != VERSION {
            return Err(PacketError::Version(first >> 6));
        }
        let csrc_bytes = usize::from(first & CSRC_COUNT) * 4;
        let (csrcs, rest) = rest
            .split_at_checked(csrc_bytes)
            .ok_or(PacketError::Short)?;
        let (extension, rest) = if first & EXTENSION == 0 {
            (None, rest)
        } else {
            let (extension, rest) = split_extension(rest).ok_or(PacketError::Short)?;
            (Some(extension), rest)
        };
        let payload = if first & PADDING == 0 {
            rest
        } else {
            without_padding(rest).ok_or(PacketError::Padding)?
        };
        Ok(Self {
            header: Header::read(fixed),
            extension,
            payload,
            csrcs,
        })
    }

    /// Who contributed to what is in it.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> {
        let (csrcs, _) = self.csrcs.as_chunks::<4>();
        csrcs.iter().map(|csrc| u32::from_be_bytes(*csrc))
    }
}

fn split_extension(bytes: &[u8]) -> Option<(Extension<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<EXTENSION_HEADER_BYTES>()?;
    let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (data, rest) = rest.split_at_checked(words * 4)?;
    let profile = u16::from_be_bytes([head[0], head[1]]);
    Some((Extension { profile, data }, rest))
}

fn without_padding(bytes: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*bytes.last()?);
    let payload_bytes = bytes.len().checked_sub(padding)?;
    (padding > 0).then(|| &bytes[..payload_bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FULL: [u8; 30] = [
        0xB1, 0xA1, 0x12, 0x34, 0, 0, 0, 9, 0xCA, 0xFE, 0, 1, // header with P, X, CC 1, M
        0, 0, 0, 7, // CSRC
        0xBE, 0xDE, 0, 1, 1, 2, 3, 4, // extension of one word
        0x47, 0x40, 0, // payload
        0, 0, 3, // padding
    ];

    #[test]
    fn every_part_is_found() {
        let packet = Packet::parse(&FULL).expect("a packet");
        assert_eq!(
            packet.header,
            Header {
                marker: true,
                payload_type: 33,
                sequence: 0x1234,
                timestamp: 9,
                ssrc: 0xCAFE_0001,
            }
        );
        assert_eq!(packet.csrcs().collect::<Vec<_>>(), [7]);
        let extension = packet.extension.expect("an extension");
        assert_eq!(
            (extension.profile, extension.data),
            (0xBEDE, &[1, 2, 3, 4][..])
        );
        assert_eq!(packet.payload, [0x47, 0x40, 0]);
    }

    #[test]
    fn a_packet_cut_anywhere_before_its_payload_is_refused() {
        for length in 0..24 {
            assert_eq!(Packet::parse(&FULL[..length]), Err(PacketError::Short));
        }
    }

    #[test]
    fn padding_that_lies_is_refused() {
        for padding in [0, 7, 255] {
            let mut bytes = FULL;
            bytes[29] = padding;
            assert_eq!(Packet::parse(&bytes), Err(PacketError::Padding));
        }
    }

    #[test]
    fn a_transport_packet_is_no_rtp() {
        assert_eq!(Packet::parse(&[0x47; 188]), Err(PacketError::Version(1)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32,
            payload in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let bytes = header.packet(&payload);
            let packet = Packet::parse(&bytes).expect("a packet");
            prop_assert_eq!(packet.header, header);
            prop_assert_eq!(packet.payload, &payload[..]);
            prop_assert_eq!(packet.csrcs().len(), 0);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
                prop_assert!(packet.csrcs().len() <= CSRC_MAX);
            }
        }
    }
}
