//! Stream IDs as callers send them: free text, `#!::`, percent-encoded or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_srt::StreamId;

fuzz_target!(|raw: &[u8]| {
    let id = StreamId::new(raw);
    assert_eq!(id.as_bytes(), raw);
    assert_eq!(id.is_empty(), raw.is_empty());
    assert!(!id.is_malformed() || id.access().is_none());
    for name in id.names() {
        assert!(
            name.len() <= raw.len(),
            "a name longer than the ID: {name:?}"
        );
        assert!(id.is_for(&name), "an ID is for each of its names: {name:?}");
    }
    let shown = format!("{id} {id:?}");
    assert!(
        !shown.contains(['\n', '\r', '\u{1b}']),
        "a stranger writes into the log: {shown:?}"
    );
    let Some(access) = id.access() else { return };
    let _ = (access.mode(), access.kind());
    assert!(access.custom().count() <= access.pairs().count());
    for (key, value) in access.pairs() {
        assert!(key.len() + value.len() <= raw.len());
        assert_eq!(access.get(key), Some(value), "one value for each key");
    }
});
