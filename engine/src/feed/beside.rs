//! Tracks that the transport stream made of a feed cannot carry, looked at as frames: AV1 has
//! no place there, and a picture that nobody looks at must not pass for a healthy one.

use super::FeedInner;
use crate::item::{Batch, Frame};
use crate::track::{Track, Tracks};
use core::time::Duration;
use std::sync::Arc;
use tidegate_mpegts::Mux;
use tidegate_units::Instant;

/// Rates are means over this long.
const WINDOW: Duration = Duration::from_secs(2);
const TICKS_PER_SECOND: f64 = 90_000.0;

/// One of these tracks, as far as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    pub(crate) track: Track,
    pub(crate) last: Option<Instant>,
    pub(crate) last_key: Option<Instant>,
    pub(crate) fps: Option<f64>,
    pub(crate) gop_seconds: Option<f64>,
    pub(crate) reordered: bool,
    pub(crate) bitrate_bps: u64,
    window: Option<Window>,
    key_dts: Option<i64>,
}

/// What came since a moment.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    first_dts: i64,
    frames: u32,
    bytes: u64,
}

/// All of them, on the writer's side.
#[derive(Debug, Default)]
pub(super) struct Looking {
    tracks: Vec<Beside>,
}

impl Looking {
    /// Another connection: what was seen of the last one says nothing about it.
    pub(super) fn restart(&mut self) {
        let tracks = self.tracks.drain(..).map(|it| Beside::new(it.track));
        self.tracks = tracks.collect();
    }

    /// The tracks of the feed; those that stay are looked at on.
    pub(super) fn follow(&mut self, tracks: &Tracks) {
        let is_beside =
            |track: &&Track| (track.is_video() || track.is_audio()) && !Mux::can_carry(track.codec);
        let known = |track: &Track| {
            let same = |it: &&Beside| it.track.id == track.id && it.track.codec == track.codec;
            let known = self.tracks.iter().find(same).cloned();
            known.map(|known| Beside {
                track: track.clone(),
                ..known
            })
        };
        let beside = tracks.iter().filter(is_beside);
        self.tracks = beside
            .map(|track| known(track).unwrap_or_else(|| Beside::new(track.clone())))
            .collect();
    }

    /// Looks at what was written, and tells the watcher.
    pub(super) fn look(&mut self, feed: &FeedInner, batch: &Batch<Frame>) {
        if self.tracks.is_empty() {
            if feed.beside.load().is_some() {
                feed.beside.store(None);
            }
            return;
        }
        for frame in batch.items() {
            let track = self.tracks.iter_mut();
            if let Some(track) = track.into_iter().find(|it| it.track.id == frame.track) {
                track.see(frame);
            }
        }
        feed.beside.store(Some(Arc::new(self.tracks.clone())));
    }
}

impl Beside {
    const fn new(track: Track) -> Self {
        Self {
            track,
            last: None,
            last_key: None,
            fps: None,
            gop_seconds: None,
            reordered: false,
            bitrate_bps: 0,
            window: None,
            key_dts: None,
        }
    }

    fn see(&mut self, frame: &Frame) {
        self.last = Some(frame.arrived);
        self.reordered |= frame.pts_90khz != frame.dts_90khz;
        let mut window = self.window.unwrap_or_else(|| Window::begin(frame));
        let lasted = frame.arrived.saturating_since(window.began);
        if lasted >= WINDOW {
            let media = frame.dts_90khz.saturating_sub(window.first_dts);
            let seconds = media as f64 / TICKS_PER_SECOND;
            self.fps = (media > 0).then(|| f64::from(window.frames) / seconds);
            self.bitrate_bps = (window.bytes as f64 * 8.0 / lasted.as_secs_f64()) as u64;
            window = Window::begin(frame);
        }
        window.frames += 1;
        window.bytes += frame.data.len() as u64;
        self.window = Some(window);
        if frame.key {
            self.last_key = Some(frame.arrived);
            let before = self.key_dts.replace(frame.dts_90khz);
            let distance = before.map(|before| frame.dts_90khz.saturating_sub(before));
            // A clock that goes back is no distance.
            let distance = distance.filter(|ticks| *ticks > 0);
            let seconds = distance.map(|ticks| ticks as f64 / TICKS_PER_SECOND);
            self.gop_seconds = seconds.or(self.gop_seconds);
        }
    }
}

impl Window {
    const fn begin(frame: &Frame) -> Self {
        Self {
            began: frame.arrived,
            first_dts: frame.dts_90khz,
            frames: 0,
            bytes: 0,
        }
    }
}
