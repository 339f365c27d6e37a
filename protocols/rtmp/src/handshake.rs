//! The handshake (RTMP 1.0, section 5.2): version, a block of 1536 bytes each way, each echoed.
//!
//! ```text
//!  client                                server
//!    │ C0 (3)  C1 (time, 0, random) ───▶ │  Opening
//!    │ ◀─── S0 (3)  S1  S2 (C1 echoed)   │
//!  Opening                               │
//!    │ C2 (S1 echoed) ─────────────────▶ │  Echo: skipped
//!  Echo: S2 is skipped                   │
//!    ▼                                   ▼  Done
//! ```
//!
//! Flash's variant hides a digest in C1. Its clients fall back to the plain one when the
//! server's block has version 0, as ours has; so echoes are never checked, only counted.

use crate::error::ProtocolError;

const VERSION: u8 = 3;
const BLOCK: usize = 1536;

/// One side of a handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    is_server: bool,
    stage: Stage,
    /// Our block.
    block: Box<[u8; BLOCK]>,
}

#[derive(Debug)]
enum Stage {
    /// Waits for version and block.
    Opening(Vec<u8>),
    /// Waits for the rest of the echo.
    Echo {
        left: usize,
    },
    Done,
}

impl Handshake {
    /// The side of a server.
    pub(crate) fn server(seed: u64) -> Self {
        Self::new(true, seed)
    }

    /// The side of a client; what it says first goes to `out`.
    pub(crate) fn client(seed: u64, out: &mut Vec<u8>) -> Self {
        let handshake = Self::new(false, seed);
        out.push(VERSION);
        out.extend_from_slice(&*handshake.block);
        handshake
    }

    fn new(is_server: bool, seed: u64) -> Self {
        let mut block = Box::new([0; BLOCK]);
        // Time and version stay zero.
        for (index, bytes) in block[8..].chunks_exact_mut(8).enumerate() {
            bytes.copy_from_slice(&scramble(seed.wrapping_add(index as u64)).to_be_bytes());
        }
        Self {
            is_server,
            stage: Stage::Opening(Vec::new()),
            block,
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Takes what it needs of `input`; answers go to `out`.
    pub(crate) fn read(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if let Stage::Opening(gathered) = &mut self.stage {
            gathered.extend_from_slice(take(input, 1 + BLOCK - gathered.len()));
            if let Some(first) = gathered.first() {
                check_version(*first)?;
            }
            let Some(theirs) = gathered.get(1..).filter(|block| block.len() == BLOCK) else {
                return Ok(());
            };
            if self.is_server {
                out.push(VERSION);
                out.extend_from_slice(&*self.block);
            }
            out.extend_from_slice(theirs);
            self.stage = Stage::Echo { left: BLOCK };
        }
        if let Stage::Echo { left } = &mut self.stage {
            *left -= take(input, *left).len();
            if *left == 0 {
                self.stage = Stage::Done;
            }
        }
        Ok(())
    }
}

fn check_version(first: u8) -> Result<(), ProtocolError> {
    match first {
        VERSION => Ok(()),
        6 | 8 => Err(ProtocolError::Encrypted(first)),
        0x16 => Err(ProtocolError::Tls),
        b'A'..=b'Z' | b'a'..=b'z' => Err(ProtocolError::Text),
        _ => Err(ProtocolError::Version(first)),
    }
}

fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

/// Different bytes every time are all that is wanted (splitmix64).
const fn scramble(seed: u64) -> u64 {
    let mut value = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_an_end_whatever_the_pieces() {
        for piece in [1, 7, 1537, 5000] {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            let mut client = Handshake::client(1, &mut up);
            let mut server = Handshake::server(2);
            while !(client.is_done() && server.is_done()) {
                for bytes in std::mem::take(&mut up).chunks(piece) {
                    server.read(&mut &*bytes, &mut down).unwrap();
                }
                for bytes in std::mem::take(&mut down).chunks(piece) {
                    client.read(&mut &*bytes, &mut up).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_server_echoes_any_block_and_is_of_version_zero() {
        let mut first = vec![VERSION];
        first.extend((0..BLOCK).map(|index| index as u8 ^ 0x5A));
        let mut out = Vec::new();
        let mut server = Handshake::server(9);
        server.read(&mut &*first, &mut out).unwrap();
        assert_eq!(out.len(), 1 + 2 * BLOCK);
        assert_eq!(out[5..9], [0; 4]);
        assert_eq!(out[1 + BLOCK..], first[1..]);
    }

    #[test]
    fn what_follows_the_handshake_is_left_alone() {
        let mut server = Handshake::server(9);
        let mut input = vec![VERSION; 1 + 2 * BLOCK + 5];
        input[1 + 2 * BLOCK..].copy_from_slice(b"after");
        let mut rest = &*input;
        server.read(&mut rest, &mut Vec::new()).unwrap();
        assert!(server.is_done());
        assert_eq!(rest, b"after");
    }

    #[test]
    fn other_protocols_are_known_by_their_first_byte() {
        let error = |bytes: &[u8]| {
            let mut server = Handshake::server(0);
            server.read(&mut &*bytes, &mut Vec::new()).unwrap_err()
        };
        assert_eq!(error(&[0x16, 3, 1]), ProtocolError::Tls);
        assert_eq!(error(b"GET / HTTP/1.1\r\n"), ProtocolError::Text);
        assert_eq!(error(&[6]), ProtocolError::Encrypted(6));
        assert_eq!(error(&[0]), ProtocolError::Version(0));
    }
}
