//! One established connection: both halves, encryption, keepalive, and its end.
//!
//! ```text
//!            close(), all acknowledged or too late; cut_off()
//!   Open ──► Draining ─────────────┐
//!     │                            ▼
//!     ├── close(), nothing left ► Over ──► Lingering (answers what still comes with
//!     ├── silent too long ───────► │                  SHUTDOWN), then forgotten
//!     │                            ▲
//!     └── SHUTDOWN ──► PeerGone ───┘
//!                      what arrived is handed over when due
//! ```

mod bursts;
mod clock;
mod filter;
mod inbound;
mod interval;
mod leg;
mod outbound;
mod outbox;
mod sending;
mod sending_leg;
mod tally;

pub(crate) use clock::SocketClock;
pub(crate) use inbound::Noticed;
pub(crate) use interval::Intervals;
pub(crate) use outbound::Progress;
pub(crate) use sending::give_up_after;

use crate::config::ConnectionConfig;
use crate::crypto::ConnectionCrypto;
use crate::event::CloseReason;
use crate::fec::FEC_HEADER_BYTES;
use crate::handshake::Negotiated;
use crate::recv::{Received, Receiver, ReceiverSettings, Reporting, Rtt};
use crate::send::{HEADER_BYTES, Sender};
use crate::statistics::{Gauges, Statistics};
use crate::wire::{KeyState, SequenceNumber, SocketId, Timestamp};
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use filter::Filter;
use outbox::{Outbox, Outgoing};
use sending::sender_settings;
use tally::Tally;
use tidegate_units::{Bitrate, Duration, Instant};

/// Sequence indices start one turn up, so that an index never falls below zero.
const INDEX_TURN: u64 = 1 << SequenceNumber::BITS;
/// Silence of our own after which a keepalive is due.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Keepalives leave on this grid, a little early rather than late. All connections share it, so
/// that a shard with a thousand idle ones wakes ten times a second for them.
const KEEPALIVE_GRID_MICROS: u64 = 100_000;
/// How long a closing connection may take to deliver what it has.
const MAX_DRAIN: Duration = Duration::from_secs(3);
/// How long a closed connection still answers with SHUTDOWN.
const LINGER: Duration = Duration::from_secs(3);
/// Added to the blind retransmission timer, as libsrt does.
const BLIND_MARGIN: Duration = Duration::from_millis(20);
/// The same timer where nothing is to be repeated unasked: longer than anything is kept.
const NO_BLIND_REPEATS: Duration = Duration::from_secs(3600);

/// Why a payload was not taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such connection.
    #[error("our connection is not open any more: stop sending to it")]
    NotConnected,
    /// The send buffer is full: the peer or the link is too slow.
    #[error("our send buffer is full: the peer does not keep up, drop the packet")]
    BufferFull,
    /// A live payload must fit into one packet.
    #[error("our payload of {bytes} bytes does not fit into one packet of {limit} bytes")]
    TooLarge {
        /// What was given.
        bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// An empty payload cannot be sent.
    #[error("our payload is empty: there is nothing to send")]
    Empty,
    /// Both directions would be encrypted with one key stream.
    #[error("the peer already sends encrypted payload: use a second connection for ours")]
    TwoWayEncrypted,
}

/// Who is on the other side, and how to reach it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) peer: SocketAddr,
    /// The local address the peer uses.
    pub(crate) local: Option<IpAddr>,
}

/// What an established connection is made from.
pub(crate) struct Established {
    pub(crate) route: Route,
    pub(crate) config: ConnectionConfig,
    pub(crate) negotiated: Negotiated,
    pub(crate) crypto: Option<ConnectionCrypto>,
    pub(crate) clock: SocketClock,
    pub(crate) receive_capacity_packets: u32,
    /// When the packet with the peer's handshake extension came, and its timestamp.
    pub(crate) handshake: (Instant, Timestamp),
    /// The answer to a conclusion, kept for repeated ones.
    pub(crate) response: Option<Vec<u8>>,
    /// For a leg that joins a group: the group's place in the stream.
    pub(crate) index_near: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Draining { until: Instant },
    PeerGone { until: Instant },
    Over(CloseReason),
    Lingering { until: Instant },
}

