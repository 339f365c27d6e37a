//! Steering datagrams to the shard that owns their connection.
//!
//! The shard's index stands in the low bits of the SRT socket IDs it hands out, and every SRT
//! packet carries its destination's ID at offset 12. A classic BPF program, which needs no
//! privilege, reads it and names the socket of the group. What has no ID – connection requests
//! (ID 0), packets too short, SRTLA's own packets (first byte 0x90–0x92) – is spread by the
//! kernel's hash of addresses and ports.

use std::io;
use std::os::fd::AsFd;

use crate::socket::Socket;
use crate::sys;

/// Low bits of a socket ID that hold the shard's index.
pub const SHARD_BITS: u32 = 6;
/// As many shards as those bits can name.
pub const MAX_SHARDS: usize = 1 << SHARD_BITS;

/// Where the destination socket ID stands in an SRT packet.
const SOCKET_ID_OFFSET: u32 = 12;
/// An SRT header; anything shorter is none.
const HEADER_BYTES: u32 = 16;
/// Names no socket, which makes the kernel fall back to its hash.
const BY_HASH: u32 = u32::MAX;

const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const LOAD_BYTE: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
const LOAD_LENGTH: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_LEN) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const JUMP_ABOVE: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const RETURN_ACCUMULATOR: u16 = (libc::BPF_RET | libc::BPF_A) as u16;

/// The shard a datagram belongs to by its destination socket ID, if it names one.
#[must_use]
pub fn shard_of(datagram: &[u8]) -> Option<usize> {
    if datagram.len() < HEADER_BYTES as usize || (0x90..=0x92).contains(&datagram[0]) {
        return None;
    }
    let id = u32::from_be_bytes(*datagram.get(SOCKET_ID_OFFSET as usize..)?.first_chunk()?);
    (id != 0).then_some(id as usize % MAX_SHARDS)
}

/// Makes the kernel steer a whole reuseport group; `socket` is any member of it.
///
/// # Errors
/// The kernel knows no reuseport filters.
pub(crate) fn attach(socket: &Socket) -> io::Result<()> {
    sys::attach_reuseport_filter(socket.as_fd(), &program())
}

/// The program; offsets count from the start of the UDP payload.
fn program() -> [libc::sock_filter; 10] {
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    [
        step(LOAD_LENGTH, 0, 0, 0),
        step(JUMP_AT_LEAST, 0, 7, HEADER_BYTES), // too short: hash
        step(LOAD_BYTE, 0, 0, 0),
        step(JUMP_AT_LEAST, 0, 1, 0x90),
        step(JUMP_ABOVE, 0, 4, 0x92), // SRTLA: hash
        step(LOAD_WORD, 0, 0, SOCKET_ID_OFFSET),
        step(JUMP_EQUAL, 2, 0, 0), // no ID: hash
        step(AND, 0, 0, MAX_SHARDS as u32 - 1),
        step(RETURN_ACCUMULATOR, 0, 0, 0),
        step(RETURN, 0, 0, BY_HASH),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, id: u32) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[0] = first;
        bytes[12..].copy_from_slice(&id.to_be_bytes());
        bytes
    }

    #[test]
    fn an_id_names_its_shard() {
        assert_eq!(shard_of(&packet(0x00, 0x1234_5640 | 5)), Some(5));
        assert_eq!(shard_of(&packet(0x80, 0x1234_5640)), Some(0));
    }

    #[test]
    fn requests_short_packets_and_srtla_name_none() {
        assert_eq!(shard_of(&packet(0x80, 0)), None);
        assert_eq!(shard_of(&packet(0x91, 7)), None);
        assert_eq!(shard_of(&packet(0, 7)[..15]), None);
        assert_eq!(shard_of(&[]), None);
    }
}
