use super::Endpoint;
use super::admission::{Known, Pending};
use super::groups::Membership;
use super::table::{Occupant, PeerKey};
use crate::config::ConnectionConfig;
use crate::connection::{Connection, Established, Route, SocketClock};
use crate::crypto::{ConnectionCrypto, SessionKeys};
use crate::event::{ConnectionRequest, Event, OddityKind, RequestId};
use crate::group::{Founding, GroupRequest};
use crate::handshake::{ConclusionRequest, OurSide, RequestedEncryption, induction_reply, refusal};
use crate::reject::RejectReason;
use crate::room::Room;
use crate::srtla::BundleKey;
use crate::wire::{Handshake, Timestamp};
use core::net::{IpAddr, SocketAddr};
use tidegate_units::{Duration, Instant};

/// What becomes of a request.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "made once per connection and consumed at once"
)]
pub enum Decision {
    /// Let the caller in; as the first leg of a bonding group if it asks for that.
    Accept {
        /// The keys its material opened to; `None` for a caller without encryption.
        keys: Option<SessionKeys>,
        /// How the connection behaves.
        config: ConnectionConfig,
    },
    /// Let the caller in as one more leg of the bonding group it names, which must have a
    /// leg here already and the same stream ID; otherwise the caller hears nothing, and asks
    /// anew.
    Join {
        /// The keys its material opened to; `None` for a caller without encryption.
        keys: Option<SessionKeys>,
        /// How the leg behaves.
        config: ConnectionConfig,
    },
    /// Send it away. This is the true reason; what the caller is told depends on
    /// [`crate::ListenerConfig::reject_detail`].
    Reject(RejectReason),
    /// Not now: it hears nothing, and when it repeats itself that is a request of its own.
    Postpone,
}

impl Endpoint {
    /// Answers an induction with a cookie, keeping nothing.
    pub(super) fn handle_induction(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: Option<IpAddr>,
        request: &Handshake<'_>,
    ) {
        let account = self.account_of(from);
        if !self.policy.admit_induction(now, account) {
            self.counters.inductions_throttled += 1;
            return;
        }
        self.counters.inductions += 1;
        let advertised = self
            .listen
            .as_ref()
            .and_then(|listen| listen.key_length_advertised);
        let cookie = self.cookies.bake(now, from);
        let reply = induction_reply(request, Timestamp::new(0), cookie, advertised);
        self.reply(from, to, reply.to_vec());
    }

    /// Whether the address is banned: then every answer would be one too many.
    pub(super) fn ignores(&mut self, from: SocketAddr) -> bool {
        let listen = self.listen.as_ref();
        let (from, _) = self.locate(from, None);
        let banned = listen.is_some_and(|listen| listen.banned.contains(from.ip()));
        self.counters.banned += u64::from(banned);
        banned
    }

    /// A conclusion: repeated, or new from a caller whose cookie proves its address.
    pub(super) fn handle_conclusion(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        handshake: &Handshake<'_>,
        timestamp: Timestamp,
    ) {
        self.counters.conclusions += 1;
        if !self.cookies.verify(now, from, handshake.cookie) {
            self.counters.bad_cookies += 1;
            return self.odd(now, from, OddityKind::BadCookie);
        }
        let key = PeerKey::new(from, handshake.socket, handshake.initial_sequence);
        match self.admission.known(key) {
            Some(known) => self.repeat_answer(known),
            None => self.take_request(now, (from, to), key, handshake, timestamp),
        }
    }

    fn repeat_answer(&mut self, known: Known) {
        self.counters.repeated_conclusions += 1;
        match known {
            Known::Slot(slot) => {
                if let Some(entry) = self.table.at(slot)
                    && let Occupant::Connection(connection) = &mut entry.occupant
                {
                    connection.on_repeated_conclusion();
                    self.mark(slot);
                }
            }
            Known::Request(id) => {
                if let Some(pending) = self.admission.refusal(id)
                    && let Some(refusal) = pending.refusal.clone()
                {
                    let (to, from) = (pending.peer, pending.local);
                    self.reply(to, from, refusal);
                }
            }
        }
    }

    fn take_request(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        key: PeerKey,
        handshake: &Handshake<'_>,
        timestamp: Timestamp,
    ) {
        let Some(listen) = &self.listen else { return };
        let (detail, min_version) = (listen.reject_detail, listen.min_peer_version);
        let account = self.account_of(from);
        if !self.policy.admit_request(now, account) {
            self.counters.requests_throttled += 1;
            return self.odd(now, from, OddityKind::Throttled);
        }
        let refuse = |reason: RejectReason| {
            refusal(handshake, Timestamp::new(0), reason.stranger_code(detail))
        };
        if self.admission.len() >= self.limits.pending_requests && !self.admission.forget_refused()
        {
            // Silence: a caller that is turned away gives up, one that hears nothing repeats
            // itself, and by then a place may be free.
            self.counters.requests_throttled += 1;
            return self.odd(now, from, OddityKind::Throttled);
        }
        let conclusion = match ConclusionRequest::read(handshake, min_version) {
            Ok(conclusion) => conclusion,
            Err(reason) => {
                let bytes = refuse(reason);
                self.counters.bad_handshakes += 1;
                self.policy.on_failure(now, account);
                self.reply(from, to, bytes);
                return self.odd(now, from, OddityKind::BadHandshake(reason));
            }
        };
        self.announce_request(now, (from, to), key, conclusion, timestamp);
    }

