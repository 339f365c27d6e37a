use std::net::IpAddr;
use std::sync::Arc;

use tidegate_srt::{ConnectionId, KeyMaterial, RejectReason};
use zeroize::Zeroizing;

use crate::command::{Command, OpenedKeys, PortId};
use crate::key_pool::{KeyPool, KeyPoolBusy};
use crate::shard::Door;

/// Opens the keys that the other side of a rendezvous brings, away from the shard.
pub(crate) struct Opener {
    pub(crate) keys: Arc<KeyPool>,
    pub(crate) door: Arc<Door>,
    pub(crate) peer: IpAddr,
    pub(crate) passphrase: Zeroizing<Vec<u8>>,
}

impl Opener {
    /// The shard hears of it by [`Command::Keys`].
    pub(crate) fn open(
        &self,
        port: PortId,
        id: ConnectionId,
        material: KeyMaterial,
    ) -> Result<(), KeyPoolBusy> {
        let door = Arc::clone(&self.door);
        let passphrase = self.passphrase.to_vec();
        let wanted = material.clone();
        self.keys.open(self.peer, wanted, passphrase, move |keys| {
            let opened = OpenedKeys {
                port,
                id,
                material,
                keys: keys.map_err(|_| RejectReason::WrongPassphrase),
            };
            // A shard that has stopped has no rendezvous any more.
            let _ = door.push(Command::Keys(Box::new(opened)));
        })
    }
}
