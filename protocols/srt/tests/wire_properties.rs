//! What holds for every packet, not only for those somebody thought of.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_srt::handshake::{ConclusionRequest, refusal};
use tidegate_srt::wire::{
    Ack, AckAck, AckRates, AckReport, Boundary, Control, ControlPacket, DataHeader, DataKey,
    DropRequest, ExtensionCommand, ExtensionControl, ExtensionWriter, Handshake, HsExtension,
    HsFlags, KeepAlive, KeyMaterialMessage, LossList, LossListWriter, LossRange, MessageNumber,
    Nak, Packet, RejectCode, RequestType, SequenceNumber, Shutdown, SocketId, SrtVersion,
    Timestamp, WireAddress, WireText,
};
use tidegate_srt::{KeyMaterial, StreamId};

fn sequence() -> impl Strategy<Value = SequenceNumber> {
    any::<u32>().prop_map(SequenceNumber::new)
}

fn range() -> impl Strategy<Value = LossRange> {
    (sequence(), 0_u32..1 << 29).prop_map(|(first, more)| LossRange::new(first, first.plus(more)))
}

fn data_header() -> impl Strategy<Value = DataHeader> {
    let boundary = prop_oneof![
        Just(Boundary::Solo),
        Just(Boundary::First),
        Just(Boundary::Middle),
        Just(Boundary::Last),
    ];
    let key = prop_oneof![
        Just(DataKey::Clear),
        Just(DataKey::Even),
        Just(DataKey::Odd),
        Just(DataKey::Both),
    ];
    let numbers = (sequence(), any::<u32>(), any::<u32>(), any::<u32>());
    (numbers, boundary, key, any::<bool>(), any::<bool>()).prop_map(
        |((sequence, message, timestamp, socket), boundary, key, in_order, retransmitted)| {
            DataHeader {
                sequence,
                boundary,
                in_order,
                key,
                retransmitted,
                message: MessageNumber::new(message),
                timestamp: Timestamp::new(timestamp),
                destination: SocketId::new(socket),
            }
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    let rates = (any::<u32>(), any::<u32>(), any::<Option<u32>>()).prop_map(
        |(receive_packets, capacity_packets, receive_bytes)| AckRates {
            receive_packets,
            capacity_packets,
            receive_bytes,
        },
    );
    let report = (any::<[u32; 3]>(), proptest::option::of(rates)).prop_map(
        |([rtt_micros, rtt_variance_micros, available_packets], rates)| AckReport {
            rtt_micros,
            rtt_variance_micros,
            available_packets,
            rates,
        },
    );
    (any::<u32>(), sequence(), proptest::option::of(report)).prop_map(|(number, next, report)| {
        Ack {
            number,
            next,
            report,
        }
    })
}

/// Every control packet that borrows nothing.
fn control() -> impl Strategy<Value = Control<'static>> {
    prop_oneof![
        ack().prop_map(Control::from),
        Just(Control::from(KeepAlive)),
        Just(Control::from(Shutdown)),
        any::<u32>().prop_map(|number| AckAck { number }.into()),
        (any::<u32>(), range()).prop_map(|(message, range)| {
            let message = MessageNumber::new(message);
            DropRequest {
                message,
                first: range.first,
                last: range.last,
            }
            .into()
        }),
    ]
}

fn handshake_with(extensions: &ExtensionWriter, words: [u32; 4]) -> Handshake<'_> {
    Handshake {
        version: 5,
        encryption_field: words[0] as u16,
        extension_field: words[1] as u16,
        initial_sequence: SequenceNumber::new(words[2] & 0x3FFF_FFFF),
        segment_bytes: 1500,
        flow_window_packets: 8192,
        request: RequestType::Conclusion,
        socket: SocketId::new(77),
        cookie: words[3],
        peer_address: WireAddress::default(),
        extensions: extensions.blocks(),
    }
}

