//! What connections cost that carry nothing.

use super::link::{address, endpoint, sent};
use std::net::SocketAddr;
use tidegate_srt::{
    CallerConfig, ConnectionConfig, Decision, Endpoint, EndpointLimits, Event, TransmitBatch,
};
use tidegate_units::{Duration, Instant};

const CONNECTIONS: usize = 1000;
const SECONDS: u64 = 20;

fn near() -> SocketAddr {
    address(1, 5000)
}

fn far() -> SocketAddr {
    address(2, 9000)
}

/// A caller with a thousand calls, made over a second, and the listener that accepted them.
fn idle_pair() -> (Instant, Endpoint, Endpoint) {
    let mut caller = endpoint(false, 1, EndpointLimits::default());
    let mut listener = endpoint(true, 2, EndpointLimits::default());
    let mut now = Instant::from_millis(1000);
    for _ in 0..CONNECTIONS {
        caller.connect(now, far(), CallerConfig::default()).unwrap();
        exchange(now, &mut caller, &mut listener);
        now += Duration::from_millis(1);
    }
    for _ in 0..20 {
        exchange(now, &mut caller, &mut listener);
        now += Duration::from_millis(50);
    }
    assert_eq!(listener.connection_count(), CONNECTIONS);
    (now, caller, listener)
}

fn exchange(now: Instant, caller: &mut Endpoint, listener: &mut Endpoint) {
    caller.handle_timeout(now);
    listener.handle_timeout(now);
    for _ in 0..3 {
        for (_, bytes) in sent(caller, now) {
            listener.handle_datagram(now, near(), None, &bytes);
        }
        while let Some(event) = listener.poll_event() {
            if let Event::Request(request) = event {
                let config = ConnectionConfig::default();
                listener.decide(now, request.id, Decision::Accept { keys: None, config });
            }
        }
        for (_, bytes) in sent(listener, now) {
            caller.handle_datagram(now, far(), None, &bytes);
        }
        while caller.poll_event().is_some() {}
    }
}

/// What an endpoint did by itself.
#[derive(Debug, Default)]
struct Work {
    wake_ups: u64,
    datagrams: u64,
    answers: u64,
}

impl Work {
    /// Wakes it if it wants to be, and hands over what it sends.
    fn wake(&mut self, now: Instant, endpoint: &mut Endpoint, batch: &mut TransmitBatch) {
        batch.clear();
        if endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.wake_ups += 1;
            endpoint.handle_timeout(now);
            assert!(!endpoint.poll_transmit(now, batch), "it fits");
            self.datagrams += batch.runs().flat_map(|run| run.datagrams()).count() as u64;
        }
    }

    /// Hands it what the other side sent, and counts what it says to that.
    fn hear(
        &mut self,
        now: Instant,
        from: SocketAddr,
        endpoint: &mut Endpoint,
        batch: &TransmitBatch,
    ) {
        for bytes in batch.runs().flat_map(|run| run.datagrams()) {
            endpoint.handle_datagram(now, from, None, bytes);
        }
        self.answers += sent(endpoint, now).len() as u64;
    }
}

#[test]
fn a_thousand_idle_connections_cost_a_keepalive_a_second_each_and_ten_wake_ups() {
    let (mut now, mut caller, mut listener) = idle_pair();
    let [mut there, mut back] = [(); 2].map(|()| TransmitBatch::new(1 << 20));
    let (mut ours, mut theirs) = (Work::default(), Work::default());
    let end = now + Duration::from_secs(SECONDS);
    while now < end {
        ours.wake(now, &mut listener, &mut back);
        theirs.wake(now, &mut caller, &mut there);
        ours.hear(now, near(), &mut listener, &there);
        theirs.hear(now, far(), &mut caller, &back);
        let wanted = [listener.poll_timeout(), caller.poll_timeout()];
        now = wanted.into_iter().flatten().min().unwrap();
    }
    for work in [ours, theirs] {
        assert_eq!(work.datagrams, CONNECTIONS as u64 * SECONDS, "{work:?}");
        assert_eq!(work.answers, 0, "{work:?}");
        assert!(work.wake_ups <= 11 * SECONDS, "{work:?}");
    }
    assert_eq!(listener.connection_count(), CONNECTIONS);
}
