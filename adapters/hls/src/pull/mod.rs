//! HLS sources: what somebody else serves over HTTP becomes a feed.
//!
//! ```text
//!  playlist ─▶ variant ─▶ Fetcher (task) ─▶ segments ─▶ player ─▶ TS lane, bit by bit
//!                    └──▶ Fetcher of its sound ────────▶ player ─▶ frame lane, merged
//! ```
//!
//! Segments come in bursts of seconds. The player spreads them by the stream's own clock, so
//! that neither outputs nor health see that.

mod decrypt;
mod fetch;
mod figures;
mod frames;
mod pace;
mod player;
mod settings;
mod steer;
mod stream;

pub use settings::SourceSettings;

use crate::address::address;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use fetch::{Fetcher, Memory, PIECES_MAX, PLAYLIST_WITHIN, load};
use figures::Figures;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use tidegate_engine::{
    Alarm, BoxFuture, Connection, Ended, RunError, Secrets, Settings, SettingsError, Severity,
    SourceContext, SourceDriver, TransportFigures,
};
use tidegate_hls::m3u8::{MediaPlaylist, Multivariant, Playlist};
use tidegate_net::Url;
use tidegate_net::http::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often figures and alarms are brought up to date.
const TICK: Duration = Duration::from_secs(1);
/// Ticks without another missing segment after which the alarm is over.
const CALM_TICKS: u32 = 30;
/// The code of that alarm.
const MISSING_ALARM: &str = "segments_missing";

/// One HLS source.
#[derive(Debug)]
pub(crate) struct HlsSource {
    url: Url,
    allow_private: bool,
    ca: Option<PathBuf>,
    bandwidth_bps_max: Option<u64>,
    /// The stream was live in an earlier run.
    was_live: AtomicBool,
    /// The newest segment that any run has played, of the pictures and of sound that is apart.
    memory: [Memory; 2],
}

/// Playlists to fetch: pictures, and sound if it is apart.
struct Plan {
    legs: Vec<Leg>,
}

/// One of them: where it is asked for, where it came from, and what it said.
struct Leg {
    asked: Url,
    url: Url,
    playlist: Option<MediaPlaylist>,
}

impl HlsSource {
    pub(crate) fn new(
        settings: &SourceSettings,
        secrets: &dyn Secrets,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let key = settings.key.as_ref().map(|key| key.resolve(secrets));
        let key = key
            .transpose()
            .map_err(|error| SettingsError::new("key", error.to_string()))?;
        Ok(Self {
            url: address(&settings.url, key.as_ref())?,
            allow_private: settings.allow_private,
            ca: settings.ca.clone(),
            bandwidth_bps_max: settings.max_bitrate.map(|rate| rate.0.as_bps()),
            was_live: AtomicBool::new(false),
            memory: Default::default(),
        })
    }

    async fn pull(&self, context: &SourceContext) -> Result<Ended, RunError> {
        let (allow_private, ca) = (self.allow_private, self.ca.clone());
        let client = Client::new(&self.url, allow_private, ca, PLAYLIST_WITHIN)?;
        let client = Arc::new(client);
        let figures = Arc::new(Figures::default());
        let shown = Arc::clone(&figures);
        context
            .report
            .detail_when_asked("hls", move || shown.json());
        let plan = self.plan(&client, &figures).await?;
        let mut fetching = JoinSet::new();
        let mut legs = Vec::new();
        for (leg, memory) in plan.legs.into_iter().zip(&self.memory) {
            let (client, figures) = (Arc::clone(&client), Arc::clone(&figures));
            let (memory, leads) = (Arc::clone(memory), legs.is_empty());
            let urls = (leg.asked, leg.url);
            let mut fetcher = Fetcher::new(client, figures, context.clock, urls, memory, leads);
            if let Some(known) = leg.playlist {
                fetcher.take(known);
            }
            let (sender, receiver) = mpsc::channel(PIECES_MAX);
            fetching.spawn(fetcher.run(sender));
            legs.push(receiver);
        }
        let watching = watch(context, &figures);
        tokio::select! {
            played = player::play(context, &figures, legs) => played?,
            () = watching => {}
        }
        while let Some(fetched) = fetching.join_next().await {
            fetched.map_err(|_| RunError::ours("fetching broke off", "Please report it."))?;
        }
        if self.was_live.load(Ordering::Relaxed) {
            return Ok(Ended::ByPeer);
        }
        Ok(Ended::Finished)
    }

