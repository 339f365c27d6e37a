use super::WireError;
use super::control::ControlPacket;
use super::data::DataHeader;

/// A datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Media, or what the packet filter made of it.
    Data {
        /// The first 16 bytes.
        header: DataHeader,
        /// The rest, encrypted when the header says so.
        payload: &'a [u8],
    },
    /// Everything else.
    Control(ControlPacket<'a>),
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// If it is truncated, of an unknown type, or holds a forbidden value.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        if datagram.first().is_some_and(|byte| byte & 0x80 != 0) {
            return ControlPacket::parse(datagram).map(Self::Control);
        }
        let (header, payload) = DataHeader::parse(datagram)?;
        Ok(Self::Data { header, payload })
    }

    /// The datagram in memory of its own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Data { header, payload } => {
                let mut bytes = vec![0; DataHeader::BYTES];
                header.emit(&mut bytes);
                bytes.extend_from_slice(payload);
                bytes
            }
            Self::Control(packet) => packet.to_vec(),
        }
    }
}
