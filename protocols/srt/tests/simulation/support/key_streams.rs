use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use super::packets;
use tidegate_srt::Negotiated;

const HEADER_BYTES: usize = 16;
const STREAM_BYTES: usize = 16;
const SEQUENCE_MASK: u32 = 0x7FFF_FFFF;

/// Sees to it that nothing is ever encrypted with a key stream that something else was
/// encrypted with: not after a refresh, a wrap, a reconnection, in the other direction, or
/// when a packet is repeated.
///
/// It knows nothing of keys. It knows what was handed over for sending, takes that away from
/// what is on the wire, and what is left is the key stream, in counter mode and in Galois
/// mode alike: a function of key, salt and sequence number.
#[derive(Debug, Default)]
pub struct KeyStreams {
    /// By sender and the socket sent to: the first sequence number, and what was handed over.
    books: HashMap<(SocketAddr, u32), Book>,
    /// By the beginning of the key stream: who used it, and a hash of what for.
    used: HashMap<[u8; STREAM_BYTES], (SocketAddr, u32, u64)>,
    /// Encrypted packets looked at, repeated ones included.
    pub checked: u64,
    /// Both directions may begin in the same instant with the key they share: one test says
    /// how soon the weaker one stops.
    pub may_cross: bool,
    pub crossed: u64,
}

#[derive(Debug)]
struct Book {
    first: u32,
    beginnings: Vec<[u8; STREAM_BYTES]>,
}

impl KeyStreams {
    /// `from` has taken one more payload for sending.
    pub fn note(&mut self, from: SocketAddr, negotiated: &Negotiated, payload: &[u8]) {
        let Some(beginning) = payload.first_chunk() else {
            return;
        };
        if negotiated.encryption.is_some() {
            let fresh = || Book {
                first: negotiated.send_sequence.value(),
                beginnings: Vec::new(),
            };
            let place = (from, negotiated.peer_socket.value());
            let book = self.books.entry(place).or_insert_with(fresh);
            book.beginnings.push(*beginning);
        }
    }

    /// `from` put this on the wire.
    ///
    /// # Panics
    /// If its key stream was used for anything else.
    pub fn look_at(&mut self, from: SocketAddr, datagram: &[u8]) {
        let word = |n| packets::word(datagram, n).unwrap_or(0);
        let is_encrypted = word(1) >> 27 & 3 != 0;
        // A packet filter's own packets are made of what is encrypted already.
        let is_media = packets::is_data(datagram) && word(1) & 0x03FF_FFFF != 0;
        if !is_media || !is_encrypted {
            return;
        }
        let (sequence, socket) = (word(0), word(3));
        let Some(book) = self.books.get(&(from, socket)) else {
            return;
        };
        let index = sequence.wrapping_sub(book.first) & SEQUENCE_MASK;
        let plain = book.beginnings.get(index as usize);
        let plain = plain.expect("what is sent was handed over before");
        let secret = &datagram[HEADER_BYTES..];
        let stream: [u8; STREAM_BYTES] = std::array::from_fn(|at| plain[at] ^ secret[at]);
        let mut hasher = DefaultHasher::new();
        secret.hash(&mut hasher);
        let this = (from, sequence, hasher.finish());
        let former = *self.used.entry(stream).or_insert(this);
        if self.may_cross && former.0 != this.0 {
            self.crossed += 1;
            return;
        }
        assert_eq!(former, this, "one key stream for two packets");
        self.checked += 1;
    }
}
