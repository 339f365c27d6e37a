//! A port for one stream alone: devices that cannot name a stream call it by its port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{EventSink, RunError, Span};

use super::Listening;
use crate::settings::ListenerSettings;

/// An open port of one stream. Dropping it closes it without waiting.
pub(crate) struct OwnPort(Arc<Listening>);

impl Listening {
    /// Opens the port of a stream that has one to itself; a listener opens by its own settings.
    pub(crate) async fn open_own(
        self: &Arc<Self>,
        latency: Option<Duration>,
        events: &EventSink,
    ) -> Result<Option<OwnPort>, RunError> {
        let Some(bind) = self.own_port else {
            return Ok(None);
        };
        let mut settings = ListenerSettings::new(bind);
        if let Some(latency) = latency {
            settings.latency = Span(latency);
        }
        let port = OwnPort(Arc::clone(self));
        self.set(&settings, events.clone()).await?;
        Ok(Some(port))
    }
}

impl OwnPort {
    /// When this returns, the port is free.
    pub(crate) async fn close(self) {
        self.0.remove().await;
    }
}

impl Drop for OwnPort {
    fn drop(&mut self) {
        self.0.opening.abandon();
    }
}

/// What a stream's own port is called in errors and in the journal.
pub(super) fn name_of(bind: SocketAddr) -> String {
    format!("port {bind}")
}