proptest! {
    #[test]
    fn data_headers_come_back(header in data_header(), payload in vec(any::<u8>(), 0..64)) {
        let bytes = Packet::Data { header, payload: &payload }.to_vec();
        prop_assert_eq!(Packet::parse(&bytes), Ok(Packet::Data { header, payload: &payload }));
    }

    #[test]
    fn control_packets_come_back(
        control in control(),
        timestamp in any::<u32>(),
        socket in any::<u32>(),
    ) {
        let packet = ControlPacket::new(Timestamp::new(timestamp), SocketId::new(socket), control);
        let bytes = packet.to_vec();
        prop_assert_eq!(bytes.len(), packet.wire_bytes());
        prop_assert_eq!(ControlPacket::parse(&bytes), Ok(packet));
    }

    #[test]
    fn loss_lists_come_back(ranges in vec(range(), 0..40)) {
        let mut buffer = [0; 320];
        let mut writer = LossListWriter::new(&mut buffer);
        for range in &ranges {
            prop_assert!(writer.push(*range));
        }
        let nak = Nak { losses: writer.finish() };
        let packet = ControlPacket::new(Timestamp::new(1), SocketId::new(2), nak);
        let bytes = packet.to_vec();
        let Ok(Control::Nak(back)) = ControlPacket::parse(&bytes).map(|packet| packet.control)
        else {
            panic!("not a NAK");
        };
        let back: Vec<_> = back.losses.iter().map(Result::unwrap).collect();
        prop_assert_eq!(back, ranges);
    }

    #[test]
    fn handshakes_come_back(
        words in any::<[u32; 4]>(),
        blocks in vec((any::<u16>(), vec(any::<[u8; 4]>(), 0..20)), 0..8),
    ) {
        let mut writer = ExtensionWriter::new();
        for (command, body) in &blocks {
            writer.push(ExtensionCommand(*command), body.as_flattened());
        }
        let handshake = handshake_with(&writer, words);
        let packet = ControlPacket::new(Timestamp::new(1), SocketId::LISTENER, handshake);
        let bytes = packet.to_vec();
        prop_assert_eq!(ControlPacket::parse(&bytes), Ok(packet));
    }

    #[test]
    fn texts_come_back(text in vec(1_u8..=255, 0..512)) {
        let body = WireText::encode(&text);
        prop_assert_eq!(WireText::new("text", &body, 512).unwrap().decode(), text);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    /// Arbitrary bytes seldom get past the first field; these are control packets.
    #[test]
    fn arbitrary_control_packets_never_panic(
        kind in prop_oneof![0_u8..10, Just(0x7F)],
        bytes in vec(any::<u8>(), 0..200),
    ) {
        let mut packet = vec![0x80 | (kind >> 7), kind];
        if kind == 0x7F {
            packet = vec![0xFF, 0xFF];
        }
        packet.extend(bytes);
        exercise(&packet);
    }

    #[test]
    fn arbitrary_extensions_never_panic(
        blocks in vec((0_u16..10, vec(any::<u8>(), 0..120)), 0..20),
    ) {
        let mut writer = ExtensionWriter::new();
        for (command, body) in &blocks {
            writer.push(ExtensionCommand(*command), body);
        }
        let handshake = handshake_with(&writer, [0, 7, 1, 2]);
        exercise(&ControlPacket::new(Timestamp::new(1), SocketId::LISTENER, handshake).to_vec());
    }

    #[test]
    fn arbitrary_key_material_never_panics(
        keys in 0_u8..5,
        cipher in 0_u8..6,
        lengths in any::<[u8; 2]>(),
        rest in vec(any::<u8>(), 0..120),
    ) {
        let mut message = vec![0x12, 0x20, 0x29, keys, 0, 0, 0, 0, cipher, 0, 2, 0, 0, 0];
        message.extend(lengths.map(|length| length % 12));
        message.extend(rest);
        let _survived = KeyMaterialMessage::parse(&message);
    }

    #[test]
    fn stream_ids_of_arbitrary_text_never_panic(text in "(#!:|%23!:)?[:{]?[a-z%0-9={},.]{0,80}") {
        let id = StreamId::from(&*text);
        prop_assert!(id.is_for(&text));
        prop_assert!(!id.to_string().contains('\n'));
    }

    #[test]
    fn arbitrary_stream_ids_never_panic(bytes in vec(any::<u8>(), 0..512)) {
        let id = StreamId::new(&bytes);
        prop_assert!(id.names().count() <= 3);
    }

    #[test]
    fn a_request_never_grows_when_it_is_refused(bytes in vec(any::<u8>(), 0..200)) {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
        packet.extend(bytes);
        if let Ok(Packet::Control(ControlPacket { control: Control::Handshake(request), .. })) =
            Packet::parse(&packet)
        {
            let told = refusal(&request, Timestamp::new(0), RejectCode::new(10));
            prop_assert!(told.len() <= packet.len());
        }
    }
}

/// Reads everything that can be read out of a datagram; what parses must also be emitted
/// without a panic.
fn exercise(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else {
        return;
    };
    let _emitted = packet.to_vec();
    let Packet::Control(packet) = packet else {
        return;
    };
    match packet.control {
        Control::Handshake(handshake) => {
            let _read = ConclusionRequest::read(&handshake, SrtVersion::HANDSHAKE_5);
            for block in handshake.extensions.iter().flatten() {
                let _hs: Result<HsExtension, _> = HsExtension::parse(block.body);
            }
        }
        Control::Nak(Nak { losses }) => walk(losses),
        Control::Extension(ExtensionControl { body, .. }) => {
            let _material = KeyMaterial::parse(body);
        }
        _ => {}
    }
}

fn walk(losses: LossList<'_>) {
    for range in losses.iter().flatten() {
        assert!(range.packets() >= 1);
    }
}

#[test]
fn flags_of_a_live_peer_are_libsrts() {
    assert_eq!(HsFlags::LIVE.0, 0xBF);
}
