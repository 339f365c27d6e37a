//! Endpoints with addresses, and what they send.

use std::net::SocketAddr;
use tidegate_srt::{
    CookieKey, Endpoint, EndpointConfig, EndpointLimits, ListenerConfig, SocketIdSpace,
    TransmitBatch,
};
use tidegate_units::Instant;

pub(crate) fn address(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], port))
}

pub(crate) fn endpoint(listen: bool, shard: u8, limits: EndpointLimits) -> Endpoint {
    let config = EndpointConfig {
        listen: listen.then(ListenerConfig::default),
        socket_ids: SocketIdSpace { shard },
        cookie_key: CookieKey::new([9; 16]),
        limits,
        seed: [shard; 32],
    };
    Endpoint::new(Instant::ZERO, config)
}

/// All datagrams that are due now, with where they go.
pub(crate) fn sent(endpoint: &mut Endpoint, now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut batch = TransmitBatch::new(256 << 10);
    let mut datagrams = Vec::new();
    loop {
        let more = endpoint.poll_transmit(now, &mut batch);
        for run in batch.runs() {
            datagrams.extend(run.datagrams().map(|bytes| (run.to, bytes.to_vec())));
        }
        batch.clear();
        if !more {
            return datagrams;
        }
    }
}
