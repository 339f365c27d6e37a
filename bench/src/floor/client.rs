//! A publisher or reader of the floor, driven like an SRT caller.

use super::wire::{ANSWER_BYTES, HEADER_BYTES, Header, Kind};
use crate::payload::{self, PAYLOAD_BYTES};
use crate::port::Scratch;
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;
use tidegate_udp::{Clock, MAX_SEGMENTS, Options, Run, Sent, Socket};
use tidegate_units::Instant;

/// A hello that stays without a welcome is repeated after this time.
const HELLO_INTERVAL: Duration = Duration::from_millis(250);
/// A publisher asks this often how many packets have come.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
/// A reader answers this often, as SRT acknowledges.
const ANSWER_INTERVAL: Duration = Duration::from_millis(10);
const DATAGRAM_BYTES: usize = HEADER_BYTES + PAYLOAD_BYTES;

/// A plain client, publishing or reading.
pub(crate) struct PlainClient {
    socket: Socket,
    to: SocketAddr,
    hello: Kind,
    member: u32,
    is_connected: bool,
    hello_due: Instant,
    /// When a reader answers next; `None` when it does not.
    answer_due: Option<Instant>,
    /// Packets sent until now, and until the newest hello.
    sent: u64,
    sent_until_hello: u64,
    /// Of those, packets that had not come when the hello had.
    lost: u64,
    received: u64,
    /// Datagrams that are written together.
    outgoing: Vec<u8>,
}

impl PlainClient {
    pub(crate) fn publish(now: Instant, to: SocketAddr, member: usize) -> anyhow::Result<Self> {
        Self::call(now, to, Kind::Publish, member)
    }

    /// One that answers, as SRT acknowledges, or says nothing.
    pub(crate) fn read(
        now: Instant,
        to: SocketAddr,
        member: usize,
        answers: bool,
    ) -> anyhow::Result<Self> {
        let mut reader = Self::call(now, to, Kind::Read, member)?;
        reader.answer_due = answers.then_some(now);
        Ok(reader)
    }

