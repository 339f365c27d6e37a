//! What of a feed players are offered, and what has to stay behind.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_codecs::{Codec, StreamConfig};
use tidegate_engine::{ReaderOptions, Track, Tracks};
use tidegate_rtp::payload::{Packetizer, USUAL_PAYLOAD_BYTES};
use tokio::time::{Instant, timeout_at};

use crate::door::Door;

/// How long a player waits to hear that there is anything.
const TRACKS_PATIENCE: Duration = Duration::from_secs(4);
/// How long it waits for the rest once something is known: pictures are known with the next key
/// frame, which may be some seconds away.
const REST_PATIENCE: Duration = Duration::from_secs(5);

/// One track that is offered.
#[derive(Clone, Debug)]
pub(crate) struct OfferedTrack {
    /// Its number among the tracks of its codec: a track that moves to another number in the
    /// feed is found again by it.
    pub(crate) ordinal: usize,
    pub(crate) config: Arc<StreamConfig>,
    pub(crate) language: Option<String>,
    pub(crate) clock_rate_hz: u32,
}

/// The tracks that RTP can carry, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub(crate) tracks: Vec<OfferedTrack>,
}

impl Offer {
    fn of(tracks: &Tracks) -> Self {
        let mut offered = Vec::new();
        for track in tracks {
            let Some(config) = &track.config else {
                continue;
            };
            let Some(packetizer) = Packetizer::new(config, USUAL_PAYLOAD_BYTES) else {
                continue;
            };
            offered.push(OfferedTrack {
                ordinal: ordinal(tracks, track),
                config: Arc::clone(config),
                language: track.language.clone(),
                clock_rate_hz: packetizer.clock_rate_hz(),
            });
        }
        Self { tracks: offered }
    }
}

impl OfferedTrack {
    /// The same track in a feed whose tracks have changed, if a player can go on with it.
    pub(crate) fn find<'a>(&self, tracks: &'a Tracks) -> Option<&'a Track> {
        let codec = self.config.codec();
        let mut alike = tracks.iter().filter(|track| track.codec == codec);
        let track = alike.nth(self.ordinal)?;
        let fits = track
            .config
            .as_ref()
            .is_none_or(|config| self.goes_on_with(config));
        fits.then_some(track)
    }

    /// Pictures say in the stream what changes; sound was described once.
    fn goes_on_with(&self, config: &StreamConfig) -> bool {
        match (&*self.config, config) {
            (StreamConfig::Video(_), StreamConfig::Video(_)) => true,
            (StreamConfig::Audio(old), StreamConfig::Audio(new)) => {
                let is_described = old.format.codec == Codec::Aac;
                old.format.sample_rate_hz == new.format.sample_rate_hz
                    && (!is_described || old.headers == new.headers)
            }
            _ => false,
        }
    }
}

fn ordinal(tracks: &Tracks, of: &Track) -> usize {
    let before = tracks.iter().take_while(|track| track.id != of.id);
    before.filter(|track| track.codec == of.codec).count()
}

/// What cannot be carried, for the output's status.
fn left_out(tracks: &Tracks) -> Value {
    let is_out = |track: &&Track| {
        let known = track.config.as_ref();
        known.is_none_or(|config| Packetizer::new(config, USUAL_PAYLOAD_BYTES).is_none())
    };
    let name = |track: &Track| json!({ "track": track.id, "codec": track.codec.name() });
    tracks.iter().filter(is_out).map(name).collect()
}

/// Waits until it is known what a feed has; `None` while it has nothing.
pub(crate) async fn wait_for(door: &Door) -> Option<Offer> {
    let mut reader = door.route.read_frames(ReaderOptions {
        watcher: true,
        ..ReaderOptions::default()
    });
    let mut until = Instant::now() + TRACKS_PATIENCE;
    let mut found: Option<Arc<Tracks>> = None;
    loop {
        let Ok(batch) = timeout_at(until, reader.next()).await else {
            break;
        };
        let Some(tracks) = batch.tracks() else {
            continue;
        };
        let media = || {
            tracks
                .iter()
                .filter(|track| track.is_video() || track.is_audio())
        };
        let is_new = found.is_none();
        found = Some(Arc::clone(tracks));
        if media().all(|track| track.config.is_some()) && media().next().is_some() {
            break;
        }
        if is_new {
            until = Instant::now() + REST_PATIENCE;
        }
    }
    let tracks = found?;
    door.report.detail("left_out", left_out(&tracks));
    Some(Offer::of(&tracks)).filter(|offer| !offer.tracks.is_empty())
}
