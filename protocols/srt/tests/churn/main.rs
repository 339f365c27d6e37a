//! What many short connections leave behind. Alone in its process, whose memory it measures.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

#[path = "../edge/link.rs"]
mod link;

use link::{address, endpoint, sent};
use std::net::SocketAddr;
use tidegate_srt::{
    CallerConfig, ConnectionConfig, ConnectionId, Decision, Endpoint, EndpointLimits, Event,
};
use tidegate_units::{Duration, Instant};

/// Connections made and closed again, a hundred at a time.
const CYCLES: usize = 10_000;
const AT_ONCE: usize = 100;
/// What ten thousand of them may leave behind.
const GROWTH_BYTES: u64 = 4 << 20;

struct Wire {
    now: Instant,
    caller: Endpoint,
    listener: Endpoint,
    calls: Vec<ConnectionId>,
    closed: usize,
}

fn near() -> SocketAddr {
    address(1, 5000)
}

fn far() -> SocketAddr {
    address(2, 9000)
}

impl Wire {
    fn new() -> Self {
        Self {
            now: Instant::from_millis(1000),
            caller: endpoint(false, 1, EndpointLimits::default()),
            listener: endpoint(true, 2, EndpointLimits::default()),
            calls: Vec::new(),
            closed: 0,
        }
    }

    /// Passes everything on for `time`.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.caller.handle_timeout(self.now);
            self.listener.handle_timeout(self.now);
            loop {
                let out = sent(&mut self.caller, self.now);
                let back = sent(&mut self.listener, self.now);
                if out.is_empty() && back.is_empty() {
                    break;
                }
                for (_, bytes) in &out {
                    self.listener.handle_datagram(self.now, near(), None, bytes);
                }
                for (_, bytes) in &back {
                    self.caller.handle_datagram(self.now, far(), None, bytes);
                }
                self.take_events();
            }
            self.take_events();
            self.now += Duration::from_millis(5);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.listener.poll_event() {
            if let Event::Request(request) = event {
                let config = ConnectionConfig::default();
                let decision = Decision::Accept { keys: None, config };
                self.listener.decide(self.now, request.id, decision);
            }
        }
        while let Some(id) = self.listener.next_readable() {
            while self.listener.poll_received(id).is_some() {}
        }
        while let Some(event) = self.caller.poll_event() {
            match event {
                Event::Connected { id, .. } => self.calls.push(id),
                Event::Closed { .. } => self.closed += 1,
                _ => {}
            }
        }
    }

    /// A hundred callers come, send a little and go.
    fn cycle(&mut self) {
        for _ in 0..AT_ONCE {
            let call = self
                .caller
                .connect(self.now, far(), CallerConfig::default());
            call.unwrap();
        }
        self.run(Duration::from_millis(50));
        assert_eq!(self.calls.len(), AT_ONCE);
        for id in self.calls.clone() {
            for _ in 0..3 {
                let payload = vec![0x47; 1316].into();
                self.caller.send(self.now, id, payload, self.now).unwrap();
            }
        }
        self.run(Duration::from_millis(100));
        for id in core::mem::take(&mut self.calls) {
            self.caller.close(self.now, id);
        }
        self.run(Duration::from_millis(4000));
        assert_eq!(core::mem::take(&mut self.closed), AT_ONCE);
    }
}

/// This process's memory, as the kernel counts it.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn ten_thousand_connections_come_and_go_and_leave_nothing_behind() {
    let mut wire = Wire::new();
    wire.cycle();
    wire.cycle();
    let before = resident_bytes();
    for _ in 0..CYCLES / AT_ONCE {
        wire.cycle();
    }
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < GROWTH_BYTES, "{growth} bytes are left behind");
    assert_eq!(wire.listener.connection_count(), 0);
    assert_eq!(wire.listener.poll_timeout(), None, "no timer is left");
    assert_eq!(wire.caller.poll_timeout(), None);
    assert_eq!(
        wire.listener.counters().closed as usize,
        CYCLES + 2 * AT_ONCE
    );
}