    fn announce_request(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, Option<IpAddr>),
        key: PeerKey,
        conclusion: ConclusionRequest,
        timestamp: Timestamp,
    ) {
        let hs = conclusion.hs;
        let mut request = ConnectionRequest {
            id: RequestId(0),
            peer: self.locate(from, None).0,
            via_srtla: BundleKey::of(from).is_some(),
            local: to,
            stream_id: conclusion.stream_id.clone(),
            encryption: conclusion.encryption.clone(),
            group: conclusion.group.map(GroupRequest::read),
            packet_filter: conclusion.packet_filter,
            peer_version: hs.version,
            peer_receive_latency: millis(hs.receive_latency_millis),
            peer_send_latency: millis(hs.send_latency_millis),
        };
        request.id = self.admission.add(Pending {
            key,
            peer: from,
            local: to,
            conclusion,
            arrived: (now, timestamp),
            expires: now + self.limits.request_lifetime,
            refusal: None,
        });
        self.counters.requests += 1;
        self.events.push_back(Event::Request(request));
    }

    /// Decides a request. One that is gone meanwhile is not concerned any more.
    pub fn decide(&mut self, now: Instant, request: RequestId, decision: Decision) {
        self.advance(now);
        let Some(pending) = self.admission.undecided(request) else {
            return;
        };
        if BundleKey::of(pending.peer).is_some_and(|bundle| !self.bundles.has(bundle)) {
            // No way leads to the caller any more; it registers and asks anew.
            return self.drop_request(request);
        }
        match decision {
            Decision::Accept { keys, config } => self.accept(now, request, keys, config, false),
            Decision::Join { keys, config } => self.accept(now, request, keys, config, true),
            Decision::Reject(reason) => self.reject(now, request, reason),
            Decision::Postpone => drop(self.admission.remove(request)),
        }
    }

    fn reject(&mut self, now: Instant, request: RequestId, reason: RejectReason) {
        let detail = self
            .listen
            .as_ref()
            .is_some_and(|listen| listen.reject_detail);
        let Some(pending) = self.admission.undecided(request) else {
            return;
        };
        let code = reason.stranger_code(detail);
        let bytes = pending.conclusion.refuse(Timestamp::new(0), code);
        let (to, from) = (pending.peer, pending.local);
        self.admission.refuse(request, bytes.clone());
        self.counters.refused += 1;
        self.policy.on_failure(now, self.account_of(to));
        self.reply(to, from, bytes);
        if let Some(bundle) = BundleKey::of(to) {
            self.bundles.on_refused(bundle);
        }
    }

    fn accept(
        &mut self,
        now: Instant,
        request: RequestId,
        keys: Option<SessionKeys>,
        config: ConnectionConfig,
        joins: bool,
    ) {
        let Some(pending) = self.admission.undecided(request) else {
            return;
        };
        let peer = pending.peer;
        let mismatch = match (&pending.conclusion.encryption, &keys) {
            (RequestedEncryption::None, Some(_)) => Some(RejectReason::EncryptionRequired),
            (RequestedEncryption::KeyMaterial(_), None) => Some(RejectReason::EncryptionUnexpected),
            _ => None,
        };
        let filter = pending.conclusion.agreed_filter(config.packet_filter);
        let mismatch = mismatch.or(filter.err().map(|_| RejectReason::Filter));
        let address = self.account_of(peer);
        let full = self.connections >= self.limits.connections
            || self.policy.connections(address) >= self.limits.connections_per_address;
        let refusal = mismatch.or(full.then_some(RejectReason::Overloaded));
        match refusal {
            Some(reason) => self.overrule(now, request, reason),
            None => match self.membership(request, keys.is_some(), joins) {
                Ok(membership) => self.establish(now, request, keys, config, membership),
                Err(Some(reason)) => self.overrule(now, request, reason),
                Err(None) => self.drop_request(request),
            },
        }
    }

    /// The group that a caller is to be a leg of; without a reason, it is to ask anew.
    fn membership(
        &mut self,
        request: RequestId,
        encrypted: bool,
        joins: bool,
    ) -> Result<Option<Membership>, Option<RejectReason>> {
        let pending = self.admission.undecided(request).ok_or(None)?;
        let stream_id = pending.conclusion.stream_id.clone();
        let Some(asked) = pending.conclusion.group.map(GroupRequest::read) else {
            return if joins { Err(None) } else { Ok(None) };
        };
        if !joins {
            let number = self.draw_group().ok_or(RejectReason::Overloaded)?;
            return Ok(Some(Membership::Founder(number)));
        }
        let id = self.group_for(&asked, &stream_id).ok_or(None)?;
        let group = self.table.group(id).ok_or(None)?;
        if !group.has_room() {
            self.counters.groups.legs_refused += 1;
            return Err(Some(RejectReason::Overloaded));
        }
        if group.negotiated.encryption.is_some() != encrypted {
            return Err(Some(RejectReason::Group));
        }
        Ok(Some(Membership::Joiner(id)))
    }

    /// Nothing comes of a request, and the caller hears nothing.
    fn drop_request(&mut self, request: RequestId) {
        self.admission.remove(request);
        self.events.push_back(Event::RequestGone(request));
    }

    /// Refuses what was to be accepted; whoever decided so is told that nothing comes of it.
    fn overrule(&mut self, now: Instant, request: RequestId, reason: RejectReason) {
        self.reject(now, request, reason);
        self.events.push_back(Event::RequestGone(request));
    }

    fn establish(
        &mut self,
        now: Instant,
        request: RequestId,
        keys: Option<SessionKeys>,
        mut config: ConnectionConfig,
        membership: Option<Membership>,
    ) {
        let Some(socket) = self
            .table
            .draw_socket(self.socket_ids, config.socket, &mut self.random)
        else {
            return self.overrule(now, request, RejectReason::Overloaded);
        };
        let Some(pending) = self.admission.remove(request) else {
            return;
        };
        let floor = self
            .listen
            .as_ref()
            .map_or(Duration::ZERO, |listen| listen.latency);
        config.several_paths |= BundleKey::of(pending.peer).is_some();
        config.latency = config.latency.max(floor);
        config.max_latency = config.max_latency.min(self.limits.max_latency);
        let wished = millis(pending.conclusion.hs.send_latency_millis).max(config.latency);
        let capacity = config.receive_capacity_packets(wished.min(config.max_latency));
        let too_late_drop = config.too_late_drop;
        let has_fixed_room = config.receive_buffer_packets.is_some();
        let clock = SocketClock::new(now, config.first_timestamp_micros);
        let ours = OurSide {
            group: membership.and_then(|membership| self.group_number(membership)),
            ..our_side(socket, &config, capacity)
        };
        let (response, negotiated) =
            pending
                .conclusion
                .accept(clock.stamp(now), pending.peer, &ours, keys.as_ref());
        let connection = Connection::new(
            now,
            Established {
                route: Route {
                    peer: pending.peer,
                    local: pending.local,
                },
                crypto: keys.map(|keys| ConnectionCrypto::new(keys, config.key_refresh).yielding()),
                config,
                negotiated: negotiated.clone(),
                clock,
                receive_capacity_packets: capacity,
                handshake: pending.arrived,
                response: Some(response),
                index_near: membership.and_then(|membership| self.index_near(membership)),
            },
        );
        let first = connection.next_index();
        let occupant = Occupant::Connection(Box::new(connection));
        let id = self
            .table
            .insert(socket, pending.peer, Some(pending.key), occupant);
        self.admission.set_connected(pending.key, id.slot);
        self.settle(id.slot, pending.peer);
        self.connections += 1;
        self.counters.accepted += 1;
        self.counters.connected += 1;
        self.answer_first(id.slot);
        let asked = pending.conclusion.group.map(GroupRequest::read);
        if let Some((membership, asked)) = membership.zip(asked) {
            let room = if has_fixed_room {
                Room::fixed(capacity as usize)
            } else {
                Room::growing(now, capacity as usize, negotiated.receive_latency)
            };
            let made = Founding {
                request: asked,
                negotiated,
                room,
                too_late_drop,
                first,
            };
            let leg = (id, self.locate(pending.peer, None).0);
            return self.enter_group(now, leg, (request, asked), membership, made);
        }
        self.events.push_back(Event::Connected {
            id,
            request: Some(request),
            negotiated,
        });
    }

    /// Notes who answers for a new connection.
    fn settle(&mut self, slot: u32, peer: SocketAddr) {
        let account = self.account_of(peer);
        self.policy.on_connected(account);
        if let Some(entry) = self.table.at(slot) {
            entry.account = account;
        }
        if let Some(bundle) = BundleKey::of(peer) {
            self.bundles.on_accepted(bundle);
        }
    }

    /// The first answer leaves the way every repeated one does.
    fn answer_first(&mut self, slot: u32) {
        if let Some(entry) = self.table.at(slot)
            && let Occupant::Connection(connection) = &mut entry.occupant
        {
            connection.on_repeated_conclusion();
        }
        self.mark(slot);
    }
}

/// What we tell the other side in a handshake.
pub(super) fn our_side(
    socket: crate::wire::SocketId,
    config: &ConnectionConfig,
    capacity_packets: u32,
) -> OurSide {
    OurSide {
        socket,
        segment_bytes: config.segment_bytes,
        flow_window_packets: capacity_packets,
        latency: config.latency,
        peer_latency: config.peer_latency,
        max_latency: config.max_latency,
        too_late_drop: config.too_late_drop,
        nak_report: config.nak_report,
        packet_filter: config.packet_filter,
        group: None,
    }
}

fn millis(millis: u16) -> Duration {
    Duration::from_millis(u64::from(millis))
}
