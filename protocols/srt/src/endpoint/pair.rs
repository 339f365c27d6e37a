//! A caller and a listener back to back in virtual time.

use super::*;
use crate::TransmitBatch;
use crate::config::CallerConfig;
use crate::event::{CloseReason, ConnectionRequest, RequestId};
use crate::handshake::RequestedEncryption;
use crate::{
    CipherMode, ConnectionConfig, Decision, KeyLength, RejectReason, SequenceNumber, SessionKeys,
};
use std::collections::BTreeMap;
use tidegate_units::Duration;

const PASSPHRASE: &[u8] = b"correct horse battery";
const CALLER: SocketAddr =
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 5000);
const LISTENER: SocketAddr =
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2)), 9000);

type Drop = fn(&[u8], u64) -> bool;

struct Pair {
    now: Instant,
    caller: Endpoint,
    listener: Endpoint,
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, Vec<u8>)>,
    sent: u64,
    delay: Duration,
    drop: Drop,
    accept: ConnectionConfig,
    requests: Vec<ConnectionRequest>,
    call: Option<ConnectionId>,
    accepted: Option<ConnectionId>,
    closed: Vec<(bool, CloseReason)>,
    refused: Vec<RejectReason>,
    received: Vec<Received>,
    returned: Vec<Received>,
}

fn endpoint(listen: bool, seed: u8) -> Endpoint {
    let config = EndpointConfig {
        listen: listen.then(ListenerConfig::default),
        socket_ids: SocketIdSpace { shard: seed },
        cookie_key: CookieKey::new([9; 16]),
        limits: EndpointLimits::default(),
        seed: [seed; 32],
    };
    Endpoint::new(Instant::ZERO, config)
}

impl Pair {
    fn new() -> Self {
        Self {
            now: Instant::from_millis(20_000),
            caller: endpoint(false, 1),
            listener: endpoint(true, 2),
            in_flight: BTreeMap::new(),
            sent: 0,
            delay: Duration::from_millis(20),
            drop: |_, _| false,
            accept: ConnectionConfig::default(),
            requests: Vec::new(),
            call: None,
            accepted: None,
            closed: Vec::new(),
            refused: Vec::new(),
            received: Vec::new(),
            returned: Vec::new(),
        }
    }

    /// Connected with room for the repair of regular losses.
    fn lossy(mut config: CallerConfig, drop: Drop) -> Self {
        config.connection.latency = Duration::from_millis(400);
        config.connection.peer_latency = Duration::from_millis(400);
        Self::connected(config, drop)
    }

