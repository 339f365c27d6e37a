use std::io;
use std::net::SocketAddr;

use tidegate_udp::{Options, Socket};

use crate::command::PortId;
use crate::group_call::LegOptions;

/// Linux's `ENODEV`: there is no such network interface.
const NO_DEVICE: i32 = 19;

/// Where a leg leaves from: its socket can be opened again when its network comes back.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) address: SocketAddr,
    pub(crate) udp: Options,
}

impl Exit {
    pub(crate) fn of(leg: &LegOptions) -> Self {
        let udp = Options {
            tos: leg.tos,
            ttl: leg.ttl,
            interface: leg.interface.clone(),
            only_v6: true,
            ..Options::default()
        };
        let address = leg.bind();
        Self { address, udp }
    }

    pub(crate) fn open(&self) -> io::Result<Socket> {
        Socket::bind(self.address, &self.udp)
    }
}

/// Whether the local address or interface is just not there, as of a modem that is unplugged.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::NetworkDown
    ) || error.raw_os_error() == Some(NO_DEVICE)
}

/// A socket of a port that is to be served.
pub(crate) struct OpenWay {
    /// What the poller calls it.
    pub(crate) token: PortId,
    /// None while a leg's network is not there.
    pub(crate) socket: Option<Socket>,
    /// Of a leg.
    pub(crate) exit: Option<Exit>,
}

impl OpenWay {
    /// The only socket of its port.
    pub(crate) const fn only(port: PortId, socket: Socket) -> Self {
        Self {
            token: port,
            socket: Some(socket),
            exit: None,
        }
    }
}
