use core::fmt;
use tidegate_rtp::Packet;

const PACKET_BYTES: usize = 188;
const SYNC_BYTE: u8 = 0x47;

/// Packets in a row that make a grid.
const GRID_PACKETS: usize = 3;

/// The payload type of MPEG-TS (RFC 3551).
const MPEG_TS: u8 = 33;

/// What datagrams carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Transport packets.
    Ts,
    /// The same behind an RTP header.
    Rtp,
}

/// Datagrams that carry no transport stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// RTP with something else in it.
    Rtp(u8),
    /// Neither RTP nor transport packets.
    Unknown,
}

impl Form {
    /// What this datagram carries, if it looks like a transport stream.
    pub(super) fn of(datagram: &[u8]) -> Result<Self, Odd> {
        if is_whole(datagram) {
            return Ok(Self::Ts);
        }
        let packet = Packet::parse(datagram).ok();
        let kind = packet.map(|packet| packet.header.payload_type);
        // Transport packets begin where the header ends; in a stream that is cut anywhere they
        // seldom do.
        let begins = |packet: Packet<'_>| packet.payload.first() == Some(&SYNC_BYTE);
        if packet.is_some_and(begins) || kind == Some(MPEG_TS) {
            return Ok(Self::Rtp);
        }
        if has_grid(datagram) {
            return Ok(Self::Ts);
        }
        Err(kind.map_or(Odd::Unknown, Odd::Rtp))
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtp(kind) => write!(f, "RTP with payload type {kind} instead of MPEG-TS (33)"),
            Self::Unknown => f.write_str("neither MPEG-TS nor RTP"),
        }
    }
}

/// Whole transport packets and nothing else.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let (packets, rest) = bytes.as_chunks::<PACKET_BYTES>();
    !packets.is_empty() && rest.is_empty() && packets.iter().all(|packet| packet[0] == SYNC_BYTE)
}

/// Sync bytes one packet apart, wherever they begin: some senders cut packets in two.
pub(super) fn has_grid(bytes: &[u8]) -> bool {
    (0..PACKET_BYTES.min(bytes.len())).any(|begin| {
        let mut syncs = bytes[begin..].iter().step_by(PACKET_BYTES);
        syncs.len() >= GRID_PACKETS && syncs.all(|byte| *byte == SYNC_BYTE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_rtp::Header;
    use tidegate_testkit::media::numbered_ts;

    #[test]
    fn transport_packets_are_recognised_with_a_header_without_and_cut_anywhere() {
        let stream = numbered_ts(20);
        assert_eq!(Form::of(&stream[..1316]), Ok(Form::Ts));
        assert_eq!(Form::of(&stream[..188]), Ok(Form::Ts));
        assert_eq!(Form::of(&stream[100..1572]), Ok(Form::Ts));
        for payload_type in [33, 96] {
            let header = Header {
                payload_type,
                ..Header::default()
            };
            assert_eq!(Form::of(&header.packet(&stream[..1316])), Ok(Form::Rtp));
        }
    }

    #[test]
    fn anything_else_is_named() {
        let header = Header {
            payload_type: 96,
            ..Header::default()
        };
        assert_eq!(Form::of(&header.packet(&[0x65; 1200])), Err(Odd::Rtp(96)));
        for junk in [&[][..], &[0], &[0x47; 100], &[0x80; 11], &[0xFF; 1316]] {
            assert_eq!(Form::of(junk), Err(Odd::Unknown), "{junk:?}");
        }
    }
}