    fn connected(config: CallerConfig, drop: Drop) -> Self {
        let mut pair = Self::new();
        pair.drop = drop;
        pair.caller.connect(pair.now, LISTENER, config).unwrap();
        pair.run(Duration::from_millis(2500));
        assert!(
            pair.call.is_some() && pair.accepted.is_some(),
            "both sides are connected"
        );
        pair
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let timers = [self.caller.poll_timeout(), self.listener.poll_timeout()];
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let next = timers.into_iter().flatten().chain(arrival).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            assert!(next >= self.now || timers.into_iter().flatten().all(|at| at >= next));
            self.now = self.now.max(next);
            while let Some(entry) = self.in_flight.first_entry()
                && entry.key().0 <= self.now
            {
                let (to, bytes) = entry.remove();
                let (endpoint, from) = if to == LISTENER {
                    (&mut self.listener, CALLER)
                } else {
                    (&mut self.caller, LISTENER)
                };
                endpoint.handle_datagram(self.now, from, None, &bytes);
            }
            self.caller.handle_timeout(self.now);
            self.listener.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// Lets both sides send, and takes what they have for the application.
    fn settle(&mut self) {
        for is_caller in [true, false] {
            let endpoint = if is_caller {
                &mut self.caller
            } else {
                &mut self.listener
            };
            let mut batch = TransmitBatch::new(64 * 1024);
            while endpoint.poll_transmit(self.now, &mut batch) || !batch.is_empty() {
                for run in batch.runs() {
                    for bytes in run.datagrams() {
                        self.sent += 1;
                        if !(self.drop)(bytes, self.sent) {
                            let at = (self.now + self.delay, self.sent);
                            self.in_flight.insert(at, (run.to, bytes.to_vec()));
                        }
                    }
                }
                batch.clear();
            }
            while let Some(id) = endpoint.next_readable() {
                let into = if is_caller {
                    &mut self.returned
                } else {
                    &mut self.received
                };
                into.extend(core::iter::from_fn(|| endpoint.poll_received(id)));
            }
        }
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.caller.poll_event() {
            match event {
                Event::Connected { id, .. } => self.call = Some(id),
                Event::Refused { reason, .. } => self.refused.push(reason),
                Event::Closed { reason, .. } => self.closed.push((true, reason)),
                _ => {}
            }
        }
        while let Some(event) = self.listener.poll_event() {
            match event {
                Event::Request(request) => self.decide(request),
                Event::Connected { id, .. } => self.accepted = Some(id),
                Event::Closed { reason, .. } => self.closed.push((false, reason)),
                _ => {}
            }
        }
    }

    fn decide(&mut self, request: ConnectionRequest) {
        let id = request.id;
        let decision = match &request.encryption {
            RequestedEncryption::None => Decision::Accept {
                keys: None,
                config: self.accept.clone(),
            },
            RequestedEncryption::KeyMaterial(material) => match material.open(PASSPHRASE) {
                Ok(keys) => Decision::Accept {
                    keys: Some(keys),
                    config: self.accept.clone(),
                },
                Err(_) => Decision::Reject(RejectReason::WrongPassphrase),
            },
        };
        self.requests.push(request);
        self.listener.decide(self.now, id, decision);
        self.settle();
    }

    /// The caller sends numbered payloads, one per millisecond.
    fn publish(&mut self, numbers: core::ops::Range<u64>) {
        let id = self.call.unwrap();
        for number in numbers {
            self.caller
                .send(self.now, id, payload(number), self.now)
                .unwrap();
            self.run(Duration::from_millis(1));
        }
    }

    fn numbers(&self) -> Vec<u64> {
        self.received
            .iter()
            .map(|received| number_of(&received.payload))
            .collect()
    }
}

fn payload(number: u64) -> Bytes {
    let mut bytes = vec![0x47; 1316];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Bytes::from(bytes)
}

fn number_of(payload: &[u8]) -> u64 {
    assert_eq!(payload.len(), 1316);
    assert!(
        payload[8..].iter().all(|byte| *byte == 0x47),
        "decrypted and whole"
    );
    u64::from_be_bytes(payload[..8].try_into().unwrap())
}

fn encrypted(passphrase: &[u8]) -> CallerConfig {
    let mut random = ChaCha20Rng::from_seed([3; 32]);
    let keys =
        SessionKeys::generate(passphrase, KeyLength::Aes256, CipherMode::Ctr, &mut random).unwrap();
    CallerConfig {
        keys: Some(keys),
        ..CallerConfig::default()
    }
}

fn is_data(datagram: &[u8]) -> bool {
    datagram[0] & 0x80 == 0
}

#[test]
fn a_caller_and_a_listener_agree_and_media_flows() {
    let config = CallerConfig {
        stream_id: Bytes::from_static(b"live/cam1"),
        ..CallerConfig::default()
    };
    let mut pair = Pair::connected(config, |_, _| false);
    pair.publish(0..500);
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.numbers(), (0..500).collect::<Vec<_>>());
    assert_eq!(pair.requests[0].stream_id.as_bytes(), b"live/cam1");
    let statistics = pair
        .listener
        .statistics(pair.now, pair.accepted.unwrap())
        .unwrap();
    assert_eq!(statistics.total.packets_received, 500);
    assert_eq!(statistics.total.packets_lost, 0);
    assert_eq!(statistics.instant.rtt, Duration::from_millis(40));
    let sender = pair
        .caller
        .statistics(pair.now, pair.call.unwrap())
        .unwrap();
    assert_eq!(sender.instant.rtt, Duration::from_millis(40));
    assert_eq!(sender.instant.flight_packets, 0);
    assert_eq!(sender.instant.send_buffer_packets, 0);
}