    fn call(now: Instant, to: SocketAddr, hello: Kind, member: usize) -> anyhow::Result<Self> {
        let local = ([127, 0, 0, 1], 0).into();
        let socket =
            Socket::bind(local, &Options::default()).context("no socket for a plain client")?;
        let mut client = Self {
            socket,
            to,
            hello,
            member: u32::try_from(member)?,
            is_connected: false,
            hello_due: now,
            answer_due: None,
            sent: 0,
            sent_until_hello: 0,
            lost: 0,
            received: 0,
            outgoing: Vec::with_capacity(MAX_SEGMENTS * DATAGRAM_BYTES),
        };
        client.tick(now)?;
        Ok(client)
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(crate) const fn is_connected(&self) -> bool {
        self.is_connected
    }

    pub(crate) const fn wakes_at(&self) -> Instant {
        self.hello_due
    }

    /// Packets sent that did not come, as far as the relay has said.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Datagrams that this side's kernel lost: the generator's own fault.
    pub(crate) fn lost_here(&self) -> u64 {
        let counters = self.socket.counters();
        counters.drops + counters.refused
    }

    /// Sends the packets with these numbers at once.
    pub(crate) fn send(&mut self, now: Instant, numbers: Range<u64>) -> anyhow::Result<()> {
        self.sent += numbers.end - numbers.start;
        self.outgoing.clear();
        for number in numbers {
            let header = self.header(Kind::Data, number);
            self.outgoing.extend(header.bytes());
            self.outgoing.extend(payload::packet(number, now));
        }
        self.write(&self.outgoing, DATAGRAM_BYTES)
    }

    /// Reads what has come, and answers it.
    pub(crate) fn receive(
        &mut self,
        scratch: &mut Scratch,
        take: &mut dyn FnMut(Instant, &[u8]),
    ) -> anyhow::Result<()> {
        while self.socket.recv(&mut scratch.incoming)? > 0 {
            let now = Clock.now();
            for datagram in scratch.incoming.datagrams() {
                self.handle(now, datagram.bytes, take);
            }
            if !scratch.incoming.is_full() {
                break;
            }
        }
        self.answer()
    }

    /// Says hello when it is due.
    pub(crate) fn tick(&mut self, now: Instant) -> anyhow::Result<()> {
        if self.hello_due > now {
            return Ok(());
        }
        self.hello_due = match (self.is_connected, self.hello) {
            (false, _) => now + HELLO_INTERVAL,
            (true, Kind::Publish) => now + ASK_INTERVAL,
            (true, _) => Instant::FAR_FUTURE,
        };
        self.sent_until_hello = self.sent;
        let hello = self.header(self.hello, self.sent).bytes();
        self.write(&hello, HEADER_BYTES)
    }

    fn handle(&mut self, now: Instant, datagram: &[u8], take: &mut dyn FnMut(Instant, &[u8])) {
        let Some(header) = Header::of(datagram) else {
            return;
        };
        match header.kind {
            Kind::Data => {
                self.received += 1;
                take(now, &datagram[HEADER_BYTES..]);
            }
            Kind::Welcome => {
                self.is_connected = true;
                if self.hello == Kind::Publish {
                    self.lost = self.sent_until_hello.saturating_sub(header.number);
                }
            }
            Kind::Publish | Kind::Read | Kind::Answer => {}
        }
    }

    fn answer(&mut self) -> anyhow::Result<()> {
        let now = Clock.now();
        if self.received == 0 || self.answer_due.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.answer_due = Some(now + ANSWER_INTERVAL);
        let answer = self.header(Kind::Answer, self.received).answer();
        self.write(&answer, ANSWER_BYTES)
    }

    const fn header(&self, kind: Kind, number: u64) -> Header {
        let member = self.member;
        Header {
            kind,
            member,
            number,
        }
    }

    /// Writes datagrams of this size.
    fn write(&self, bytes: &[u8], segment_bytes: usize) -> anyhow::Result<()> {
        let run = Run {
            to: self.to,
            from: None,
            bytes,
            segment_bytes,
        };
        match self.socket.send(&[run]) {
            Sent::All => Ok(()),
            Sent::Blocked(_) => bail!("a plain client could not send"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    /// Far more than anything here takes; it only keeps a broken client from hanging the tests.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn relay() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    /// The next datagram's header and payload, and who sent it.
    fn next(relay: &UdpSocket) -> (Header, Vec<u8>, SocketAddr) {
        let mut bytes = [0; 4096];
        let (length, from) = relay.recv_from(&mut bytes).unwrap();
        let header = Header::of(&bytes[..length]).unwrap();
        (header, bytes[HEADER_BYTES..length].to_vec(), from)
    }

    fn say(relay: &UdpSocket, kind: Kind, number: u64, to: SocketAddr) {
        let member = 3;
        let header = Header {
            kind,
            member,
            number,
        };
        relay.send_to(&header.bytes(), to).unwrap();
    }

    fn receive(client: &mut PlainClient) -> Vec<u64> {
        let mut poller = tidegate_udp::Poller::new().unwrap();
        let interest = tidegate_udp::Interest::Read;
        poller.add(client.descriptor(), 0, interest).unwrap();
        poller.wait(Some(PATIENCE)).unwrap();
        let mut numbers = Vec::new();
        let take = &mut |_, bytes: &[u8]| numbers.push(payload::mark(bytes).unwrap().number);
        client.receive(&mut Scratch::new(), take).unwrap();
        numbers
    }

    #[test]
    fn a_publisher_learns_how_many_of_its_packets_did_not_come() {
        let (relay, address) = relay();
        let now = Clock.now();
        let mut publisher = PlainClient::publish(now, address, 3).unwrap();
        let (hello, _, from) = next(&relay);
        assert_eq!((hello.kind, hello.member), (Kind::Publish, 3));
        say(&relay, Kind::Welcome, 0, from);
        receive(&mut publisher);
        assert!(publisher.is_connected());
        publisher.send(now, 0..5).unwrap();
        for number in 0..5 {
            let (header, payload, _) = next(&relay);
            assert_eq!((header.kind, header.number), (Kind::Data, number));
            assert_eq!(payload::mark(&payload).unwrap().number, number);
        }
        publisher.tick(publisher.wakes_at()).unwrap();
        assert_eq!(next(&relay).0.number, 5);
        say(&relay, Kind::Welcome, 4, from);
        receive(&mut publisher);
        assert_eq!(publisher.lost(), 1);
    }

    #[test]
    fn a_hello_is_repeated_until_it_is_welcomed() {
        let (relay, address) = relay();
        let mut reader = PlainClient::read(Clock.now(), address, 0, false).unwrap();
        for _ in 0..3 {
            assert_eq!(next(&relay).0.kind, Kind::Read);
            reader.tick(reader.wakes_at()).unwrap();
        }
        let (_, _, from) = next(&relay);
        say(&relay, Kind::Welcome, 0, from);
        receive(&mut reader);
        reader.tick(reader.wakes_at()).unwrap();
        assert_eq!(reader.wakes_at(), Instant::FAR_FUTURE);
    }

    #[test]
    fn a_reader_takes_payloads_and_answers_them_when_it_is_to() {
        let (relay, address) = relay();
        let now = Clock.now();
        let mut reader = PlainClient::read(now, address, 0, true).unwrap();
        let (_, _, from) = next(&relay);
        let header = reader.header(Kind::Data, 9);
        let datagram = [&header.bytes()[..], &payload::packet(9, now)[..]].concat();
        relay.send_to(&datagram, from).unwrap();
        assert_eq!(receive(&mut reader), [9]);
        let (answer, _, _) = next(&relay);
        assert_eq!((answer.kind, answer.number), (Kind::Answer, 1));
    }
}
