//! Who is let in at all.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use tidegate_engine::{CancellationToken, Full, Places};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::refusal::Refusal;
use super::{Listening, connection, stream};
use crate::limits::{ACCEPT_REST, PENDING};

/// Accepts until `closing`, or until the listener is forgotten.
pub(super) async fn run(
    listening: Weak<Listening>,
    listener: TcpListener,
    closing: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        let Some(listening) = listening.upgrade() else {
            return;
        };
        match accepted {
            Ok((tcp, peer)) => receive(&listening, tcp, peer),
            Err(_) => {
                listening.counters.accept_failed.one();
                drop(listening);
                sleep(ACCEPT_REST).await;
            }
        }
    }
}

fn receive(listening: &Arc<Listening>, tcp: TcpStream, peer: SocketAddr) {
    let address = peer.ip().to_canonical();
    let peer = SocketAddr::new(address, peer.port());
    listening.counters.accepted.one();
    if listening.banned.load().contains(address) {
        return listening.counters.banned.one();
    }
    if !listening.allows(peer) {
        listening.counters.not_allowed.one();
        let advice = "Add the address to the listener's `allow` if it may publish.";
        return listening.reject(peer, None, Refusal::new("address_not_allowed", advice));
    }
    let Some(settings) = listening.settings.load_full() else {
        return;
    };
    let places = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let places = Places {
        total: places(settings.max_connections),
        per_address: places(settings.max_connections_per_address),
    };
    let ticket = match listening.turnstile.enter(address, places) {
        Ok(ticket) => ticket,
        Err(full) => return listening.reject(peer, None, full_up(full, "connections")),
    };
    let pending = match listening.pending.enter(address, PENDING) {
        Ok(pending) => pending,
        Err(full) => return listening.reject(peer, None, full_up(full, "unfinished handshakes")),
    };
    if stream::prepare(&tcp).is_err() {
        // It is gone already.
        return listening.counters.silent.one();
    }
    let guest = listening.guests.enter(peer, ticket);
    let listening = Arc::clone(listening);
    tokio::spawn(connection::serve(listening, tcp, peer, guest, pending));
}

fn full_up(full: Full, of_what: &str) -> Refusal {
    match full {
        Full::Total(count) => Refusal::new(
            "full",
            "Raise `max_connections` if these are your encoders, or look who calls.",
        )
        .received(format!("all {count} places for {of_what} are taken")),
        Full::Address(count) => Refusal::new(
            "address_full",
            "Raise `max_connections_per_address` if these are your encoders, or ban the address.",
        )
        .received(format!(
            "all {count} places of one address for {of_what} are taken"
        )),
    }
}
