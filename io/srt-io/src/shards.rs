use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, thread};

use tidegate_srt::{CookieKey, EndpointConfig, EndpointLimits, GroupCall, LegCall, SocketIdSpace};
use tidegate_udp::{Clock, Options, Socket, bind_group};
use tokio::sync::oneshot;

use crate::admission::{Admission, Lobby};
use crate::call::{CallError, CallOptions, canonical};
use crate::command::{Called, Command, OpenPort, PlaceCall, PortId};
use crate::config::{ListenOptions, SHARDS_MAX, ShardsConfig};
use crate::connection::{ConnectionHandle, ConnectionShared, EndReason};
use crate::exit::{Exit, OpenWay, is_absent};
use crate::group_call::{GroupCallOptions, LegOptions};
use crate::guest::Guest;
use crate::key_pool::KeyPool;
use crate::listener::{ListenError, ListenerHandle, Member};
use crate::opener::Opener;
use crate::port_status::PortShared;
use crate::shard::{Door, LinkMap, Shard, best_for_one_more};

/// SRTLA senders that one shard may have at least.
const LEAST_SHARE: usize = 32;

/// The media threads.
pub struct Shards {
    doors: Arc<[Arc<Door>]>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    keys: Arc<KeyPool>,
    lobby: Lobby,
    cookie_key: [u8; 16],
    next_port: AtomicU64,
    next_shard: AtomicUsize,
    /// Shards that have opened their shared ports for calls.
    call_ports: Mutex<BTreeSet<(u8, PortId)>>,
}

