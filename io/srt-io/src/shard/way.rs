use std::io;

use tidegate_udp::{Interest, Outbox, Poller, RecvBatch, Run, Socket};

use crate::command::PortId;
use crate::exit::{Exit, OpenWay};

/// A socket of a port, and what waits for room in it. A port has one; a bonding group that is
/// called has one for each leg.
///
/// ```text
///  open ◀── opened again ── absent ◀─┐
///   └── the leg's call failed ───────┴── its network is still not there
/// ```
pub(super) struct Way {
    /// What the poller calls it.
    pub(super) token: PortId,
    /// None while a leg's network is not there.
    socket: Option<Socket>,
    exit: Option<Exit>,
    outbox: Outbox,
    /// It is also watched for room to write.
    waits_for_room: bool,
    /// It is to be opened again.
    is_stale: bool,
    /// What sockets before this one have dropped.
    drops_before: u64,
}

impl Way {
    pub(super) fn new(open: OpenWay) -> Self {
        Self {
            token: open.token,
            socket: open.socket,
            exit: open.exit,
            outbox: Outbox::default(),
            waits_for_room: false,
            is_stale: false,
            drops_before: 0,
        }
    }

    pub(super) const fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }

    pub(super) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(super) fn watch(&self, poller: &Poller) -> io::Result<()> {
        let Some(socket) = &self.socket else {
            return Ok(());
        };
        poller.add(socket, self.token.0, Interest::Read)
    }

    pub(super) fn unwatch(&self, poller: &Poller) {
        if let Some(socket) = &self.socket {
            // The watch goes with the socket anyway.
            let _ = poller.remove(socket);
        }
    }

    pub(super) fn receive(&mut self, batch: &mut RecvBatch) -> io::Result<usize> {
        self.socket
            .as_mut()
            .map_or(Ok(0), |socket| socket.recv(batch))
    }

    /// Without a socket it is as on any dead network: nothing arrives.
    pub(super) fn send(&mut self, runs: &[Run<'_>]) {
        if let Some(socket) = &self.socket {
            self.outbox.send(socket, runs);
        }
    }

    /// Sends what waits, as far as the kernel takes it.
    pub(super) fn flush(&mut self) {
        if let Some(socket) = &self.socket {
            self.outbox.flush(socket);
        }
    }

    /// Whether the kernel has room for more; none without a socket.
    pub(super) fn has_room(&self) -> Option<bool> {
        self.socket.as_ref().map(|_| !self.is_blocked())
    }

    /// Whether something waits for room in the kernel.
    pub(super) fn is_blocked(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Datagrams that its sockets have dropped.
    pub(super) fn drops(&self) -> u64 {
        self.drops_before + self.socket.as_ref().map_or(0, Socket::drops)
    }

    /// A call over it failed. Its network may have gone and come back as another one, which a
    /// socket does not notice: the next call leaves by a fresh one.
    pub(super) fn expire(&mut self) {
        self.is_stale = self.exit.is_some();
    }

    /// Opens it again if that is due.
    pub(super) fn renew(&mut self, poller: &Poller) {
        let Some(exit) = self.exit.as_ref().filter(|_| self.is_stale) else {
            return;
        };
        self.is_stale = false;
        self.drops_before = self.drops();
        self.unwatch(poller);
        // The fresh one may want the same port.
        self.socket = None;
        self.outbox = Outbox::default();
        self.waits_for_room = false;
        match exit.open() {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => {
                let (from, interface) = (exit.address, exit.udp.interface.as_deref());
                tracing::warn!(%from, interface, %error, "a leg's own network is not there");
            }
        }
        if let Err(error) = self.watch(poller) {
            tracing::error!(%error, "a media thread cannot watch its socket");
        }
    }

    /// Asks to be called when the kernel has room again, for as long as something waits.
    pub(super) fn watch_for_room(&mut self, poller: &Poller) {
        let waits = self.is_blocked();
        let Some(socket) = self
            .socket
            .as_ref()
            .filter(|_| waits != self.waits_for_room)
        else {
            return;
        };
        let interest = if waits {
            Interest::ReadWrite
        } else {
            Interest::Read
        };
        match poller.modify(socket, self.token.0, interest) {
            Ok(()) => self.waits_for_room = waits,
            Err(error) => tracing::error!(%error, "a media thread cannot watch its socket"),
        }
    }
}

/// Whether nothing can leave by any of a port's ways before one has room again. One without a
/// socket has no say while there are others; without any, what is due is lost at once.
pub(super) fn are_blocked(ways: impl IntoIterator<Item = Option<bool>>) -> bool {
    let mut there = ways.into_iter().flatten().peekable();
    there.peek().is_some() && there.all(|has_room| !has_room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_without_a_socket_does_not_keep_a_port_sending_whose_others_are_full() {
        let (absent, free, full) = (None, Some(true), Some(false));
        assert!(are_blocked([full]) && are_blocked([absent, full]));
        assert!(are_blocked([full, absent, full]));
        assert!(!are_blocked([full, free]) && !are_blocked([absent, free, full]));
        assert!(!are_blocked([absent, absent]), "nothing would ever wake it");
    }
    use tidegate_udp::Options;

    #[test]
    fn a_socket_that_cannot_be_opened_is_tried_again_after_the_next_failed_call() {
        let poller = Poller::new().expect("a poller");
        let any = ([127, 0, 0, 1], 0).into();
        let occupant = Socket::bind(any, &Options::default()).expect("a socket");
        let exit = Exit {
            address: occupant.local_addr(),
            udp: Options::default(),
        };
        let mut way = Way::new(OpenWay {
            token: PortId(20),
            socket: None,
            exit: Some(exit),
        });
        way.renew(&poller);
        assert!(way.socket().is_none(), "no call has failed yet");
        way.expire();
        way.renew(&poller);
        assert!(way.socket().is_none(), "the address is taken");
        let address = occupant.local_addr();
        drop(occupant);
        for _ in 0..2 {
            way.expire();
            way.renew(&poller);
            assert_eq!(way.socket().map(Socket::local_addr), Some(address));
        }
    }
}
