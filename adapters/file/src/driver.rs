use crate::kind::{self, Kind};
use crate::mp4::Mp4Player;
use crate::settings::SourceSettings;
use crate::ts::TsPlayer;
use crate::{failure, still};
use core::cell::Cell;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tidegate_engine::{
    BoxFuture, Connection, Ended, Parking, RunError, SourceContext, SourceDriver, SourceReport,
    media_file, run_on_thread,
};

/// A file that is played.
#[derive(Debug)]
pub(crate) struct FileSource {
    settings: SourceSettings,
}

impl FileSource {
    pub(crate) const fn new(settings: SourceSettings) -> Self {
        Self { settings }
    }
}

impl SourceDriver for FileSource {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn mode(&self) -> &'static str {
        if self.settings.repeat { "loop" } else { "once" }
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connection(Connection::Connecting, None);
            let stop = context.stop.clone();
            let path = media_file::resolve(&context.data_dir, &self.settings.path);
            let made = tokio::select! {
                made = still::slate_of(&path, &self.settings, &context.data_dir) => made?,
                () = stop.cancelled() => return Ok(Ended::Stopped),
            };
            let repeat = self.settings.repeat || made.is_some();
            let path = made.unwrap_or(path);
            run_on_thread("file", stop, move |parking| {
                Playing::new(context, path, repeat).run(parking)
            })
            .await
        })
    }
}

/// A player of what the file turned out to be.
enum Player {
    Ts(Box<TsPlayer>),
    Mp4(Box<Mp4Player>),
}

impl Player {
    fn new(kind: Kind, context: &SourceContext) -> Self {
        match kind {
            Kind::Ts => Self::Ts(Box::new(TsPlayer::new(&context.feed, context.clock))),
            Kind::Mp4 | Kind::Picture => {
                Self::Mp4(Box::new(Mp4Player::new(&context.feed, context.clock)))
            }
        }
    }

    const fn plays(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Ts(_), Kind::Ts) | (Self::Mp4(_), Kind::Mp4)
        )
    }
}

/// One run: rounds until the end, a failure, or a stop.
struct Playing {
    context: SourceContext,
    path: PathBuf,
    repeat: bool,
    player: Option<Player>,
    rounds: u64,
}

impl Playing {
    const fn new(context: SourceContext, path: PathBuf, repeat: bool) -> Self {
        Self {
            context,
            path,
            repeat,
            player: None,
            rounds: 0,
        }
    }

    fn run(&mut self, parking: &Parking) -> Result<Ended, RunError> {
        loop {
            if !self.round(parking)? {
                return Ok(Ended::Stopped);
            }
            if !self.repeat {
                if let Some(Player::Ts(player)) = &mut self.player {
                    player.finish(parking);
                }
                return Ok(Ended::Finished);
            }
        }
    }

    /// Plays the file once. False if it must stop.
    fn round(&mut self, parking: &Parking) -> Result<bool, RunError> {
        let path = &self.path;
        let file = media_file::open(path)?;
        let kind = kind::of(&file).map_err(|error| failure::unreadable(path, &error))?;
        // A picture that took the place of another file is no round of it.
        let kind = kind.filter(|kind| *kind != Kind::Picture);
        let kind = kind.ok_or_else(|| failure::no_media(path))?;
        self.rounds += 1;
        // Another lane needs another writer; the same kind of file goes on seamlessly.
        let player = match self.player.take().filter(|player| player.plays(kind)) {
            Some(player) => player,
            None => Player::new(kind, &self.context),
        };
        let progress = Progress {
            report: &self.context.report,
            path,
            round: self.rounds,
            is_told: Cell::new(false),
        };
        match self.player.insert(player) {
            Player::Ts(player) => {
                let (delays, jumps) = (player.delays(), player.jumps());
                let tell = || {
                    progress
                        .tell(|| json!({"format": "ts", "delays": delays, "clock_jumps": jumps}));
                };
                player.round(&file, path, parking, tell)
            }
            Player::Mp4(player) => {
                let delays = player.delays();
                let tell = |left_out: &[String]| {
                    progress
                        .tell(|| json!({"format": "mp4", "delays": delays, "left_out": left_out}));
                };
                player.round(&file, path, parking, tell)
            }
        }
    }
}

/// Says once in a round, with its first media, that the file is played: one that cannot be is
/// never "connected".
struct Progress<'a> {
    report: &'a SourceReport,
    path: &'a Path,
    round: u64,
    is_told: Cell<bool>,
}

impl Progress<'_> {
    fn tell(&self, details: impl FnOnce() -> Value) {
        if self.is_told.replace(true) {
            return;
        }
        if self.round == 1 {
            self.report.connected(Some(self.path.display().to_string()));
        }
        let mut details = details();
        details["round"] = self.round.into();
        self.report.detail("file", details);
    }
}
