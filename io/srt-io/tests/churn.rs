//! What many short connections over real sockets leave behind. Alone in its process, whose
//! memory it counts: the kernel's figure would tell as much of the allocator's habits.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tidegate_srt::{CallerConfig, ConnectionConfig, ConnectionRequest, EndpointLimits, Received};
use tidegate_srt_io::{
    Admission, AdmissionReply, CallOptions, ConnectionHandle, EndReason, Fountain, ListenOptions,
    ListenerHandle, Role, Shards, ShardsConfig, Sink, Wake,
};
use tidegate_testkit::allocations::{CountingAllocator, live_bytes};
use tidegate_units::Instant;
use tokio::time::timeout;

const CYCLES: usize = 10_000;
const AT_ONCE: usize = 250;
/// What ten thousand connections may leave behind.
const GROWTH_BYTES: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

struct Ignore;

impl Sink for Ignore {
    fn receive(&mut self, _packet: Received) {}

    fn end_of_turn(&mut self, _now: Instant) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

/// One packet, then silence.
struct Once(Option<Bytes>);

impl Fountain for Once {
    fn next(&mut self, now: Instant) -> Option<(Bytes, Instant)> {
        self.0.take().map(|payload| (payload, now))
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn attach(&mut self, _waker: Arc<dyn Wake>) {}

    fn closed(&mut self, _reason: &EndReason) {}
}

#[derive(Default)]
struct Everybody(Mutex<Vec<ConnectionHandle>>);

impl Admission for Everybody {
    fn admit(&self, _request: ConnectionRequest, reply: AdmissionReply) {
        let role = Role::Publisher(Box::new(Ignore));
        let handle = reply.accept(None, ConnectionConfig::default(), role);
        self.0.lock().unwrap().push(handle);
    }
}

fn shards() -> Arc<Shards> {
    let config = ShardsConfig {
        threads: 2,
        ..ShardsConfig::default()
    };
    Shards::start(&config).unwrap()
}

fn call(shards: &Shards, to: SocketAddr) -> ConnectionHandle {
    let options = CallOptions::new(
        CallerConfig::default(),
        Role::Reader(Box::new(Once(Some(Bytes::from_static(&[0x47; 1316]))))),
    );
    shards.call(to, options).unwrap()
}

/// Many callers come and go again.
async fn cycle(near: &Shards, far: &Everybody, to: SocketAddr) {
    let calls: Vec<_> = (0..AT_ONCE).map(|_| call(near, to)).collect();
    for call in &calls {
        timeout(PATIENCE, call.connected()).await.unwrap().unwrap();
    }
    for call in &calls {
        call.close();
    }
    for call in &calls {
        timeout(PATIENCE, call.ended()).await.unwrap();
    }
    let handles = std::mem::take(&mut *far.0.lock().unwrap());
    assert_eq!(handles.len(), AT_ONCE);
    for handle in handles {
        timeout(PATIENCE, handle.ended()).await.unwrap();
    }
}

/// Until nobody lingers any more and the snapshots say so.
async fn settle(listener: &ListenerHandle) {
    tokio::time::sleep(Duration::from_secs(4)).await;
    let connections = || {
        listener
            .status()
            .iter()
            .map(|s| s.connections)
            .sum::<usize>()
    };
    let wait = async {
        while connections() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn ten_thousand_connections_come_and_go_and_leave_nothing_behind() {
    let (near, far, everybody) = (shards(), shards(), Arc::new(Everybody::default()));
    let options = ListenOptions {
        limits: EndpointLimits {
            requests_per_second_per_address: 20_000,
            requests_per_second: 20_000,
            ..EndpointLimits::default()
        },
        ..ListenOptions::default()
    };
    let admission = Arc::clone(&everybody) as Arc<dyn Admission>;
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = far.listen(address, &options, admission).unwrap();
    let to = listener.local_addr();
    // The first thousands show how much is needed at once, while the closed ones linger.
    for _ in 0..CYCLES / AT_ONCE {
        cycle(&near, &everybody, to).await;
    }
    settle(&listener).await;
    let before = live_bytes();
    for _ in 0..CYCLES / AT_ONCE {
        cycle(&near, &everybody, to).await;
    }
    settle(&listener).await;
    let growth = live_bytes().saturating_sub(before);
    assert!(growth < GROWTH_BYTES, "{growth} bytes are left behind");
    near.stop().await;
    far.stop().await;
}