#[test]
fn payloads_come_at_once_and_say_when_they_are_due() {
    let mut pair = Pair::connected(CallerConfig::default(), |_, _| false);
    let sent = pair.now;
    pair.publish(0..1);
    pair.run(Duration::from_millis(100));
    let received = &pair.received[0];
    assert_eq!(received.arrived, sent + Duration::from_millis(20));
    assert_eq!(received.due, sent + Duration::from_millis(20 + 120));
    assert_eq!(received.origin, sent + Duration::from_millis(20));
}

#[test]
fn every_seventh_datagram_lost_is_repaired() {
    let mut pair = Pair::lossy(CallerConfig::default(), |_, count| count % 7 == 0);
    pair.publish(0..1000);
    pair.run(Duration::from_millis(600));
    assert_eq!(pair.numbers(), (0..1000).collect::<Vec<_>>());
    let statistics = pair
        .listener
        .statistics(pair.now, pair.accepted.unwrap())
        .unwrap();
    assert!(statistics.total.packets_lost > 100);
    assert_eq!(statistics.total.packets_dropped, 0);
}

#[test]
fn encrypted_media_flows_with_losses_and_changes_of_key() {
    let mut config = encrypted(PASSPHRASE);
    config.connection.key_refresh = crate::KeyRefresh::new(400, 150);
    let mut pair = Pair::lossy(config, |_, count| count % 9 == 0);
    pair.publish(0..2000);
    pair.run(Duration::from_millis(600));
    assert_eq!(pair.numbers(), (0..2000).collect::<Vec<_>>());
    let statistics = pair
        .listener
        .statistics(pair.now, pair.accepted.unwrap())
        .unwrap();
    assert_eq!(statistics.total.packets_undecrypted, 0);
    assert!(statistics.total.key_refreshes >= 3);
}

#[test]
fn a_listener_that_sends_reaches_an_encrypted_reader() {
    let mut pair = Pair::lossy(encrypted(PASSPHRASE), |_, count| count % 7 == 0);
    let id = pair.accepted.unwrap();
    for number in 0..300 {
        pair.listener
            .send(pair.now, id, payload(number), pair.now)
            .unwrap();
        pair.run(Duration::from_millis(1));
    }
    pair.run(Duration::from_millis(600));
    let numbers: Vec<_> = pair
        .returned
        .iter()
        .map(|got| number_of(&got.payload))
        .collect();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
}

#[test]
fn a_wrong_passphrase_is_refused() {
    let mut pair = Pair::new();
    pair.caller
        .connect(pair.now, LISTENER, encrypted(b"not this passphrase"))
        .unwrap();
    pair.run(Duration::from_millis(500));
    assert_eq!(pair.refused.len(), 1);
    assert_eq!(pair.listener.counters().refused, 1);
    assert_eq!(pair.listener.connection_count(), 0);
    assert_eq!(pair.caller.connection_count(), 0);
}

#[test]
fn a_banned_caller_hears_nothing_and_a_connection_that_is_there_goes_on() {
    let mut pair = Pair::connected(CallerConfig::default(), |_, _| false);
    let networks = [tidegate_units::Network::from(CALLER.ip())];
    let banned: tidegate_units::NetworkSet = networks.into_iter().collect();
    pair.listener.set_listener(Some(ListenerConfig {
        banned: banned.into(),
        ..ListenerConfig::default()
    }));
    pair.publish(0..10);
    pair.caller
        .connect(pair.now, LISTENER, CallerConfig::default())
        .unwrap();
    let before = pair.listener.counters();
    pair.run(Duration::from_millis(3500));
    assert_eq!(pair.refused, [RejectReason::Timeout]);
    let after = pair.listener.counters();
    assert!(after.banned > 5);
    assert_eq!(after.inductions, before.inductions);
    assert_eq!(pair.numbers(), (0..10).collect::<Vec<_>>());
}

#[test]
fn nobody_answering_is_a_timeout() {
    let mut pair = Pair::new();
    pair.drop = |_, _| true;
    pair.caller
        .connect(pair.now, LISTENER, CallerConfig::default())
        .unwrap();
    pair.run(Duration::from_millis(3500));
    assert_eq!(pair.refused, [RejectReason::Timeout]);
}

