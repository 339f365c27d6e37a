use std::time::Duration;

use tidegate_srt::{EndpointLimits, ListenerConfig};
use tidegate_udp::{Options, steer};

/// Shards that one process can have: as many as a socket ID has room to name.
pub const SHARDS_MAX: usize = steer::MAX_SHARDS;

/// How the shards run.
#[derive(Clone, Debug)]
pub struct ShardsConfig {
    /// Shard threads, at most [`SHARDS_MAX`]; 0 takes one per core.
    pub threads: usize,
    /// Least time between two turns of a busy shard, so that batches form; it takes up to 2 ms
    /// while that gathers more of them. Zero answers every packet at once.
    pub moderation: Duration,
    /// Connections that one shard takes before the next gets any; zero spreads them from the
    /// first. A few streams cost least where they share wake-ups.
    pub packed_connections: usize,
}

impl Default for ShardsConfig {
    fn default() -> Self {
        Self {
            threads: 0,
            moderation: Duration::from_micros(500),
            // At 50 Mbit/s each they keep a core busy for about a third.
            packed_connections: 12,
        }
    }
}

/// How a listener is opened.
#[derive(Clone, Debug, Default)]
pub struct ListenOptions {
    /// What the SRT core offers to callers.
    pub listener: ListenerConfig,
    /// What strangers may cost.
    pub limits: EndpointLimits,
    /// Socket options; sharing the port among shards is added as needed.
    pub udp: Options,
}