impl Shards {
    /// Starts the threads. They run until [`stop`](Self::stop), or until this is dropped.
    ///
    /// # Errors
    /// Out of threads, descriptors or random numbers, or more threads than there can be.
    pub fn start(config: &ShardsConfig) -> io::Result<Arc<Self>> {
        let count = thread_count(config.threads)?;
        let doors = (0..count)
            .map(|index| Door::new(index, config.packed_connections))
            .collect::<io::Result<Arc<[_]>>>()?;
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let shard = Shard::new(index, Arc::clone(&doors), config)?;
            let name = format!("srt-shard-{index}");
            threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || shard.run())?,
            );
        }
        Ok(Arc::new(Self {
            doors,
            threads: Mutex::new(threads),
            keys: Arc::new(KeyPool::start()?),
            lobby: Lobby::open()?,
            cookie_key: random()?,
            next_port: AtomicU64::new(PortId::FIRST_FREE),
            next_shard: AtomicUsize::new(0),
            call_ports: Mutex::default(),
        }))
    }

    /// The clock behind every instant here.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock
    }

    /// The threads for key derivation.
    #[must_use]
    pub fn keys(&self) -> &KeyPool {
        &self.keys
    }

    /// How many threads there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.doors.len()
    }

    /// How many connections live on each, those being made included; none where the thread has
    /// ended.
    #[must_use]
    pub fn connections(&self) -> Vec<usize> {
        self.doors.iter().map(|door| door.connections()).collect()
    }

    /// Listens on every shard; port 0 takes one free port for all of them.
    ///
    /// # Errors
    /// The address cannot be bound, or the shards are stopping.
    pub fn listen(
        &self,
        address: SocketAddr,
        options: &ListenOptions,
        admission: Arc<dyn Admission>,
    ) -> Result<ListenerHandle, ListenError> {
        let failed = |error| ListenError::Bind { address, error };
        let sockets = bind_group(address, self.doors.len(), &options.udp).map_err(failed)?;
        let port = self.fresh_port();
        let local = sockets[0].local_addr();
        warn_about_buffers(&sockets[0], &options.udp);
        let gate = self.lobby.gate(admission);
        let links = Arc::new(LinkMap::default());
        let limits = limits_of_one(&options.limits, self.doors.len());
        let closed = AtomicBool::new(false);
        let mut handle = ListenerHandle {
            port,
            local,
            members: Vec::new(),
            closed,
        };
        for (door, socket) in self.doors.iter().zip(sockets) {
            let config = EndpointConfig {
                listen: Some(options.listener.clone()),
                limits,
                ..self.endpoint(door).map_err(failed)?
            };
            let shared = Arc::new(PortShared::default());
            let open = OpenPort {
                id: port,
                ways: vec![OpenWay::only(port, socket)],
                config,
                gate: Some(gate.clone()),
                links: Arc::clone(&links),
                shared: Arc::clone(&shared),
                for_one_call: false,
            };
            // On failure the handle goes and takes the shares opened so far with it.
            door.push(Command::Open(Box::new(open)))
                .map_err(|_| ListenError::Busy)?;
            handle.members.push(Member {
                door: Arc::clone(door),
                shared,
            });
        }
        Ok(handle)
    }

    /// Calls `remote`. How it goes is on the handle.
    ///
    /// # Errors
    /// The local address cannot be used, or the shards are stopping.
    pub fn call(
        &self,
        remote: SocketAddr,
        options: CallOptions,
    ) -> Result<ConnectionHandle, CallError> {
        let remote = canonical(remote);
        let door = self.door_for_a_call();
        let port = if let Some(local) = options.own_port(remote) {
            let udp = Options {
                tos: options.tos,
                ttl: options.ttl,
                interface: options.interface.clone(),
                ..Options::default()
            };
            self.open_for_call(door, self.fresh_port(), local, udp, true)?
        } else {
            self.open_shared_call_port(door, remote.is_ipv4())?
        };
        let opener = options.passphrase.map(|passphrase| Opener {
            keys: Arc::clone(&self.keys),
            door: Arc::clone(door),
            peer: remote.ip(),
            passphrase,
        });
        let shared = ConnectionShared::new(remote, Clock.now());
        let call = PlaceCall {
            port,
            called: Called::One(remote, Box::new(options.caller)),
            guest: Guest::new(options.role, Arc::clone(&shared), EndReason::Stopping),
            opener,
        };
        place(door, call, shared)
    }

    /// Calls as a bonding group. How it goes is on the handle, the legs in its status.
    ///
    /// # Errors
    /// A local address cannot be used, or the shards are stopping.
    pub fn call_group(&self, options: GroupCallOptions) -> Result<ConnectionHandle, CallError> {
        let door = self.door_for_a_call();
        let (port, legs) = self.open_for_group(door, &options.legs)?;
        let first = legs.first().ok_or(CallError::NoLegs)?.remote;
        let shared = ConnectionShared::new(first, Clock.now());
        let mut group = GroupCall::new(options.kind, legs, options.caller);
        group.min_stability = options.min_stability.unwrap_or(group.min_stability);
        let call = PlaceCall {
            port,
            called: Called::Group(Box::new(group)),
            guest: Guest::new(options.role, Arc::clone(&shared), EndReason::Stopping),
            opener: None,
        };
        place(door, call, shared)
    }

    /// Calls go where callers would; where that is the same everywhere, in turn.
    fn door_for_a_call(&self) -> &Arc<Door> {
        let first = self.next_shard.fetch_add(1, Ordering::Relaxed) % self.doors.len();
        best_for_one_more(&self.doors, first)
    }

    /// Opens a port with a socket for each leg.
    fn open_for_group(
        &self,
        door: &Arc<Door>,
        legs: &[LegOptions],
    ) -> Result<(PortId, Vec<LegCall>), CallError> {
        let ways = self.open_ways(legs)?;
        let id = ways.first().ok_or(CallError::NoLegs)?.token;
        let calls = legs.iter().enumerate().map(|(way, leg)| LegCall {
            remote: canonical(leg.remote),
            weight: leg.weight,
            way: u8::try_from(way).unwrap_or(u8::MAX),
        });
        let open = OpenPort {
            id,
            ways,
            config: self.endpoint(door).map_err(CallError::Random)?,
            gate: None,
            links: Arc::default(),
            shared: Arc::default(),
            for_one_call: true,
        };
        door.push(Command::Open(Box::new(open)))
            .map_err(|_| CallError::Busy)?;
        Ok((id, calls.collect()))
    }

    /// A socket for each leg. One leg's network may be missing: that is what the others are for.
    fn open_ways(&self, legs: &[LegOptions]) -> Result<Vec<OpenWay>, CallError> {
        let mut ways = Vec::with_capacity(legs.len());
        let mut missing = None;
        for exit in legs.iter().map(Exit::of) {
            let failed = |error| CallError::Local {
                address: exit.address,
                interface: exit.udp.interface.clone(),
                error,
            };
            let socket = match exit.open() {
                Ok(socket) => Some(socket),
                Err(error) if is_absent(&error) => {
                    let error = failed(error);
                    tracing::warn!(%error, "a leg's own network is not there");
                    missing = missing.or(Some(error));
                    None
                }
                Err(error) => return Err(failed(error)),
            };
            ways.push(OpenWay {
                token: self.fresh_port(),
                socket,
                exit: Some(exit),
            });
        }
        match missing {
            Some(error) if ways.iter().all(|way| way.socket.is_none()) => Err(error),
            _ => Ok(ways),
        }
    }

    /// Opens the port that a shard's calls share, unless it is open.
    fn open_shared_call_port(&self, door: &Arc<Door>, is_v4: bool) -> Result<PortId, CallError> {
        let (port, any): (PortId, SocketAddr) = if is_v4 {
            (PortId::CALLS_V4, (Ipv4Addr::UNSPECIFIED, 0).into())
        } else {
            (PortId::CALLS_V6, (Ipv6Addr::UNSPECIFIED, 0).into())
        };
        let mut open = self
            .call_ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if open.contains(&(door.index(), port)) {
            return Ok(port);
        }
        self.open_for_call(door, port, any, Options::default(), false)?;
        open.insert((door.index(), port));
        Ok(port)
    }

    fn open_for_call(
        &self,
        door: &Arc<Door>,
        id: PortId,
        address: SocketAddr,
        udp: Options,
        for_one_call: bool,
    ) -> Result<PortId, CallError> {
        let interface = udp.interface.clone();
        let failed = |error| CallError::Local {
            address,
            interface: interface.clone(),
            error,
        };
        let udp = Options {
            only_v6: true,
            ..udp
        };
        let socket = Socket::bind(address, &udp).map_err(failed)?;
        let open = OpenPort {
            id,
            ways: vec![OpenWay::only(id, socket)],
            config: self.endpoint(door).map_err(failed)?,
            gate: None,
            links: Arc::default(),
            shared: Arc::default(),
            for_one_call,
        };
        door.push(Command::Open(Box::new(open)))
            .map_err(|_| CallError::Busy)?;
        Ok(id)
    }

    /// Says goodbye to every peer, closes every socket and ends the threads.
    pub async fn stop(&self) {
        for done in self.ask_to_stop() {
            // A thread that has ended already needs no asking.
            let _ = done.await;
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // They have just said that they end; this waits microseconds.
            let _ = thread.join();
        }
    }

    fn ask_to_stop(&self) -> Vec<oneshot::Receiver<()>> {
        let ask = |door: &Arc<Door>| {
            let (done, stopped) = oneshot::channel();
            door.push(Command::Stop { done }).ok().map(|()| stopped)
        };
        self.doors.iter().filter_map(ask).collect()
    }

    fn endpoint(&self, door: &Door) -> io::Result<EndpointConfig> {
        Ok(EndpointConfig {
            listen: None,
            socket_ids: SocketIdSpace {
                shard: door.index(),
            },
            cookie_key: CookieKey::new(self.cookie_key),
            limits: EndpointLimits::default(),
            seed: random()?,
        })
    }

    fn fresh_port(&self) -> PortId {
        PortId(self.next_port.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.doors.len())
    }
}

