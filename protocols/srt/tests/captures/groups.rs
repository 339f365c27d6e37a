//! Captured bonding groups: what libsrt's legs carried comes out once and in order.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_srt::wire::{
    AckAck, Control, ControlPacket, GroupExtension, Handshake, Packet, RequestType, SocketId,
};
use tidegate_srt::{
    ConnectionConfig, ConnectionId, CookieKey, Decision, Endpoint, EndpointConfig, EndpointLimits,
    Event, GroupKind, LegState, ListenerConfig, Received, SocketIdSpace, TransmitBatch,
};
use tidegate_units::{Duration, Instant, NetworkSet};

use crate::session::Session;

const START: Instant = Instant::from_millis(100_000);
const LISTENER_PORT: u16 = 9000;

/// What our program is to one captured leg.
#[derive(Default)]
struct Leg {
    cookie: u32,
    socket: Option<SocketId>,
    answer: Vec<u8>,
    acknowledged: u32,
}

/// Hears both legs of a captured group.
struct Group {
    endpoint: Endpoint,
    now: Instant,
    legs: BTreeMap<SocketAddr, Leg>,
    kind: Option<GroupKind>,
    id: Option<ConnectionId>,
    joined: usize,
    received: Vec<Received>,
    closed: bool,
    /// Datagrams of this leg are lost from that moment on.
    cut: Option<(SocketAddr, Instant)>,
    /// Each data packet is lost on one leg or none, as this seed says; repeats never come.
    losses: Option<u64>,
    /// This leg carries no data before that moment.
    idle: Option<(SocketAddr, Instant)>,
}

impl Group {
    fn new() -> Self {
        let config = EndpointConfig {
            listen: Some(ListenerConfig::default()),
            socket_ids: SocketIdSpace::default(),
            cookie_key: CookieKey::new([1; 16]),
            limits: EndpointLimits::default(),
            seed: [2; 32],
        };
        Self {
            endpoint: Endpoint::new(START, config),
            now: START,
            legs: BTreeMap::new(),
            kind: None,
            id: None,
            joined: 0,
            received: Vec::new(),
            closed: false,
            cut: None,
            losses: None,
            idle: None,
        }
    }

    fn hear(&mut self, session: &Session) {
        for datagram in &session.datagrams {
            if datagram.to.port() != LISTENER_PORT {
                continue;
            }
            self.run_until(START + Duration::from_micros(datagram.at_micros));
            if self
                .cut
                .is_some_and(|(leg, at)| leg == datagram.from && at <= self.now)
            {
                continue;
            }
            if self.is_lost(datagram.from, &datagram.bytes) {
                continue;
            }
            if let Some(bytes) = self.readdressed(datagram.from, &datagram.bytes) {
                self.endpoint
                    .handle_datagram(self.now, datagram.from, None, &bytes);
                self.turn();
            }
        }
    }

    /// Two packets in three are lost on one of the legs, in runs of up to eight.
    fn is_lost(&self, from: SocketAddr, bytes: &[u8]) -> bool {
        if bytes[0] & 0x80 != 0 {
            return false;
        }
        if self
            .idle
            .is_some_and(|(leg, until)| leg == from && self.now < until)
        {
            return true;
        }
        let Some(seed) = self.losses else {
            return false;
        };
        let number = u32::from_be_bytes(*bytes.first_chunk().unwrap());
        let dice = (u64::from(number) / (1 + seed % 8) + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let first_leg = self.legs.keys().next() == Some(&from);
        match (dice >> 33) % 3 {
            0 => first_leg,
            1 => !first_leg,
            _ => false,
        }
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.turn();
        }
        self.now = self.now.max(end);
    }

    fn readdressed(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let leg = self.legs.entry(from).or_default();
        let mut readdressed = bytes.to_vec();
        match Packet::parse(bytes).unwrap() {
            Packet::Control(ControlPacket {
                control: Control::AckAck(_),
                ..
            }) => return None,
            Packet::Control(ControlPacket {
                control: Control::Handshake(handshake),
                ..
            }) => {
                if handshake.request == RequestType::Conclusion {
                    readdressed[44..48].copy_from_slice(&leg.cookie.to_be_bytes());
                }
            }
            _ => {
                let socket = leg.socket.expect("the leg is connected").value();
                readdressed[12..16].copy_from_slice(&socket.to_be_bytes());
            }
        }
        Some(readdressed)
    }

