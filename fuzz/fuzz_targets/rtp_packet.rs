//! A datagram read as RTP, and a stream of them from two legs, put in order.
//!
//! ```text
//!  step …   leg and time | number (from the last) | length | bytes
//!           bit 0 the leg, bits 1–3 milliseconds that pass, bit 4 the bytes are a whole datagram
//! ```
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tidegate_rtp::{Header, Packet, Receiver, ReceiverConfig};
use tidegate_units::{Duration, Instant};

fuzz_target!(|input: &[u8]| {
    if let Ok(packet) = Packet::parse(input) {
        assert!(packet.payload.len() + 12 <= input.len());
        assert!(packet.csrcs().len() <= 15);
    }
    let hold = Duration::from_millis(20);
    let config = ReceiverConfig {
        hold,
        legs: 2,
        fec: false,
    };
    let mut receiver = Receiver::new(config);
    let (mut steps, mut now, mut number) = (input, Instant::from_millis(5), 65_500_u16);
    let mut out = 0;
    while let [how, step, length, rest @ ..] = steps {
        let (bytes, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        steps = rest;
        now += Duration::from_millis(u64::from(how >> 1 & 7));
        number = number.wrapping_add_signed(i16::from(step.cast_signed()));
        let header = Header {
            sequence: number,
            payload_type: 33,
            ..Header::default()
        };
        let datagram = if how & 16 == 0 {
            header.packet(bytes)
        } else {
            bytes.to_vec()
        };
        let _ = receiver.on_media(now, usize::from(how & 1), &Bytes::from(datagram));
        while receiver.poll(now).is_some() {
            out += 1;
        }
        assert!(receiver.deadline().is_none_or(|deadline| deadline > now));
    }
    while receiver.poll(now + hold).is_some() {
        out += 1;
    }
    let counters = receiver.counters();
    assert!(out <= counters.received, "each packet once");
});
