//! Every captured packet parses, and written again it is the same to the byte.

use tidegate_srt::handshake::ConclusionRequest;
use tidegate_srt::wire::{
    Control, ExtensionCommand, ExtensionWriter, GroupExtension, HsExtension, KeyMaterialMessage,
    KeyMaterialResponse, LossList, LossListWriter, Packet, SrtVersion, WireText,
    key_material_bytes,
};

use crate::pcap;
use crate::session::{ALL, Session};

#[test]
fn every_capture_is_listed() {
    let mut found: Vec<String> = std::fs::read_dir(pcap::data_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "pcap")
        })
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, ALL);
}

#[test]
fn every_capture_is_in_the_order_of_time() {
    for name in ALL {
        assert!(
            pcap::read(name).is_sorted_by_key(|datagram| datagram.at_micros),
            "{name}"
        );
    }
}

/// There is no exception: not even the padding of keepalives differs.
#[test]
fn every_packet_is_emitted_as_it_was_parsed() {
    for name in ALL {
        for (number, datagram) in pcap::read(name).iter().enumerate() {
            let packet = Packet::parse(&datagram.bytes)
                .unwrap_or_else(|error| panic!("{name}, packet {}: {error}", number + 1));
            assert_eq!(
                packet.to_vec(),
                datagram.bytes,
                "{name}, packet {}",
                number + 1
            );
        }
    }
}

#[test]
fn every_handshake_extension_is_emitted_as_it_was_parsed() {
    for name in ALL {
        let session = Session::read(name);
        for (_, _, handshake) in session.handshakes() {
            let mut writer = ExtensionWriter::new();
            for block in handshake.extensions.iter() {
                let block = block.unwrap();
                writer.push(block.command, &typed(block.command, block.body));
            }
            assert_eq!(writer.blocks(), handshake.extensions, "{name}");
        }
    }
}

/// The body of an extension block, through its type and back.
fn typed(command: ExtensionCommand, body: &[u8]) -> Vec<u8> {
    match command {
        ExtensionCommand::HANDSHAKE_REQUEST | ExtensionCommand::HANDSHAKE_RESPONSE => {
            HsExtension::parse(body).unwrap().to_bytes().to_vec()
        }
        ExtensionCommand::KEY_MATERIAL_REQUEST => key_material(body),
        ExtensionCommand::KEY_MATERIAL_RESPONSE => {
            match KeyMaterialResponse::parse(body).unwrap() {
                KeyMaterialResponse::Taken(echo) => key_material(echo),
                refused @ KeyMaterialResponse::Refused(_) => refused.with_bytes(<[u8]>::to_vec),
            }
        }
        ExtensionCommand::STREAM_ID | ExtensionCommand::FILTER => {
            WireText::encode(&WireText::new("text", body, 512).unwrap().decode())
        }
        ExtensionCommand::GROUP => GroupExtension::parse(body).unwrap().to_bytes().to_vec(),
        other => panic!("a capture has the unknown extension {other:?}"),
    }
}

fn key_material(body: &[u8]) -> Vec<u8> {
    let message = KeyMaterialMessage::parse(body).unwrap();
    key_material_bytes(
        message.keys(),
        message.cipher(),
        message.key_length(),
        &message.salt(),
        message.wrapped(),
    )
}

#[test]
fn every_loss_list_is_emitted_as_it_was_parsed() {
    let mut lists = 0;
    for name in ALL {
        let session = Session::read(name);
        for (_, packet) in session.controls() {
            if let Control::Nak(nak) = packet.control {
                lists += 1;
                assert_eq!(rewritten(nak.losses), nak.losses.as_bytes(), "{name}");
            }
        }
    }
    assert!(lists > 30, "the captures have loss reports");
}

fn rewritten(losses: LossList<'_>) -> Vec<u8> {
    let mut buffer = [0; 1456];
    let mut writer = LossListWriter::new(&mut buffer);
    for range in losses {
        assert!(writer.push(range.unwrap()));
    }
    writer.finish().as_bytes().to_vec()
}

#[test]
fn every_kind_of_ack_is_in_the_captures() {
    let (mut small, mut full) = (0, 0);
    for name in ALL {
        for (_, packet) in Session::read(name).controls() {
            if let Control::Ack(ack) = packet.control {
                let report = ack
                    .report
                    .expect("the captures are too short for light ACKs");
                *(if report.rates.is_some() {
                    &mut full
                } else {
                    &mut small
                }) += 1;
            }
        }
    }
    assert!(small > 0 && full > 0, "{small} small, {full} full");
}

#[test]
fn every_truncation_of_every_packet_is_survived() {
    for name in ALL {
        for datagram in pcap::read(name) {
            // Payload is not parsed: the first bytes are where the structure is.
            for length in 0..datagram.bytes.len().min(256) {
                let _survived = Packet::parse(&datagram.bytes[..length]);
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_every_handshake_is_survived() {
    for name in ALL {
        for (datagram, _, _) in Session::read(name).handshakes() {
            for bit in 0..datagram.bytes.len() * 8 {
                let mut bytes = datagram.bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(Packet::Control(packet)) = Packet::parse(&bytes)
                    && let Control::Handshake(handshake) = packet.control
                {
                    let _survived = ConclusionRequest::read(&handshake, SrtVersion::HANDSHAKE_5);
                }
            }
        }
    }
}
