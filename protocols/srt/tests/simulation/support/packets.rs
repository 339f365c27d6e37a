//! SRT packets written by hand, independent of the code under test.

pub const HANDSHAKE: u16 = 0;
pub const KEEPALIVE: u16 = 1;
pub const ACK: u16 = 2;
pub const NAK: u16 = 3;
pub const SHUTDOWN: u16 = 5;
pub const ACKACK: u16 = 6;
pub const DROPREQ: u16 = 7;
pub const PEER_ERROR: u16 = 8;

/// What SRT added to UDT has this as its first word, with one of the two below.
pub const EXTENSION: u32 = 0xFFFF << 16;
pub const KMREQ: u16 = 3;
pub const KMRSP: u16 = 4;

const RETRANSMITTED: u32 = 1 << 26;
/// Solo packet, in order, clear.
const SOLO: u32 = 0b11 << 30 | 1 << 29;

/// A control packet.
pub fn control(kind: u16, info: u32, timestamp: u32, to_socket: u32, body: &[u32]) -> Vec<u8> {
    let head = [
        0x8000_0000 | u32::from(kind) << 16,
        info,
        timestamp,
        to_socket,
    ];
    head.iter()
        .chain(body)
        .flat_map(|word| word.to_be_bytes())
        .collect()
}

/// A control packet that came with SRT.
pub fn extension(command: u16, timestamp: u32, to_socket: u32, body: &[u8]) -> Vec<u8> {
    let head = [EXTENSION | u32::from(command), 0, timestamp, to_socket];
    let head = head.iter().flat_map(|word| word.to_be_bytes());
    head.chain(body.iter().copied()).collect()
}

/// A data packet.
pub fn data(
    sequence: u32,
    message: u32,
    timestamp: u32,
    to_socket: u32,
    payload: &[u8],
) -> Vec<u8> {
    let head = [sequence & 0x7FFF_FFFF, SOLO | message, timestamp, to_socket];
    let mut packet: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes()).collect();
    packet.extend_from_slice(payload);
    packet
}

/// The handshake fields that tests play with.
#[derive(Debug, Clone, Copy)]
pub struct Handshake {
    pub version: u32,
    pub encryption_and_extension: u32,
    pub initial_sequence: u32,
    pub request: u32,
    pub socket: u32,
    pub cookie: u32,
}

pub const INDUCTION: u32 = 1;
pub const CONCLUSION: u32 = 0xFFFF_FFFF;
pub const WAVE_A_HAND: u32 = 0;
pub const AGREEMENT: u32 = 0xFFFF_FFFE;

impl Handshake {
    /// What a caller opens with.
    pub fn induction(socket: u32) -> Self {
        Self {
            version: 4,
            encryption_and_extension: 2,
            initial_sequence: 1000,
            request: INDUCTION,
            socket,
            cookie: 0,
        }
    }

    /// A conclusion that carries the handshake extension `HSREQ`.
    pub fn conclusion(socket: u32, cookie: u32) -> Self {
        Self {
            version: 5,
            encryption_and_extension: 1,
            request: CONCLUSION,
            cookie,
            ..Self::induction(socket)
        }
    }

    /// The whole packet, with an `HSREQ` (1.5.5, all flags, 120 ms) where it belongs.
    pub fn packet(&self) -> Vec<u8> {
        let mut body = vec![
            self.version,
            self.encryption_and_extension,
            self.initial_sequence,
            1500,
            8192,
            self.request,
            self.socket,
            self.cookie,
            0x0100_007F,
            0,
            0,
            0,
        ];
        if self.request == CONCLUSION {
            body.extend([0x0001_0003, 0x0001_0505, 0x0000_00BF, 120 << 16 | 120]);
        }
        control(HANDSHAKE, 0, 0, 0, &body)
    }
}

/// The flag of a data packet that was sent before.
pub const fn retransmitted(is_repetition: bool) -> u32 {
    if is_repetition { RETRANSMITTED } else { 0 }
}

/// The `n`-th 32-bit word of a packet.
pub fn word(packet: &[u8], n: usize) -> Option<u32> {
    let bytes = packet.get(n * 4..n * 4 + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

pub fn is_data(packet: &[u8]) -> bool {
    packet.len() >= 16 && packet[0] & 0x80 == 0
}

pub fn is_retransmission(packet: &[u8]) -> bool {
    is_data(packet) && word(packet, 1).is_some_and(|flags| flags & RETRANSMITTED != 0)
}

pub fn is_control(packet: &[u8], kind: u16) -> bool {
    word(packet, 0).is_some_and(|first| first >> 16 == 0x8000 | u32::from(kind))
}

/// The handshake's request type, where the packet is one.
pub fn handshake_request(packet: &[u8]) -> Option<u32> {
    if is_control(packet, HANDSHAKE) {
        word(packet, 9)
    } else {
        None
    }
}

/// The cookie of a handshake packet.
pub fn cookie(packet: &[u8]) -> Option<u32> {
    if is_control(packet, HANDSHAKE) {
        word(packet, 11)
    } else {
        None
    }
}

/// The socket a packet is for.
pub fn destination(packet: &[u8]) -> Option<u32> {
    word(packet, 3)
}
