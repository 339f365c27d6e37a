//! Key material and the answers to it, as they come in handshakes and refreshes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_srt::wire::{KeyMaterialMessage, KeyMaterialResponse, key_material_bytes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(response) = KeyMaterialResponse::parse(bytes) {
        response.with_bytes(|written| {
            assert_eq!(KeyMaterialResponse::parse(written), Ok(response));
        });
    }
    let Ok(message) = KeyMaterialMessage::parse(bytes) else {
        return;
    };
    let written = key_material_bytes(
        message.keys(),
        message.cipher(),
        message.key_length(),
        &message.salt(),
        message.wrapped(),
    );
    let back = KeyMaterialMessage::parse(&written).expect("what was parsed can be written");
    assert_eq!(back.keys(), message.keys());
    assert_eq!(back.cipher(), message.cipher());
    assert_eq!(back.key_length(), message.key_length());
    assert_eq!(back.salt(), message.salt());
    assert_eq!(back.wrapped(), message.wrapped());
});