/// An established connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) route: Route,
    pub(crate) negotiated: Negotiated,
    peer_socket: SocketId,
    config: ConnectionConfig,
    clock: SocketClock,
    state: State,
    sender: Sender,
    receiver: Receiver,
    rtt: Rtt,
    crypto: Option<ConnectionCrypto>,
    filter: Option<Filter>,
    outbox: Outbox,
    tally: Tally,
    response: Option<Vec<u8>>,
    created: Instant,
    last_heard: Instant,
    last_sent: Instant,
    last_ackack: (u32, Instant),
    /// The acknowledgement to be answered with this turn's packets.
    ackack: Option<u32>,
    /// What the peer's last full acknowledgement said.
    last_full_ack: u64,
    /// The link's capacity as the peer's acknowledgements report it, in packets/s.
    peer_capacity: Option<u32>,
    payload_limit: usize,
    /// It counts with the bonding group that it is a leg of.
    counts_with_group: bool,
}

impl Connection {
    pub(crate) fn new(now: Instant, made: Established) -> Self {
        let Established {
            route,
            config,
            negotiated,
            crypto,
            clock,
            ..
        } = made;
        let index = |sequence: SequenceNumber| {
            let plain = || INDEX_TURN + u64::from(sequence.value());
            made.index_near
                .map_or_else(plain, |near| sequence.unwrap_near(near))
        };
        let (first, theirs) = (
            index(negotiated.send_sequence),
            index(negotiated.receive_sequence),
        );
        let tag_bytes = crypto.as_ref().map_or(0, |it| it.mode().tag_bytes());
        let segment = negotiated.segment_bytes.max(HEADER_BYTES as u32 + 32);
        let packet_bytes = segment as usize - HEADER_BYTES as usize;
        let capacity_packets = made.receive_capacity_packets as usize;
        let filter = negotiated
            .packet_filter
            .map(|agreed| Filter::new(agreed, (first, theirs), packet_bytes, capacity_packets));
        let sender = Sender::new(now, &sender_settings(first, &config, &negotiated));
        let receiver = Receiver::new(&ReceiverSettings {
            first: theirs,
            first_ack_number: config.first_ack_number,
            capacity_packets,
            capacity_grows: config.receive_buffer_packets.is_none(),
            latency: negotiated.receive_latency,
            too_late_drop: config.too_late_drop,
            repeat_reports: config.nak_report,
            trace_drift: config.trace_drift,
            reorder_tolerance_packets: config.reorder_tolerance_packets,
            reporting: filter.as_ref().map_or(Reporting::AtOnce, Filter::reporting),
            several_paths: config.several_paths,
            handshake: made.handshake,
        });
        Self {
            route,
            peer_socket: negotiated.peer_socket,
            clock,
            state: State::Open,
            sender,
            receiver,
            rtt: Rtt::default(),
            crypto,
            outbox: Outbox::default(),
            tally: Tally::new(now),
            response: made.response,
            created: now,
            last_heard: now,
            last_sent: now,
            last_ackack: (0, Instant::ZERO),
            ackack: None,
            last_full_ack: first,
            peer_capacity: None,
            payload_limit: packet_bytes
                - tag_bytes
                - filter.as_ref().map_or(0, |_| FEC_HEADER_BYTES),
            filter,
            negotiated,
            config,
            counts_with_group: false,
        }
    }

