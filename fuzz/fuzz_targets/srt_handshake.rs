//! A handshake with its extensions. The input is what follows the 16-byte header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_srt::wire::{
    Control, ExtensionBlock, ExtensionCommand, ExtensionWriter, GroupExtension, Handshake,
    HsExtension, KeyMaterialMessage, KeyMaterialResponse, MAX_CONGESTION_BYTES, MAX_FILTER_BYTES,
    MAX_STREAM_ID_BYTES, Packet, WireText,
};

fuzz_target!(|body: &[u8]| {
    let mut datagram = vec![0; 16];
    datagram[0] = 0x80;
    datagram.extend_from_slice(body);
    let Ok(Packet::Control(packet)) = Packet::parse(&datagram) else {
        return;
    };
    let Control::Handshake(handshake) = packet.control else {
        return;
    };
    let written = packet.to_vec();
    assert_eq!(Packet::parse(&written), Ok(Packet::Control(packet)));
    read_extensions(&handshake);
});

fn read_extensions(handshake: &Handshake<'_>) {
    let blocks: Vec<_> = handshake.extensions.iter().flatten().collect();
    let mut writer = ExtensionWriter::new();
    for block in &blocks {
        read(block);
        writer.push(block.command, block.body);
    }
    let back: Result<Vec<_>, _> = writer.blocks().iter().collect();
    assert_eq!(back.as_deref(), Ok(&blocks[..]));
}

fn read(block: &ExtensionBlock<'_>) {
    match block.command {
        ExtensionCommand::HANDSHAKE_REQUEST | ExtensionCommand::HANDSHAKE_RESPONSE => {
            if let Ok(extension) = HsExtension::parse(block.body) {
                assert_eq!(HsExtension::parse(&extension.to_bytes()), Ok(extension));
            }
        }
        ExtensionCommand::KEY_MATERIAL_REQUEST => {
            let _ = KeyMaterialMessage::parse(block.body);
        }
        ExtensionCommand::KEY_MATERIAL_RESPONSE => {
            let _ = KeyMaterialResponse::parse(block.body);
        }
        ExtensionCommand::STREAM_ID => text(block.body, MAX_STREAM_ID_BYTES),
        ExtensionCommand::CONGESTION => text(block.body, MAX_CONGESTION_BYTES),
        ExtensionCommand::FILTER => text(block.body, MAX_FILTER_BYTES),
        ExtensionCommand::GROUP => {
            if let Ok(group) = GroupExtension::parse(block.body) {
                assert_eq!(GroupExtension::parse(&group.to_bytes()), Ok(group));
            }
        }
        _ => {}
    }
}

fn text(body: &[u8], limit_bytes: usize) {
    let Ok(text) = WireText::new("fuzzed text", body, limit_bytes) else {
        return;
    };
    let text = text.decode();
    assert!(text.len() <= limit_bytes);
    let again = WireText::encode(&text);
    let again = WireText::new("fuzzed text", &again, limit_bytes).map(|text| text.decode());
    assert_eq!(again, Ok(text));
}
