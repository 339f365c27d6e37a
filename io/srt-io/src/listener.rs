use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_srt::ListenerConfig;
use tokio::sync::oneshot;

use crate::command::{Command, PortId};
use crate::port_status::{PortShared, PortStatus};
use crate::shard::Door;

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The shards are stopping or hopelessly behind.
    #[error("the media threads take no more work; the server is stopping or overloaded")]
    Busy,
}

/// An open listener. Dropping it closes it as [`close`](Self::close) does, without waiting.
#[derive(Debug)]
pub struct ListenerHandle {
    pub(crate) port: PortId,
    pub(crate) local: SocketAddr,
    pub(crate) members: Vec<Member>,
    pub(crate) closed: AtomicBool,
}

/// One shard's share of a listener.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) door: Arc<Door>,
    pub(crate) shared: Arc<PortShared>,
}

impl ListenerHandle {
    /// The address and port it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How each shard's share of it is doing.
    #[must_use]
    pub fn status(&self) -> Vec<Arc<PortStatus>> {
        self.members
            .iter()
            .map(|member| member.shared.status.load_full())
            .collect()
    }

    /// Offers strangers something else from now on; connections stay as they are.
    pub fn configure(&self, listener: &ListenerConfig) {
        for member in &self.members {
            let command = Command::Configure {
                port: self.port,
                listener: listener.clone(),
            };
            // Only a stopping or stuck shard refuses, and then it has no strangers to serve.
            let _ = member.door.push(command);
        }
    }

    /// Says goodbye to every peer, then closes the port; when this returns the port is free.
    pub async fn close(&self) {
        for done in self.retire() {
            // A shard that has stopped has closed its port already.
            let _ = done.await;
        }
    }

    fn retire(&self) -> Vec<oneshot::Receiver<()>> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Vec::new();
        }
        let retire = |member: &Member| {
            let (done, closed) = oneshot::channel();
            let command = Command::Retire {
                port: self.port,
                done,
            };
            member.door.push(command).ok().map(|()| closed)
        };
        self.members.iter().filter_map(retire).collect()
    }
}

impl Drop for ListenerHandle {
    fn drop(&mut self) {
        self.retire();
    }
}
