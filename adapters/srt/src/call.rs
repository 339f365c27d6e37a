//! Calls: what a pull and a push have in common.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tidegate_engine::{CancellationToken, RunError, Secret};
use tidegate_srt::{
    CallerConfig, CipherMode, ConnectionConfig, KeyLength, KeyRefresh, MaxBandwidth, SessionKeys,
};
use tidegate_srt_io::{
    CallError, CallOptions, ConnectionHandle, GroupCallOptions, LegOptions, Role, Shards,
};
use tidegate_units::Bitrate;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::phrases;
use crate::settings::{Bonding, CallMode, CallUri, FilterChoice, Repeats};

/// How long a name may take to become an address.
const RESOLVE_MAX: Duration = Duration::from_secs(5);
/// libsrt's retransmission overhead.
const DEFAULT_OVERHEAD_PERCENT: u8 = 25;

/// Whom to call, and how.
pub(crate) struct Target {
    pub(crate) shards: Arc<Shards>,
    pub(crate) uri: CallUri,
    pub(crate) passphrase: Option<Secret>,
    pub(crate) key_length: KeyLength,
    pub(crate) cipher: CipherMode,
    /// Of the settings' own field; the address may have one as well.
    pub(crate) key_refresh: Option<KeyRefresh>,
    pub(crate) repeats: Repeats,
    /// Of the settings' own field; it counts for the receiving side of the connection.
    pub(crate) latency: Option<Duration>,
    /// Of the settings' own field.
    pub(crate) packet_filter: Option<FilterChoice>,
    /// Of an output: the call is the first of several legs.
    pub(crate) bonding: Option<Bonding>,
    /// Counts the attempts, to try a name's addresses in turn.
    pub(crate) attempts: AtomicUsize,
}

/// Which side of the connection receives media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    We,
    They,
}

/// A call that ends when it is let go.
pub(crate) struct Placed {
    pub(crate) handle: ConnectionHandle,
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Target {
    /// The same with the packet filter of the settings' own field.
    pub(crate) fn with_filter(mut self, filter: Option<FilterChoice>) -> Self {
        self.packet_filter = filter;
        self
    }

    /// The address in words.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.uri.host(), self.uri.port())
    }

