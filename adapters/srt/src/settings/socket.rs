use std::net::SocketAddr;

use tidegate_engine::SettingsError;

/// What is set on the socket of a stream's own port.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SocketSettings {
    pub(crate) interface: Option<String>,
    pub(crate) tos: Option<u8>,
    pub(crate) ttl: Option<u8>,
}

impl SocketSettings {
    /// They are for `bind`: a listener has its own, also on the ports of its range, and a call
    /// has them in its address.
    pub(super) fn check(&self, bind: Option<SocketAddr>) -> Result<(), SettingsError> {
        let set = [
            ("interface", self.interface.is_some()),
            ("tos", self.tos.is_some()),
            ("ttl", self.ttl.is_some()),
        ];
        match set.iter().find(|(_, set)| *set) {
            Some((field, _)) if bind.is_none() => {
                let message = format!("`{field}` is for a stream with a port of its own (`bind`)");
                Err(SettingsError::new(field, message).advise(
                    "set it at the listener; a call has `bindtodevice=`, `iptos=` and `ipttl=` \
                     in its address",
                ))
            }
            _ => check_ttl(self.ttl),
        }
    }
}

pub(super) fn check_ttl(ttl: Option<u8>) -> Result<(), SettingsError> {
    match ttl {
        Some(0) => Err(SettingsError::new(
            "ttl",
            "with a time to live of 0 nothing leaves this machine",
        )
        .advise("leave it out for the system's own, usually 64")),
        _ => Ok(()),
    }
}
