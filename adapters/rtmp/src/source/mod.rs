//! A source that somebody publishes to a listener: one publisher at a time.
//!
//! ```text
//!            right key                       the connection ends
//!  waiting ────────────▶ session (live) ─────────────────────────▶ waiting
//!                           │  ▲
//!      another, same key ───┘  └── takes over once the session has been silent for 0.7 s;
//!                                  while it is live, the other is refused
//! ```

mod door;
mod ingest;
mod settings;
mod shown;
mod stamps;

pub(crate) use door::{Door, Publisher, Publishing};
pub use settings::SourceSettings;
pub(crate) use settings::resolve_key;

use std::sync::Arc;

use tidegate_engine::{BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver};
use tidegate_rtmp::{Capabilities, caps};

use crate::key::KeyPrint;
use crate::listener::Listening;

/// What publishers are told that they may send beyond H.264 and AAC.
pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    video: &["avc1", "hvc1", "av01"],
    audio: &["mp4a", ".mp3", "Opus", "ac-3", "ec-3"],
    caps_ex: caps::MULTITRACK | caps::MOD_EX | caps::NANOSECONDS,
};

/// The settings of a source on a listener, ready to run.
pub(crate) struct ListenerSource {
    pub(crate) listening: Arc<Listening>,
    pub(crate) app: Option<String>,
    pub(crate) key: KeyPrint,
}

impl SourceDriver for ListenerSource {
    fn kind(&self) -> &'static str {
        "rtmp"
    }

    fn mode(&self) -> &'static str {
        "listener"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let door = Door::new(self.app.clone(), self.key, &context);
            let waiting = Some("waiting for the encoder".to_owned());
            context.report.connection(Connection::Disconnected, waiting);
            let _claim = tokio::select! {
                claim = self.listening.claim(&door) => claim?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let _closing = Closing(door);
            context.stop.cancelled().await;
            Ok(Ended::Stopped)
        })
    }
}

/// Ends the session when the source goes, however it goes.
struct Closing(Arc<Door>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}
