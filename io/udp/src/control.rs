//! Control messages: which address a datagram came to or leaves from, and segment sizes.
//!
//! They are read and written as plain bytes: `cmsghdr` is a length (`usize`), a level and a
//! type (`i32` each), followed by data, everything aligned to `usize`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::name::canonical;

/// Room for packet information and a segment size, with some to spare.
pub(crate) const CONTROL_BYTES: usize = 128;
const HEADER_BYTES: usize = size_of::<libc::cmsghdr>();
const ALIGN: usize = size_of::<usize>();

const _: () = assert!(
    HEADER_BYTES == ALIGN + 8,
    "cmsghdr is laid out as this module expects"
);

/// One message's control buffer.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Control(pub(crate) [u8; CONTROL_BYTES]);

impl Control {
    pub(crate) const EMPTY: Self = Self([0; CONTROL_BYTES]);
}

/// What came along with a received message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) to: Option<IpAddr>,
    /// Size of the datagrams joined into the message; `None` when it is a single one.
    pub(crate) stride: Option<usize>,
}

/// Reads the control messages in `bytes`; unknown ones are skipped.
pub(crate) fn read(mut bytes: &[u8]) -> Received {
    let mut received = Received::default();
    while let Some((level, kind, data, rest)) = split_message(bytes) {
        match (level, kind) {
            (libc::SOL_UDP, libc::UDP_GRO) => {
                received.stride = data
                    .first_chunk()
                    .and_then(|b| usize::try_from(i32::from_ne_bytes(*b)).ok())
                    .filter(|stride| *stride > 0);
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // in_pktinfo: interface, local address, header destination.
                let to = data.get(8..12).and_then(|b| b.first_chunk::<4>());
                received.to = to.map(|b| IpAddr::V4(Ipv4Addr::from(*b)));
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let to = data.first_chunk::<16>();
                received.to = to.map(|b| canonical(IpAddr::V6(Ipv6Addr::from(*b))));
            }
            _ => {}
        }
        bytes = rest;
    }
    received
}

/// The first message of `bytes` (level, type, data) and what follows it.
fn split_message(bytes: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let length = usize::from_ne_bytes(*bytes.first_chunk::<ALIGN>()?);
    let level = i32::from_ne_bytes(*bytes.get(ALIGN..)?.first_chunk()?);
    let kind = i32::from_ne_bytes(*bytes.get(ALIGN + 4..)?.first_chunk()?);
    let data = bytes.get(HEADER_BYTES..length)?;
    let rest = bytes
        .get(length.next_multiple_of(ALIGN)..)
        .unwrap_or_default();
    Some((level, kind, data, rest))
}

/// Writes control messages one after the other.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(control: &'a mut Control) -> Self {
        Self {
            buffer: &mut control.0,
            used: 0,
        }
    }

    /// Sends from this local address.
    pub(crate) fn source(&mut self, from: IpAddr, socket_is_v6: bool) {
        match from {
            IpAddr::V4(v4) if !socket_is_v6 => {
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&v4.octets());
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            IpAddr::V4(v4) => self.source_v6(v4.to_ipv6_mapped()),
            IpAddr::V6(v6) => self.source_v6(v6),
        }
    }

    fn source_v6(&mut self, from: Ipv6Addr) {
        let mut info = [0; 20];
        info[..16].copy_from_slice(&from.octets());
        self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
    }

    /// Lets the kernel cut the message into datagrams of this size.
    pub(crate) fn segment(&mut self, bytes: u16) {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &bytes.to_ne_bytes());
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    fn push(&mut self, level: i32, kind: i32, data: &[u8]) {
        let length = HEADER_BYTES + data.len();
        let message = &mut self.buffer[self.used..self.used + length];
        message[..ALIGN].copy_from_slice(&length.to_ne_bytes());
        message[ALIGN..ALIGN + 4].copy_from_slice(&level.to_ne_bytes());
        message[ALIGN + 4..HEADER_BYTES].copy_from_slice(&kind.to_ne_bytes());
        message[HEADER_BYTES..].copy_from_slice(data);
        self.used += length.next_multiple_of(ALIGN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_address_written_for_ipv6_reads_back() {
        let mut control = Control::EMPTY;
        let mut writer = Writer::new(&mut control);
        writer.source("2001:db8::9".parse().unwrap(), true);
        writer.segment(1332);
        let used = writer.len();
        let read = read(&control.0[..used]);
        assert_eq!(read.to, Some("2001:db8::9".parse().unwrap()));
    }

    #[test]
    fn a_cut_or_lying_message_is_ignored() {
        assert_eq!(read(&[1, 2, 3]), Received::default());
        let mut control = Control::EMPTY;
        control.0[..8].copy_from_slice(&9999_usize.to_ne_bytes());
        assert_eq!(read(&control.0), Received::default());
    }
}
