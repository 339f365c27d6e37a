//! The packet filter: a stranger's configuration, then whatever comes over the network.
//!
//! ```text
//!  text 0   the configuration
//!  step …   offset (signed, from the newest packet) | what | length | bytes
//!           what: 0 the data packet that was sent, 1 a FEC packet that was sent,
//!                 2 a data packet of the fuzzer's, 3 a FEC packet of the fuzzer's,
//!                 4 the next packet that is rebuilt is refused
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_srt::fec::{Decoder, Encoder, FilterConfig};
use tidegate_srt::wire::{DataHeader, DataKey, MessageNumber, Packet, SocketId, Timestamp};
use tidegate_srt::{PacketFilter, SequenceNumber};

/// Near the wrap of sequence numbers.
const FIRST: u64 = (1 << 31) + 0x7FFF_FFF0;
const ROOM_BYTES: usize = 64;
const PACKETS: u64 = 600;
const STEPS_MAX: usize = 2000;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0);
    let (text, steps) = input.split_at(end.unwrap_or(input.len()));
    let Ok(Ok(config)) = std::str::from_utf8(text).map(str::parse::<FilterConfig>) else {
        return;
    };
    assert_eq!(
        config.to_string().parse(),
        Ok(config),
        "it can be written back"
    );
    if let Ok(Some(filter)) = FilterConfig::agree(None, Some(&config)) {
        let answer: FilterConfig = filter.to_string().parse().expect("our own answer");
        assert_eq!(
            FilterConfig::conclude(Some(&config), Some(&answer)),
            Ok(Some(filter))
        );
        receive(&filter, steps.get(1..).unwrap_or_default());
    }
});

fn receive(filter: &PacketFilter, mut steps: &[u8]) {
    let (data, fec) = sent(filter);
    let mut decoder = Decoder::new(filter, FIRST, ROOM_BYTES);
    let (mut newest, mut is_honest) = (0_u64, true);
    // Behind the newest packet that the receiver knows of.
    let mut end = FIRST;
    let mut refuses = false;
    for _ in 0..STEPS_MAX {
        let [offset, what, length, rest @ ..] = steps else {
            return;
        };
        let (bytes, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        steps = rest;
        let offset = newest.saturating_add_signed(i64::from(offset.cast_signed()));
        newest = newest.max(offset);
        if let 0 | 2 = what % 5 {
            end = end.max(FIRST + offset + 1);
        }
        let header = header(FIRST + offset);
        match what % 5 {
            0 if offset < PACKETS => {
                let packet = &data[offset as usize];
                decoder.on_data(FIRST + offset, &packet.0, &packet.1);
            }
            1 => {
                if let Some(packet) = fec.get(offset as usize % fec.len().max(1)) {
                    decoder.on_fec(&packet.0, &packet.1, end);
                }
            }
            2 => {
                is_honest = false;
                decoder.on_data(FIRST + offset, &header, bytes);
            }
            3 => {
                is_honest = false;
                decoder.on_fec(&header, bytes, end);
            }
            4 => refuses = true,
            _ => {}
        }
        while let Some((rebuilt, payload)) = decoder.rebuild() {
            assert!(!payload.is_empty() && payload.len() <= ROOM_BYTES);
            let index = rebuilt.sequence.unwrap_near(FIRST);
            let original = index
                .checked_sub(FIRST)
                .and_then(|at| data.get(at as usize));
            if is_honest {
                let (header, original) = original.expect("only what was sent is rebuilt");
                assert_eq!(payload, original);
                assert_eq!(
                    (rebuilt.key, rebuilt.timestamp),
                    (header.key, header.timestamp)
                );
                assert_eq!(rebuilt.message, header.message);
            }
            if core::mem::take(&mut refuses) {
                decoder.refuse();
            } else {
                end = end.max(index + 1);
            }
        }
        decoder.settle(end, |first, last| {
            assert!(FIRST <= first && first <= last && last < end);
        });
    }
}

type Sent = Vec<(DataHeader, Vec<u8>)>;

/// What an honest sender puts on the wire: its packets, and the filter's.
fn sent(filter: &PacketFilter) -> (Sent, Sent) {
    let mut encoder = Encoder::new(filter, FIRST, ROOM_BYTES);
    let (mut data, mut fec) = (Vec::new(), Vec::new());
    for index in FIRST..FIRST + PACKETS {
        let payload = vec![index as u8 | 1; 1 + (index % 60) as usize];
        encoder.on_sent(index, &header(index), &payload);
        data.push((header(index), payload));
        while let Some(bytes) = encoder.ready_bytes() {
            let mut datagram = vec![0; DataHeader::BYTES + bytes];
            encoder.emit(SocketId::new(1), &mut datagram);
            encoder.on_emitted();
            let Ok(Packet::Data { header, payload }) = Packet::parse(&datagram) else {
                panic!("a FEC packet is a data packet");
            };
            fec.push((header, payload.to_vec()));
        }
    }
    (data, fec)
}

fn header(index: u64) -> DataHeader {
    let sequence = SequenceNumber::from_index(index);
    let message = MessageNumber::from_index(index);
    let stamp = Timestamp::new((index as u32).wrapping_mul(977));
    let mut header = DataHeader::live(sequence, message, stamp, SocketId::new(1));
    header.key = if index % 5 == 0 {
        DataKey::Even
    } else {
        DataKey::Odd
    };
    header
}