#[test]
fn a_lost_response_is_repeated_even_when_media_flows_already() {
    let mut pair = Pair::connected(CallerConfig::default(), |datagram, count| {
        // Conclusion responses are the listener's only handshakes beyond 64 bytes.
        !is_data(datagram) && datagram[1] == 0 && datagram.len() > 64 && count < 12 && {
            datagram[36..40] == [0xFF; 4] && count % 2 == 0
        }
    });
    pair.publish(0..10);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.requests.len(), 1);
    assert_eq!(pair.received.len(), 10);
}

#[test]
fn an_end_reaches_the_other_side_after_everything_that_was_sent() {
    let mut pair = Pair::connected(CallerConfig::default(), |_, _| false);
    pair.publish(0..5);
    let id = pair.call.unwrap();
    pair.caller.close(pair.now, id);
    pair.run(Duration::from_millis(500));
    assert_eq!(pair.received.len(), 5);
    assert_eq!(
        pair.closed,
        [(true, CloseReason::Local), (false, CloseReason::Peer)]
    );
    assert_eq!(
        pair.caller.connection_count() + pair.listener.connection_count(),
        0
    );
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.listener.poll_timeout(), None, "nothing is left behind");
    assert_eq!(pair.caller.poll_timeout(), None);
}

#[test]
fn a_peer_that_vanished_is_noticed_after_five_seconds() {
    let mut pair = Pair::connected(CallerConfig::default(), |_, _| false);
    pair.publish(0..5);
    pair.drop = |_, _| true;
    pair.run(Duration::from_millis(5500));
    assert_eq!(pair.closed.len(), 2);
    assert!(
        pair.closed
            .iter()
            .all(|(_, reason)| *reason == CloseReason::Idle)
    );
}

#[test]
fn an_idle_connection_stays_with_one_keepalive_a_second() {
    let mut pair = Pair::connected(CallerConfig::default(), |_, _| false);
    let before = pair.sent;
    pair.run(Duration::from_secs(20));
    assert!(pair.closed.is_empty());
    assert!(
        (38..=42).contains(&(pair.sent - before)),
        "{}",
        pair.sent - before
    );
}

#[test]
fn all_counters_may_wrap_under_way() {
    let mut config = CallerConfig {
        first_sequence: Some(SequenceNumber::new(0x7FFF_FFF0)),
        ..CallerConfig::default()
    };
    config.connection.first_message = Some(crate::MessageNumber::new(0x03FF_FFF5));
    // 2.5 s pass until both are connected.
    config.connection.first_timestamp_micros = u32::MAX - 2_520_000;
    let mut pair = Pair::lossy(config, |_, count| count % 7 == 0);
    pair.publish(0..200);
    pair.run(Duration::from_millis(600));
    assert_eq!(pair.numbers(), (0..200).collect::<Vec<_>>());
    for received in &pair.received {
        assert_eq!(received.due, received.origin + Duration::from_millis(400));
        assert!(received.arrived <= received.due);
    }
}

#[test]
fn an_undecided_request_is_silence_and_then_gone() {
    let mut pair = Pair::new();
    pair.caller
        .connect(pair.now, LISTENER, CallerConfig::default())
        .unwrap();
    let mut ids: Vec<RequestId> = Vec::new();
    let mut gone: Vec<RequestId> = Vec::new();
    for _ in 0..4000 {
        let mut batch = TransmitBatch::new(4096);
        pair.caller.poll_transmit(pair.now, &mut batch);
        for run in batch.runs() {
            pair.listener
                .handle_datagram(pair.now, CALLER, None, run.bytes);
        }
        batch.clear();
        pair.listener.poll_transmit(pair.now, &mut batch);
        for run in batch.runs() {
            pair.caller
                .handle_datagram(pair.now, LISTENER, None, run.bytes);
        }
        while let Some(event) = pair.listener.poll_event() {
            match event {
                Event::Request(request) => ids.push(request.id),
                Event::RequestGone(id) => gone.push(id),
                _ => {}
            }
        }
        pair.now += Duration::from_millis(1);
        pair.caller.handle_timeout(pair.now);
        pair.listener.handle_timeout(pair.now);
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(gone, ids);
    let late = Decision::Accept {
        keys: None,
        config: ConnectionConfig::default(),
    };
    pair.listener.decide(pair.now, ids[0], late);
    assert_eq!(pair.listener.connection_count(), 0);
}
