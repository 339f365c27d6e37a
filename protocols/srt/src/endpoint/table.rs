use super::calls::Call;
use crate::config::SocketIdSpace;
use crate::connection::Connection;
use crate::event::ConnectionId;
use crate::group::{Group, Outgoing};
use crate::srtla::BundleKey;
use crate::wire::{SequenceNumber, SocketId};
use core::hash::{BuildHasherDefault, Hasher};
use core::net::{IpAddr, SocketAddr};
use rand_core::RngCore;
use std::collections::HashMap;

/// Draws of a socket ID before the space counts as full.
const MAX_DRAWS: u32 = 1000;

/// What tells one caller from another: a repeated conclusion has the same three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PeerKey {
    address: SocketAddr,
    socket: SocketId,
    initial_sequence: u32,
}

impl PeerKey {
    pub(crate) const fn new(
        address: SocketAddr,
        socket: SocketId,
        initial_sequence: SequenceNumber,
    ) -> Self {
        Self {
            address,
            socket,
            initial_sequence: initial_sequence.value(),
        }
    }
}

/// What a socket of ours is busy with.
#[derive(Debug)]
pub(crate) enum Occupant {
    Call(Box<Call>),
    Connection(Box<Connection>),
    /// Its legs are connections in slots of their own.
    Group(Box<Group>),
    /// Likewise, or calls on their way; or nothing yet.
    Outgoing(Box<Outgoing>),
}

/// One socket of ours.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: ConnectionId,
    pub(crate) socket: SocketId,
    pub(crate) peer: SocketAddr,
    pub(crate) occupant: Occupant,
    /// The SRTLA bundle its packets come over; `peer` is that bundle's identity then.
    pub(crate) bundle: Option<BundleKey>,
    /// The slot of the group it is a leg of.
    pub(crate) group: Option<u32>,
    /// Which of our sockets it sends by.
    pub(crate) way: u8,
    /// The address that answers for it.
    pub(crate) account: IpAddr,
    /// How repeated conclusions find it; `None`: a call of ours.
    pub(crate) key: Option<PeerKey>,
    /// It waits to be asked what it has to send.
    pub(crate) marked: bool,
    /// It waits to be named as readable.
    pub(crate) readable: bool,
    /// It counts as a connection (or a call on its way) and not merely lingers.
    pub(crate) counted: bool,
}

/// The sockets of an endpoint: slots that are reused, found by number or socket ID.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Option<Entry>>,
    generations: Vec<u32>,
    free: Vec<u32>,
    by_socket: HashMap<u32, u32, BuildHasherDefault<IdHasher>>,
}

impl Table {
    /// A socket ID that nobody has.
    pub(crate) fn draw_socket(
        &self,
        space: SocketIdSpace,
        asked: Option<SocketId>,
        random: &mut impl RngCore,
    ) -> Option<SocketId> {
        let is_free = |socket: &SocketId| !self.by_socket.contains_key(&socket.value());
        let shard_mask = (1 << SocketIdSpace::SHARD_BITS) - 1;
        let drawn = (0..MAX_DRAWS)
            .map(|_| random.next_u32() & SocketId::MASK & !shard_mask)
            .filter(|number| *number != 0)
            .map(|number| SocketId::new(number | (u32::from(space.shard) & shard_mask)));
        asked.into_iter().chain(drawn).find(is_free)
    }

    /// Puts a new socket into the table.
    pub(crate) fn insert(
        &mut self,
        socket: SocketId,
        peer: SocketAddr,
        key: Option<PeerKey>,
        occupant: Occupant,
    ) -> ConnectionId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.generations.push(0);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let id = ConnectionId {
            slot,
            generation: self.generations[slot as usize],
        };
        self.by_socket.insert(socket.value(), slot);
        self.slots[slot as usize] = Some(Entry {
            id,
            socket,
            peer,
            bundle: BundleKey::of(peer),
            group: None,
            way: 0,
            account: peer.ip(),
            occupant,
            key,
            marked: false,
            readable: false,
            counted: true,
        });
        id
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<Entry> {
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        self.by_socket.remove(&entry.socket.value());
        self.generations[slot as usize] = entry.id.generation.wrapping_add(1);
        self.free.push(slot);
        Some(entry)
    }

    /// Takes an entry out for a moment; its slot and socket ID stay reserved.
    pub(crate) fn take(&mut self, slot: u32) -> Option<Entry> {
        self.slots.get_mut(slot as usize)?.take()
    }

    /// Puts back what was taken out.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        let slot = entry.id.slot as usize;
        self.slots[slot] = Some(entry);
    }

    pub(crate) fn slot_of(&self, socket: SocketId) -> Option<u32> {
        self.by_socket.get(&socket.value()).copied()
    }

    pub(crate) fn at(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    pub(crate) fn look(&self, slot: u32) -> Option<&Entry> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Entry> {
        self.look(id.slot).filter(|entry| entry.id == id)
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        match &self.get(id)?.occupant {
            Occupant::Connection(connection) => Some(connection),
            Occupant::Call(_) | Occupant::Group(_) | Occupant::Outgoing(_) => None,
        }
    }

    pub(crate) fn group(&self, id: ConnectionId) -> Option<&Group> {
        match &self.get(id)?.occupant {
            Occupant::Group(group) => Some(group),
            _ => None,
        }
    }

    /// A group that we call as.
    pub(crate) fn outgoing(&self, id: ConnectionId) -> Option<&Outgoing> {
        match &self.get(id)?.occupant {
            Occupant::Outgoing(group) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn group_mut(&mut self, id: ConnectionId) -> Option<&mut Group> {
        match &mut self.at(id.slot).filter(|entry| entry.id == id)?.occupant {
            Occupant::Group(group) => Some(group),
            _ => None,
        }
    }

    pub(crate) fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        match &mut self.at(id.slot).filter(|entry| entry.id == id)?.occupant {
            Occupant::Connection(connection) => Some(connection),
            Occupant::Call(_) | Occupant::Group(_) | Occupant::Outgoing(_) => None,
        }
    }
}

/// What is kept for connections, by their names.
pub type ConnectionMap<V> = HashMap<ConnectionId, V, BuildHasherDefault<IdHasher>>;

/// Socket IDs and names of connections are numbers of ours: one multiplication spreads them
/// well enough.
#[derive(Debug, Default, Clone)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(32);
    }
}