    /// Loads the playlist, and chooses where there is something to choose.
    async fn plan(&self, client: &Client, figures: &Figures) -> Result<Plan, RunError> {
        let (url, playlist) = load(client, &self.url).await.map_err(|it| it.error)?;
        let playlist = match playlist {
            Playlist::Media(media) => {
                self.judge(&media)?;
                let leg = Leg {
                    asked: self.url.clone(),
                    url,
                    playlist: Some(media),
                };
                return Ok(Plan { legs: vec![leg] });
            }
            Playlist::Multivariant(playlist) => playlist,
        };
        let chosen = self.choose(&url, &playlist, figures)?;
        let (pictures, media) = load(client, &chosen[0]).await.map_err(|it| it.error)?;
        let Playlist::Media(media) = media else {
            return Err(RunError::theirs(
                "the variant's playlist names playlists again instead of segments",
                "Check the url.",
            ));
        };
        self.judge(&media)?;
        let mut known = Some((pictures, media));
        let leg = |asked: Url| match known.take() {
            Some((url, media)) => Leg {
                asked,
                url,
                playlist: Some(media),
            },
            None => Leg {
                url: asked.clone(),
                asked,
                playlist: None,
            },
        };
        Ok(Plan {
            legs: chosen.into_iter().map(leg).collect(),
        })
    }

    fn choose(
        &self,
        url: &Url,
        playlist: &Multivariant,
        figures: &Figures,
    ) -> Result<Vec<Url>, RunError> {
        let none = || {
            RunError::theirs(
                "the playlist names no variant",
                "Look into the origin's log.",
            )
        };
        let variant = playlist.best(self.bandwidth_bps_max).ok_or_else(none)?;
        figures.chose(variant);
        let audio = playlist.audio_of(variant).and_then(|it| it.uri.as_ref());
        let uris = core::iter::once(&variant.uri).chain(audio.filter(|it| **it != variant.uri));
        uris.map(|uri| url.join(uri).map_err(|_| none())).collect()
    }

    /// What was live and is at its end is waited for, not played again.
    fn judge(&self, media: &MediaPlaylist) -> Result<(), RunError> {
        if !media.ended {
            self.was_live.store(true, Ordering::Relaxed);
            return Ok(());
        }
        // Some number the first segment 1.
        let slid = !media.whole && media.segments.first().is_some_and(|it| it.sequence > 1);
        if self.was_live.load(Ordering::Relaxed) || slid {
            self.was_live.store(true, Ordering::Relaxed);
            return Err(RunError::theirs(
                "the live stream has ended",
                "It is played again once the origin goes on.",
            ));
        }
        Ok(())
    }
}

impl SourceDriver for HlsSource {
    fn kind(&self) -> &'static str {
        "hls"
    }

    fn mode(&self) -> &'static str {
        "caller"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connection(Connection::Connecting, None);
            tokio::select! {
                ended = self.pull(&context) => ended,
                () = context.stop.cancelled() => Ok(Ended::Stopped),
            }
        })
    }
}

/// Keeps figures and the alarm up to date, for as long as it is polled.
async fn watch(context: &SourceContext, figures: &Figures) {
    let (mut missing, mut calm) = (0, 0);
    loop {
        tokio::time::sleep(TICK).await;
        let now_missing = figures.missing();
        context.report.transport(TransportFigures {
            buffer: Some(Duration::from_millis(
                figures.buffered_ms.load(Ordering::Relaxed),
            )),
            received: figures.segments.load(Ordering::Relaxed),
            lost: now_missing,
            unrecovered: now_missing,
            ..TransportFigures::default()
        });
        if now_missing > missing {
            (missing, calm) = (now_missing, 0);
            let why = figures.last_problem();
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            context.report.raise_alarm(Alarm {
                code: MISSING_ALARM.into(),
                severity: Severity::Warning,
                text: format!("{missing} segments of the playlist did not come{why}"),
                advice: "Look at the origin and at the network in between.".into(),
                since: SystemTime::now(),
            });
        } else {
            calm += 1;
            if calm == CALM_TICKS {
                context.report.clear_alarm(MISSING_ALARM);
            }
        }
    }
}