fn place(
    door: &Arc<Door>,
    call: PlaceCall,
    shared: Arc<ConnectionShared>,
) -> Result<ConnectionHandle, CallError> {
    door.push_call(call).map_err(|_| CallError::Busy)?;
    Ok(ConnectionHandle {
        shared,
        door: Arc::clone(door),
    })
}

fn thread_count(asked: usize) -> io::Result<usize> {
    match asked {
        0 => {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            Ok(cores.min(SHARDS_MAX))
        }
        1..=SHARDS_MAX => Ok(asked),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{asked} media threads are too many: a socket ID names at most {SHARDS_MAX}"),
        )),
    }
}

/// What each shard may have of the limits on a whole port. Those that keep its thread from
/// drowning are its own.
fn limits_of_one(whole: &EndpointLimits, shards: usize) -> EndpointLimits {
    let bundles = whole.srtla_bundles;
    // The kernel's hash spreads SRTLA's senders unevenly.
    let least = LEAST_SHARE.min(bundles);
    EndpointLimits {
        srtla_bundles: bundles.div_ceil(shards).max(least),
        // Refusals of an address are not divided: those who fail one after the other are mostly
        // placed on the same shard, and a share of it would be all they and their neighbours get.
        ..*whole
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

fn warn_about_buffers(socket: &Socket, asked: &Options) {
    let granted = socket.recv_buffer_bytes();
    if granted < asked.recv_buffer_bytes {
        tracing::warn!(
            asked = asked.recv_buffer_bytes,
            granted,
            "the system grants a smaller UDP receive buffer than asked for; \
             raise net.core.rmem_max, or bursts may be lost on this host"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_on_a_whole_port_are_shared_by_its_shards() {
        let whole = EndpointLimits {
            srtla_bundles: 1000,
            ..EndpointLimits::default()
        };
        assert_eq!(limits_of_one(&whole, 1), whole);
        let one = limits_of_one(&whole, 8);
        assert_eq!(
            one,
            EndpointLimits {
                srtla_bundles: 125,
                ..whole
            }
        );
        assert_eq!(limits_of_one(&whole, 64).srtla_bundles, LEAST_SHARE);
    }

    #[test]
    fn more_media_threads_than_a_socket_id_names_are_refused() {
        assert_eq!(
            thread_count(SHARDS_MAX).expect("as many as that"),
            SHARDS_MAX
        );
        let error = thread_count(SHARDS_MAX + 1).expect_err("one too many");
        assert!(error.to_string().contains("at most 64"), "{error}");
        assert!((1..=SHARDS_MAX).contains(&thread_count(0).expect("one per core")));
    }
}
