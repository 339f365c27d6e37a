//! Reads the UDP datagrams of a classic pcap file with Ethernet framing.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// One captured datagram.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    /// Microseconds since the first datagram of the capture.
    pub(crate) at_micros: u64,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

const MAGIC_MICROS_LITTLE_ENDIAN: u32 = 0xA1B2_C3D4;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
const ETHERNET_HEADER_BYTES: usize = 14;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86DD;
const IPV6_HEADER_BYTES: usize = 40;
const UDP_HEADER_BYTES: usize = 8;

/// Where the captures are.
pub(crate) fn data_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures/data")
}

/// What most captures carry.
pub(crate) fn payload() -> Vec<u8> {
    std::fs::read(data_folder().join("payload.ts")).unwrap()
}

/// The datagrams of a capture, in their order.
pub(crate) fn read(name: &str) -> Vec<Datagram> {
    let path = data_folder().join(format!("{name}.pcap"));
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        little_endian(&file, 0),
        MAGIC_MICROS_LITTLE_ENDIAN,
        "{name}: a pcap file"
    );
    let mut datagrams: Vec<Datagram> = Vec::new();
    let mut rest = &file[FILE_HEADER_BYTES..];
    let mut start = None;
    while !rest.is_empty() {
        let at = u64::from(little_endian(rest, 0)) * 1_000_000 + u64::from(little_endian(rest, 4));
        let length = little_endian(rest, 8) as usize;
        let at_micros = at - *start.get_or_insert(at);
        let frame = &rest[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + length];
        let (from, to, bytes) = udp(frame);
        datagrams.push(Datagram {
            at_micros,
            from,
            to,
            bytes,
        });
        rest = &rest[RECORD_HEADER_BYTES + length..];
    }
    assert!(
        !datagrams.is_empty(),
        "{name}: an empty capture proves nothing"
    );
    datagrams
}

fn udp(frame: &[u8]) -> (SocketAddr, SocketAddr, Vec<u8>) {
    let ip = &frame[ETHERNET_HEADER_BYTES..];
    let (from, to, segment): (IpAddr, IpAddr, &[u8]) = match big_endian(frame, 12) {
        ETHERTYPE_IPV4 => (
            octets::<4>(ip, 12).into(),
            octets::<4>(ip, 16).into(),
            &ip[usize::from(ip[0] & 15) * 4..],
        ),
        ETHERTYPE_IPV6 => (
            octets::<16>(ip, 8).into(),
            octets::<16>(ip, 24).into(),
            &ip[IPV6_HEADER_BYTES..],
        ),
        other => panic!("neither IPv4 nor IPv6: {other:#06x}"),
    };
    let length = usize::from(big_endian(segment, 4));
    (
        SocketAddr::new(from, big_endian(segment, 0)),
        SocketAddr::new(to, big_endian(segment, 2)),
        segment[UDP_HEADER_BYTES..length].to_vec(),
    )
}

fn octets<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

fn big_endian(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(octets(bytes, at))
}

fn little_endian(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets(bytes, at))
}
