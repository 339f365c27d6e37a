//! A port for one stream alone: devices that cannot name a stream call it by its port.
//!
//! It stands for itself (`bind`), or it is one of a listener's range. Then what the listener
//! asks of callers, and how its sockets are set, holds for the port as well, also when it
//! changes.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tidegate_engine::{EventSink, RunError, Span, Subject};

use super::{Entry, Listening};
use crate::settings::{ListenerSettings, SocketSettings};

/// Where the port of one stream alone is.
#[derive(Clone)]
pub(crate) enum Alone {
    At(SocketAddr),
    /// In the range of a listener.
    Of(Arc<Listening>, u16),
}

impl Alone {
    /// What it is called in errors and in the journal.
    pub(super) fn name(&self) -> String {
        match self {
            Self::At(bind) => format!("port {bind}"),
            Self::Of(listener, port) => format!("port {port} of listener {}", listener.name),
        }
    }
}

/// An open port of one stream. Dropping it closes it without waiting.
pub(crate) struct OwnPort(Arc<Listening>);

impl Listening {
    /// Opens the port of a stream that has one to itself; a listener opens by its own settings.
    pub(crate) async fn open_own(
        self: &Arc<Self>,
        latency: Option<Duration>,
        socket: &SocketSettings,
        events: &EventSink,
    ) -> Result<Option<OwnPort>, RunError> {
        let Some(alone) = &self.alone else {
            return Ok(None);
        };
        let port = OwnPort(Arc::clone(self));
        self.opening.want();
        match alone {
            Alone::At(bind) => {
                let settings = ListenerSettings::for_one(*bind, latency.map(Span), socket.clone());
                self.set(&settings, events.clone()).await?;
            }
            Alone::Of(listener, port) => loop {
                let settings = listener.settings.load_full();
                let settings = settings.ok_or_else(|| not_open(&listener.name))?;
                self.set(&settings.at_port(*port), events.clone()).await?;
                // Changed meanwhile, it may have passed over a port that was not open yet.
                let now = listener.settings.load_full();
                if now.is_some_and(|now| Arc::ptr_eq(&now, &settings)) {
                    break;
                }
            },
        }
        Ok(Some(port))
    }

    /// Remembers a port of this listener's range.
    pub(super) fn add_to_range(&self, port: &Arc<Self>) {
        let mut range = self.range.lock().unwrap_or_else(PoisonError::into_inner);
        range.retain(|port| port.strong_count() > 0);
        range.push(Arc::downgrade(port));
    }

    /// Makes the ports of this listener's range that streams have follow its settings.
    pub(super) async fn change_range(
        &self,
        settings: &ListenerSettings,
        events: &EventSink,
    ) -> Result<(), RunError> {
        let ports: Vec<Arc<Self>> = {
            let range = self.range.lock().unwrap_or_else(PoisonError::into_inner);
            range.iter().filter_map(Weak::upgrade).collect()
        };
        let mut outcome = Ok(());
        for port in ports {
            let Some(Alone::Of(_, number)) = &port.alone else {
                continue;
            };
            let settings = settings.at_port(*number);
            if let Err(error) = port.change_if_wanted(&settings, events).await {
                let message = format!("the {}: {}", port.name, error.message);
                outcome = Err(RunError { message, ..error });
            }
        }
        outcome
    }

    /// Whose alarms those of its port are.
    pub(super) fn subject(&self) -> Subject {
        let alone = self.alone.as_ref();
        let table = self.table.load();
        let owner = alone.and_then(|_| table.owners().next());
        match owner {
            Some(Entry::Source(door)) => Subject::source(&*door.name),
            Some(Entry::Output(door)) => Subject::output(&*door.name),
            None => Subject::listener(&*self.name),
        }
    }
}

fn not_open(listener: &str) -> RunError {
    RunError::ours(
        format!("the listener {listener} is not open"),
        "The port opens with it: see the listener's error",
    )
}

impl OwnPort {
    /// When this returns, the port is free.
    pub(crate) async fn close(self) {
        self.0.remove().await;
    }
}

impl Drop for OwnPort {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use tidegate_srt_io::{Shards, ShardsConfig};
    use tidegate_testkit::{eventually, free_udp_port};

    use super::*;

    #[test]
    fn a_port_whose_stream_is_cut_off_closes() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let shards = Shards::start(&ShardsConfig {
            threads: 1,
            ..ShardsConfig::default()
        })
        .unwrap();
        let bind = SocketAddr::from(([127, 0, 0, 1], free_udp_port()));
        let listening = Listening::for_one(Alone::At(bind), Arc::clone(&shards), Arc::default());
        let (socket, events) = (SocketSettings::default(), EventSink::new());
        let open = listening.open_own(None, &socket, &events);
        let port = runtime.block_on(open).unwrap();
        assert_eq!(listening.status().unwrap().bound, Some(bind));
        std::net::UdpSocket::bind(bind).unwrap_err();
        drop(port);
        assert_eq!(listening.status().and_then(|status| status.bound), None);
        eventually("the port is free", || {
            std::net::UdpSocket::bind(bind).ok().map(drop)
        });
        runtime.block_on(shards.stop());
    }
}
