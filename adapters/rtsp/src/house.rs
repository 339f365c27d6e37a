//! What all listeners and outputs share: which path belongs to whom, and who is banned.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tidegate_engine::RunError;
use tidegate_units::NetworkSet;

use crate::door::Door;

/// A path, and the listener it is found on; on all without one.
type Key = (String, Option<String>);
type Doors = BTreeMap<Key, Arc<Door>>;

/// One per process.
#[derive(Default)]
pub(crate) struct House {
    doors: Mutex<Doors>,
    banned: ArcSwap<NetworkSet>,
}

/// A path belongs to an output until this is dropped.
pub(crate) struct Claim {
    house: Arc<House>,
    key: Key,
}

impl House {
    /// Gives a path, on one listener or on all, to an output.
    pub(crate) fn claim(self: &Arc<Self>, door: &Arc<Door>) -> Result<Claim, RunError> {
        let (path, listener) = (&door.path, &door.listener);
        let mut doors = self.doors();
        let clashes = |(other_path, other_listener): &Key| {
            let meet = listener.is_none() || other_listener.is_none() || listener == other_listener;
            path == other_path && meet
        };
        if let Some((_, owner)) = doors.iter().find(|(key, _)| clashes(key)) {
            let mut taken = RunError::configuration(
                format!("the path {path:?} belongs to output {:?}", owner.name),
                "Give every RTSP output a path of its own",
            );
            // The owner may be about to move.
            taken.retry = true;
            return Err(taken);
        }
        let key = (path.clone(), listener.clone());
        doors.insert(key.clone(), Arc::clone(door));
        let house = Arc::clone(self);
        Ok(Claim { house, key })
    }

    /// The output behind a path.
    pub(crate) fn find(&self, path: &str, listener: &str) -> Option<Arc<Door>> {
        let doors = self.doors();
        let on = |listener: Option<&str>| {
            doors
                .get(&(path.to_owned(), listener.map(str::to_owned)))
                .cloned()
        };
        on(Some(listener)).or_else(|| on(None))
    }

    /// Whether any output that players of this listener could ask for has a password.
    pub(crate) fn has_secrets(&self, listener: &str) -> bool {
        self.doors().iter().any(|((_, of), door)| {
            of.as_deref().is_none_or(|of| of == listener) && door.credentials.is_some()
        })
    }

    /// The path that looks most like this one, for the journal.
    pub(crate) fn nearest(&self, path: &str, listener: &str) -> Option<String> {
        let doors = self.doors();
        let of_listener = doors
            .keys()
            .filter(|(_, of)| of.as_deref().is_none_or(|of| of == listener));
        let known = of_listener.map(|(known, _)| known.as_str());
        tidegate_engine::nearest(path, known).map(str::to_owned)
    }

    pub(crate) fn ban(&self, banned: NetworkSet) {
        self.banned.store(Arc::new(banned));
    }

    pub(crate) fn is_banned(&self, address: IpAddr) -> bool {
        self.banned.load().contains(address)
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.house.doors().remove(&self.key);
    }
}