    /// Whether it calls a listener or meets another caller.
    pub(crate) const fn mode(&self) -> &'static str {
        self.uri.mode().name()
    }

    /// The stream ID it asks for.
    pub(crate) fn stream_id(&self) -> &str {
        self.uri.options().stream_id.as_deref().unwrap_or_default()
    }

    /// Calls, and returns once connected. `None` when stopped meanwhile.
    pub(crate) async fn call(
        &self,
        role: Role,
        receiver: Receiver,
        stop: &CancellationToken,
    ) -> Result<Option<Placed>, RunError> {
        let attempt = async {
            let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
            let handle = match &self.bonding {
                None => self.place_call(attempt, role, receiver).await?,
                Some(bonding) => self.place_group(attempt, bonding, role, receiver).await?,
            };
            let placed = Placed { handle };
            match placed.handle.connected().await {
                Ok(_) => Ok(placed),
                Err(reason) => Err(phrases::not_connected(
                    &self.name(),
                    self.uri.mode(),
                    &reason,
                )),
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(None),
            placed = attempt => placed.map(Some),
        }
    }

    async fn place_call(
        &self,
        attempt: usize,
        role: Role,
        receiver: Receiver,
    ) -> Result<ConnectionHandle, RunError> {
        let remote = resolve(&self.uri, attempt).await?;
        let keys = self.keys(remote).await?;
        let uri = self.uri.options();
        let options = CallOptions {
            local: local(&self.uri, remote)?,
            interface: uri.interface.clone(),
            tos: uri.tos,
            ttl: uri.ttl,
            passphrase: self.opening_passphrase(),
            ..CallOptions::new(self.caller(keys, receiver), role)
        };
        let placed = self.shards.call(remote, options);
        placed.map_err(|error| phrases::not_placed(&error))
    }

    async fn place_group(
        &self,
        attempt: usize,
        bonding: &Bonding,
        role: Role,
        receiver: Receiver,
    ) -> Result<ConnectionHandle, RunError> {
        let mut legs = Vec::new();
        for (uri, weight) in bonding.legs(&self.uri) {
            let remote = resolve(&uri, attempt).await?;
            let options = uri.options();
            legs.push(LegOptions {
                remote,
                weight,
                local: local(&uri, remote)?,
                interface: options.interface.clone(),
                tos: options.tos,
                ttl: options.ttl,
            });
        }
        let Some(first) = legs.first() else {
            return Err(phrases::not_placed(&CallError::NoLegs));
        };
        let keys = self.keys(first.remote).await?;
        let options = GroupCallOptions {
            kind: bonding.kind(),
            legs,
            min_stability: bonding.min_stability.map(|span| span.0),
            caller: self.caller(keys, receiver),
            role,
        };
        let placed = self.shards.call_group(options);
        placed.map_err(|error| phrases::not_placed(&error))
    }

    /// In a rendezvous it may be the other side whose keys are used.
    fn opening_passphrase(&self) -> Option<Zeroizing<Vec<u8>>> {
        let meets = self.uri.mode() == CallMode::Rendezvous;
        let passphrase = self.passphrase.as_ref().filter(|_| meets)?;
        Some(Zeroizing::new(passphrase.expose().as_bytes().to_vec()))
    }

    async fn keys(&self, remote: SocketAddr) -> Result<Option<SessionKeys>, RunError> {
        let Some(passphrase) = &self.passphrase else {
            return Ok(None);
        };
        let passphrase = passphrase.expose().as_bytes().to_vec();
        let keys = self
            .shards
            .keys()
            .generate(remote.ip(), passphrase, self.key_length, self.cipher)
            .await;
        let keys = keys.map_err(|error| RunError::ours(error.to_string(), "It is tried again"))?;
        keys.map(Some).map_err(|error| {
            RunError::configuration(error.to_string(), "Choose a passphrase of 10 to 79 bytes")
        })
    }

    fn caller(&self, keys: Option<SessionKeys>, receiver: Receiver) -> CallerConfig {
        let options = self.uri.options();
        let mut config = CallerConfig {
            stream_id: Bytes::copy_from_slice(self.stream_id().as_bytes()),
            keys,
            connection: self.connection(receiver),
            rendezvous: options.mode == CallMode::Rendezvous,
            ..CallerConfig::default()
        };
        if let Some(time) = options.connect_timeout {
            config.connect_timeout = time;
        }
        config
    }

    fn connection(&self, receiver: Receiver) -> ConnectionConfig {
        let options = self.uri.options();
        let mut config = ConnectionConfig::default();
        // `latency` sets both directions, as in libsrt; the settings' own field the one that
        // media takes.
        let both = options.latency;
        config.latency = options.receive_latency.or(both).unwrap_or(config.latency);
        config.peer_latency = options.peer_latency.or(both).unwrap_or(config.peer_latency);
        match (self.latency, receiver) {
            (Some(latency), Receiver::We) => config.latency = latency,
            (Some(latency), Receiver::They) => config.peer_latency = latency,
            (None, _) => {}
        }
        let set = |target: &mut bool, value: Option<bool>| *target = value.unwrap_or(*target);
        set(&mut config.too_late_drop, options.too_late_drop);
        set(&mut config.nak_report, options.nak_report);
        set(&mut config.trace_drift, options.trace_drift);
        config.idle_timeout = options.idle_timeout.unwrap_or(config.idle_timeout);
        config.send_drop_delay = options.send_drop_delay.unwrap_or(config.send_drop_delay);
        config.reorder_tolerance_packets = options
            .loss_max_ttl
            .unwrap_or(config.reorder_tolerance_packets);
        config.max_bandwidth = self.max_bandwidth();
        let filter = self.packet_filter.or(options.packet_filter);
        config.packet_filter = filter.and_then(FilterChoice::wanted);
        config.key_refresh = self.key_refresh.unwrap_or_else(|| options.key_refresh());
        self.repeats.apply(&mut config);
        config
    }

    /// `maxbw`, `inputbw` and `oheadbw` as libsrt reads them.
    fn max_bandwidth(&self) -> MaxBandwidth {
        let options = self.uri.options();
        let bits = |bytes: u64| Bitrate::from_bps(bytes.saturating_mul(8));
        match options.max_bandwidth {
            None | Some(i64::MIN..=-1) => MaxBandwidth::Unlimited,
            Some(0) => MaxBandwidth::Relative {
                input: options.input_bandwidth.filter(|rate| *rate > 0).map(bits),
                minimum_input: Bitrate::ZERO,
                overhead_percent: options.overhead_percent.unwrap_or(DEFAULT_OVERHEAD_PERCENT),
            },
            Some(bytes) => MaxBandwidth::Absolute(bits(bytes.unsigned_abs())),
        }
    }
}

/// The address of a name, of several another at each attempt.
async fn resolve(uri: &CallUri, attempt: usize) -> Result<SocketAddr, RunError> {
    let host = uri.host();
    let failed = |why: String| {
        RunError::theirs(
            format!("the address of {host} cannot be found: {why}"),
            "Check the name, and this machine's DNS",
        )
    };
    let lookup = tokio::net::lookup_host((host, uri.port()));
    let found = timeout(RESOLVE_MAX, lookup)
        .await
        .map_err(|_| failed("no answer from the name server".into()))?
        .map_err(|error| failed(error.to_string()))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.sort_by_key(|address| address.is_ipv6());
    let chosen = attempt
        .checked_rem(addresses.len())
        .and_then(|index| addresses.get(index));
    chosen.copied().ok_or_else(|| failed("it has none".into()))
}

/// Where a call leaves from.
fn local(uri: &CallUri, remote: SocketAddr) -> Result<Option<SocketAddr>, RunError> {
    let options = uri.options();
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    // The other side of a rendezvous calls the port it is called at, unless told otherwise.
    let usual = match options.mode {
        CallMode::Caller => 0,
        CallMode::Rendezvous => remote.port(),
    };
    let port = options.local_port.unwrap_or(usual);
    match (options.local_address, options.local_port) {
        (None, None) => Ok(None),
        (Some(address), _) if address.is_ipv4() == remote.is_ipv4() => {
            Ok(Some((address, port).into()))
        }
        (Some(address), _) => Err(RunError::configuration(
            format!("{} cannot be called from {address}", remote.ip()),
            "adapter= must be of the same family as the far side: IPv4 or IPv6",
        )),
        (None, Some(_)) if remote.is_ipv4() => {
            Ok(Some((std::net::Ipv4Addr::UNSPECIFIED, port).into()))
        }
        (None, Some(_)) => Ok(Some((std::net::Ipv6Addr::UNSPECIFIED, port).into())),
    }
}