    fn turn(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            self.note(event);
        }
        let mut batch = TransmitBatch::new(1 << 16);
        while {
            let more = self.endpoint.poll_transmit(self.now, &mut batch);
            let sent: Vec<(SocketAddr, Vec<u8>)> = batch
                .runs()
                .flat_map(|run| run.datagrams().map(move |bytes| (run.to, bytes.to_vec())))
                .collect();
            batch.clear();
            for (to, bytes) in sent {
                self.answer(to, &bytes);
            }
            more
        } {}
        while let Some(id) = self.endpoint.next_readable() {
            while let Some(received) = self.endpoint.poll_received(id) {
                self.received.push(received);
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Request(request) => {
                let asked = request.group.expect("each leg names its group");
                let (keys, config) = (None, ConnectionConfig::default());
                let decision = match self.kind.replace(asked.kind) {
                    None => Decision::Accept { keys, config },
                    Some(_) => Decision::Join { keys, config },
                };
                self.endpoint.decide(self.now, request.id, decision);
            }
            Event::Connected { id, .. } => {
                assert_eq!(self.id.replace(id), None, "a group is one connection");
            }
            Event::LegJoined { group, .. } => {
                assert_eq!(Some(group), self.id);
                self.joined += 1;
            }
            Event::LegLeft { group, .. } => assert_eq!(Some(group), self.id),
            Event::Closed { id, .. } => {
                assert_eq!(Some(id), self.id);
                self.closed = true;
            }
            other => panic!("a real caller is nothing odd: {other:?}"),
        }
    }

    fn answer(&mut self, to: SocketAddr, bytes: &[u8]) {
        let Ok(Packet::Control(packet)) = Packet::parse(bytes) else {
            panic!("a listener sends no data")
        };
        let leg = self.legs.get_mut(&to).unwrap();
        match packet.control {
            Control::Handshake(handshake) => match handshake.request {
                RequestType::Induction => leg.cookie = handshake.cookie,
                RequestType::Conclusion => {
                    leg.socket = Some(handshake.socket);
                    leg.answer = bytes.to_vec();
                }
                other => panic!("{other:?} from a listener"),
            },
            Control::Ack(ack) if ack.number != 0 => {
                leg.acknowledged = ack.next.value();
                let socket = leg.socket.unwrap();
                let answer =
                    ControlPacket::new(packet.timestamp, socket, AckAck { number: ack.number })
                        .to_vec();
                self.endpoint.handle_datagram(self.now, to, None, &answer);
            }
            Control::Nak(_) if self.losses.is_none() => {
                panic!("nothing was lost that the other leg did not bring")
            }
            _ => {}
        }
    }

    fn states(&mut self) -> Vec<LegState> {
        let legs = self.endpoint.legs(self.now, self.id.unwrap());
        legs.iter().map(|leg| leg.state).collect()
    }
}

pub(crate) fn group_of(handshake: &Handshake<'_>) -> GroupExtension {
    let body = handshake
        .extensions
        .iter()
        .map(Result::unwrap)
        .find(|block| block.command == tidegate_srt::wire::ExtensionCommand::GROUP);
    GroupExtension::parse(body.expect("a group block").body).unwrap()
}

fn assert_complete(group: &Group, session: &Session) {
    let media = session.media();
    assert_eq!(group.received.len(), media.len(), "each packet once");
    for (received, (_, payload)) in group.received.iter().zip(media.values()) {
        assert_eq!(received.dropped_before, 0);
        assert!(received.payload == payload[..]);
    }
    let due = |at: usize| group.received[at].due;
    for (at, (header, _)) in media.values().enumerate() {
        let first = media.values().next().unwrap().0.timestamp.as_micros();
        let sent_after = i64::from(header.timestamp.as_micros() - first);
        assert_eq!(due(at).micros_from(due(0)), sent_after);
    }
}

#[test]
fn what_both_legs_of_a_broadcast_carried_comes_out_once() {
    let session = Session::read("group-broadcast");
    let mut group = Group::new();
    group.hear(&session);
    assert_eq!((group.kind, group.joined), (Some(GroupKind::Broadcast), 2));
    assert_complete(&group, &session);
    let total = group
        .endpoint
        .statistics(group.now, group.id.unwrap())
        .unwrap()
        .total;
    let media = session.media().len() as u64;
    assert_eq!(total.packets_received, 2 * media);
    assert_eq!(total.packets_received_unique, media);
    assert_eq!(total.packets_duplicate, media);
    assert_eq!((total.packets_lost, total.packets_dropped), (0, 0));
    group.run_until(group.now + Duration::from_secs(1));
    assert!(group.closed, "with its last leg the group ends");
}

#[test]
fn a_backup_group_has_an_active_leg_and_an_idle_one() {
    let session = Session::read("group-backup");
    let mut group = Group::new();
    let goodbye = |bytes: &[u8]| bytes.starts_with(&[0x80, 5]);
    let alive = Session {
        datagrams: session
            .datagrams
            .iter()
            .filter(|datagram| !goodbye(&datagram.bytes))
            .cloned()
            .collect(),
    };
    group.hear(&alive);
    assert_eq!((group.kind, group.joined), (Some(GroupKind::Backup), 2));
    assert_complete(&group, &session);
    let mut states = group.states();
    states.sort_by_key(|state| *state as u8);
    assert_eq!(states, [LegState::Active, LegState::Idle]);
}

pub(crate) fn callers(session: &Session) -> Vec<SocketAddr> {
    let all = session.datagrams.iter().map(|datagram| datagram.from);
    let mut callers: Vec<_> = all.filter(|from| from.port() != LISTENER_PORT).collect();
    callers.sort();
    callers.dedup();
    callers
}

