//! Playlists of strangers, one version after another, and how they are followed.
#![no_main]

use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use tidegate_hls::Follow;
use tidegate_hls::m3u8::{Playlist, SEGMENTS_MAX, URI_CHARS_MAX, VARIANTS_MAX};
use tidegate_units::Instant;

fuzz_target!(|bytes: &[u8]| {
    let mut follow = Follow::new(Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut newest = None;
    // A zero byte stands between two versions, since no text holds one.
    for version in bytes.split(|byte| *byte == 0) {
        match Playlist::read(version) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                follow.failed(now);
            }
            Ok(Playlist::Multivariant(playlist)) => {
                assert!(playlist.variants.len() + playlist.audio.len() <= VARIANTS_MAX);
                let limit = Some(version.len() as u64);
                for variant in playlist.best(None).into_iter().chain(playlist.best(limit)) {
                    let _ = playlist.audio_of(variant);
                }
                follow.failed(now);
            }
            Ok(Playlist::Media(playlist)) => {
                assert!(playlist.segments.len() <= SEGMENTS_MAX);
                for pair in playlist.segments.windows(2) {
                    assert_eq!(pair[0].sequence + 1, pair[1].sequence);
                    assert!(pair[0].uri.len() <= URI_CHARS_MAX);
                }
                let restarts = follow.restarts();
                follow.take(now, playlist);
                if follow.restarts() != restarts {
                    newest = None;
                }
            }
        }
        while let Some(next) = follow.next_segment() {
            // Each once, in order, until the origin begins anew.
            assert!(newest.is_none_or(|newest| newest < next.segment.sequence));
            newest = Some(next.segment.sequence);
        }
        if let Some(at) = follow.reload_at() {
            let pause = at.saturating_since(now);
            assert!(pause >= Duration::from_millis(250) && pause <= Duration::from_secs(60));
            now = at;
        }
        let _ = follow.stale_for(now);
    }
});