    /// Takes a payload for sending.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        payload: Bytes,
        origin: Instant,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::NotConnected);
        }
        let (bytes, limit) = (payload.len(), self.payload_limit);
        if bytes == 0 {
            return Err(SendError::Empty);
        }
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        if !self.sender.has_room() {
            return Err(SendError::BufferFull);
        }
        let key = match &mut self.crypto {
            Some(crypto) => Some(crypto.next_key().map_err(|_| SendError::TwoWayEncrypted)?),
            None => None,
        };
        self.tally.set_busy(now, true);
        self.sender
            .push(now, payload, origin, key)
            .map_err(|_| SendError::BufferFull)
    }

    /// The next payload in order.
    pub(crate) fn receive(&mut self, now: Instant) -> Option<Received> {
        self.receiver.pop(now)
    }

    /// Whether payloads wait to be taken.
    pub(crate) fn has_received(&self) -> bool {
        self.receiver.has_ready()
    }

    /// Ends the connection; what was handed over is still delivered, within limits.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.state != State::Open {
            return;
        }
        let wait = (self.negotiated.send_latency + self.rtt.timeout()).min(MAX_DRAIN);
        self.state = State::Draining { until: now + wait };
        self.advance_end(now);
    }

    /// Ends the connection without waiting for what the peer has not acknowledged.
    pub(crate) fn cut_off(&mut self) {
        if !self.has_ended() {
            self.state = State::Over(CloseReason::Local);
            self.outbox.push(Outgoing::Shutdown);
        }
    }

    /// Timers: late packets, silence, the end.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let lost = self.receiver.drop_late(now);
        self.tally.on_dropped(lost);
        let removed = self.sender.drop_late(now);
        self.tally.on_send_dropped(removed);
        self.sender.resend_blindly(now, self.blind_timeout());
        if matches!(self.state, State::Open | State::Draining { .. }) && self.idle_at() <= now {
            self.state = State::Over(CloseReason::Idle);
            self.outbox.push(Outgoing::Shutdown);
        }
        self.tally.set_busy(now, !self.sender.is_drained());
        self.advance_end(now);
    }

    /// Moves a closing connection on when nothing is left to wait for.
    fn advance_end(&mut self, now: Instant) {
        match self.state {
            State::Draining { until } if self.sender.is_drained() || until <= now => {
                self.state = State::Over(CloseReason::Local);
                self.outbox.push(Outgoing::Shutdown);
            }
            State::PeerGone { until } if !self.receiver.has_gap() || until <= now => {
                self.state = State::Over(CloseReason::Peer);
            }
            _ => {}
        }
    }

    /// Why the connection ended, once: afterwards it only lingers.
    pub(crate) fn take_end(&mut self, now: Instant) -> Option<CloseReason> {
        let State::Over(reason) = self.state else {
            return None;
        };
        self.state = State::Lingering {
            until: now + LINGER,
        };
        Some(reason)
    }

    /// Whether it can be forgotten.
    pub(crate) fn is_forgettable(&self, now: Instant) -> bool {
        matches!(self.state, State::Lingering { until } if until <= now)
    }

    /// Whether it has ended, though it may linger.
    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.state, State::Over(_) | State::Lingering { .. })
    }

    /// When something has to be done without any input.
    pub(crate) fn wake_at(&mut self) -> Instant {
        if !self.outbox.is_empty() || self.ackack.is_some() && !self.is_quiet() {
            return Instant::ZERO;
        }
        let end = match self.state {
            State::Lingering { until } => return until,
            State::Over(_) => return Instant::ZERO,
            // Nothing is sent to it any more; only what is still missing is waited for.
            State::PeerGone { until } => {
                return self
                    .receiver
                    .skip_due_at()
                    .map_or(until, |at| at.min(until));
            }
            State::Draining { until } => until,
            State::Open => Instant::FAR_FUTURE,
        };
        let control = self
            .idle_at()
            .min(self.keepalive_at())
            .min(self.receiver.wake_at())
            .min(end);
        let keys = match &self.crypto {
            Some(crypto) => crypto.next_announcement().unwrap_or(Instant::FAR_FUTURE),
            None => Instant::FAR_FUTURE,
        };
        control.min(keys).min(self.send_at())
    }

    /// When the sending half has something to do.
    fn send_at(&mut self) -> Instant {
        if self.sender.is_drained() || self.waits_for_key() {
            return Instant::FAR_FUTURE;
        }
        self.sender.wake_at(self.blind_timeout())
    }

    /// Whether what is to be sent waits for the peer to confirm its key.
    fn waits_for_key(&self) -> bool {
        self.crypto
            .as_ref()
            .is_some_and(ConnectionCrypto::waits_for_key)
    }

    /// When a keepalive is due, unless something else leaves before.
    fn keepalive_at(&self) -> Instant {
        let latest = (self.last_sent + KEEPALIVE_INTERVAL).as_micros();
        Instant::from_micros(latest - latest % KEEPALIVE_GRID_MICROS)
    }

    fn idle_at(&self) -> Instant {
        self.last_heard + self.config.idle_timeout
    }

    /// How long the newest packet may stay unacknowledged before it is repeated.
    fn blind_timeout(&self) -> Duration {
        if self.filter.as_ref().is_some_and(Filter::repeats_nothing) {
            return NO_BLIND_REPEATS;
        }
        self.rtt.timeout() + BLIND_MARGIN
    }

    /// When anything last came from the peer.
    pub(crate) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// A conclusion was repeated: our answer got lost or crossed it. It is no sign of life,
    /// because anybody who saw the first one can repeat it.
    pub(crate) fn on_repeated_conclusion(&mut self) {
        if self.response.is_some() && !self.has_ended() {
            self.outbox.push(Outgoing::HandshakeResponse);
        }
    }

    /// The full statistics.
    pub(crate) fn statistics(&mut self, now: Instant) -> Statistics {
        self.tally.settle_busy(now);
        if let Some(crypto) = &self.crypto {
            let keys = crypto.counters();
            self.tally.total.key_refreshes = keys.keys_received + keys.keys_announced;
        }
        let refusals = self.sender.refusals();
        self.tally.total.repeats_held_back = refusals.repeats;
        self.tally.total.copies_held_back = refusals.copies;
        let (interval, interval_time) = self.tally.interval(now);
        Statistics {
            at: now,
            uptime: now.saturating_since(self.created),
            silent_for: now.saturating_since(self.last_heard),
            total: self.tally.total,
            interval,
            interval_time,
            send_rate: Bitrate::of(interval.bytes_sent, interval_time),
            receive_rate: Bitrate::of(interval.bytes_received, interval_time),
            instant: self.gauges(now),
            rtt_known: self.rtt.is_known(),
            receive_keys: self.key_state(ConnectionCrypto::receive_state),
            send_keys: self.key_state(ConnectionCrypto::send_state),
        }
    }

    /// The state of one direction's keys; a peer that announces keys to a side without a
    /// secret hears that, and nothing changes.
    fn key_state(&self, of: impl Fn(&ConnectionCrypto) -> KeyState) -> KeyState {
        self.crypto.as_ref().map_or(KeyState::Unsecured, of)
    }

    fn gauges(&mut self, now: Instant) -> Gauges {
        let send = self.sender.figures();
        let receive = self.receiver.figures(now);
        let packet_bytes = self.tally.average_payload() + HEADER_BYTES;
        let capacity = self
            .peer_capacity
            .unwrap_or(receive.rates.capacity_packets_per_second);
        let room = send.capacity_packets - send.buffered_packets;
        Gauges {
            rtt: self.rtt.smoothed(),
            rtt_variance: self.rtt.variance(),
            jitter: receive.jitter,
            send_period_micros: send.period_micros,
            flow_window_packets: send.window_packets,
            congestion_window_packets: send.window_packets,
            flight_packets: send.in_flight,
            link_capacity: Bitrate::from_bps(u64::from(capacity) * packet_bytes * 8),
            max_bandwidth: send.bandwidth,
            segment_bytes: u64::from(self.negotiated.segment_bytes),
            send_buffer_available_bytes: room * self.payload_limit as u64,
            send_buffer_packets: send.buffered_packets,
            send_buffer_bytes: send.buffered_bytes,
            send_buffer_time: send.buffered_span,
            send_latency: self.negotiated.send_latency,
            receive_window_packets: receive.window_packets,
            receive_buffer_available_bytes: receive.available_packets * self.payload_limit as u64,
            receive_buffer_packets: receive.buffered_packets,
            receive_buffer_bytes: receive.buffered_bytes,
            receive_buffer_time: receive.buffered_span,
            receive_latency: receive.latency,
            reorder_distance_packets: self.tally.reorder_distance,
            reorder_tolerance_packets: receive.reorder_tolerance_packets,
            loss_burst_longest_packets: self.tally.longest_burst(now),
            belated_average: self.tally.belated_average(),
            receive_bytes_per_second: u64::from(receive.rates.bytes_per_second),
            receive_packets_per_second: u64::from(receive.rates.packets_per_second),
        }
    }
}