/// The jump in an idle leg's numbers is neither asked for nor acknowledged too early.
#[test]
fn a_leg_that_idled_takes_over_when_the_other_is_cut() {
    let session = Session::read("group-broadcast");
    let callers = callers(&session);
    for (cut, idle) in [(0, 1), (1, 0)] {
        let mut group = Group::new();
        group.idle = Some((callers[idle], START + Duration::from_millis(1000)));
        group.cut = Some((callers[cut], START + Duration::from_millis(1100)));
        group.hear(&session);
        assert_complete(&group, &session);
        let last = session.media().into_keys().last().unwrap();
        assert_eq!(group.legs[&callers[idle]].acknowledged, last + 1);
    }
}

#[test]
fn a_leg_that_is_cut_in_mid_stream_costs_nothing() {
    let session = Session::read("group-broadcast");
    let callers = callers(&session);
    for cut in callers {
        let mut group = Group::new();
        group.cut = Some((cut, START + Duration::from_millis(700)));
        group.hear(&session);
        assert_complete(&group, &session);
        group.run_until(group.now + Duration::from_millis(100));
        assert!(!group.closed || group.states().contains(&LegState::Down));
    }
}

/// What one leg lost the other brings, without a single repetition.
#[test]
fn losses_that_no_packet_suffers_on_both_legs_cost_nothing() {
    let session = Session::read("group-broadcast");
    for seed in 1..=100 {
        let mut group = Group::new();
        group.losses = Some(seed);
        group.hear(&session);
        assert_complete(&group, &session);
        let id = group.id.unwrap();
        let total = group.endpoint.statistics(group.now, id).unwrap().total;
        let media = session.media().len() as u64;
        assert!(
            total.packets_received < 2 * media - 20,
            "{seed}: some are lost"
        );
        let both = total.packets_received_unique + total.packets_duplicate;
        assert_eq!(both, total.packets_received, "{seed}");
        assert_eq!(total.packets_dropped, 0, "{seed}");
    }
}

/// The answer to each leg differs from libsrt's only in what is ours to choose: socket ID,
/// cookie, time, and the group's number.
#[test]
fn our_answers_name_one_group_as_libsrts_do() {
    for name in ["group-broadcast", "group-backup"] {
        let session = Session::read(name);
        let mut group = Group::new();
        group.hear(&session);
        let mut numbers = Vec::new();
        for (caller, leg) in &group.legs {
            let (datagram, _, theirs) = session
                .handshakes()
                .find(|(datagram, _, handshake)| {
                    datagram.to == *caller && handshake.request == RequestType::Conclusion
                })
                .unwrap();
            let Ok(Packet::Control(ControlPacket {
                control: Control::Handshake(ours),
                ..
            })) = Packet::parse(&leg.answer)
            else {
                panic!("{name}: no answer")
            };
            assert_eq!(leg.answer.len(), datagram.bytes.len(), "{name}");
            assert_eq!(ours.extension_field, theirs.extension_field, "{name}");
            assert_eq!(ours.initial_sequence, theirs.initial_sequence);
            let (ours, theirs) = (group_of(&ours), group_of(&theirs));
            assert_eq!(
                (ours.kind, ours.flags, ours.weight),
                (theirs.kind, theirs.flags, theirs.weight)
            );
            assert_eq!(ours.group & GroupExtension::ID_BIT, GroupExtension::ID_BIT);
            numbers.push(ours.group);
            assert!(leg.acknowledged > 0 || name == "group-backup");
        }
        assert_eq!(numbers.len(), 2);
        assert_eq!(numbers[0], numbers[1], "{name}: both legs are in one group");
    }
}

#[test]
fn legs_are_closed_by_where_they_come_from_and_the_group_goes_with_the_last() {
    let mut session = Session::read("group-broadcast");
    let callers = callers(&session);
    let far = SocketAddr::from(([192, 0, 2, 1], callers[1].port()));
    let goodbye = |bytes: &[u8]| bytes.starts_with(&[0x80, 5]);
    session
        .datagrams
        .retain(|datagram| !goodbye(&datagram.bytes));
    for datagram in &mut session.datagrams {
        if datagram.from == callers[1] {
            datagram.from = far;
        }
    }
    let media = session.media();
    let later = session.datagrams.split_off(session.datagrams.len() / 2);
    let mut group = Group::new();
    group.hear(&session);
    assert_eq!(group.joined, 2);
    let close = |group: &mut Group, network: &str| {
        let networks: NetworkSet = [network.parse().unwrap()].into_iter().collect();
        let id = group.id.unwrap();
        group.endpoint.close_legs(group.now, id, &networks);
        group.turn();
    };
    close(&mut group, "192.0.2.0/24");
    assert_eq!(group.states(), [LegState::Active, LegState::Down]);
    group.hear(&Session { datagrams: later });
    assert_eq!(
        group.received.len(),
        media.len(),
        "the other leg has it all"
    );
    assert!(!group.closed);
    close(&mut group, &callers[0].ip().to_string());
    group.run_until(group.now + Duration::from_secs(1));
    assert!(group.closed, "that was the last leg");
}
