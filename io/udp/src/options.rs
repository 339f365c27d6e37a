/// How a [`Socket`](crate::Socket) is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Let other sockets of this user share the port (`SO_REUSEPORT`); for shard groups.
    pub reuse_port: bool,
    /// Let several sockets bind a multicast port (`SO_REUSEADDR`).
    pub reuse_address: bool,
    /// Receive buffer to ask for; what was granted is read back by the socket.
    pub recv_buffer_bytes: usize,
    /// Send buffer to ask for; what was granted is read back by the socket.
    pub send_buffer_bytes: usize,
    /// Type-of-service byte (IPv6: traffic class) of everything sent.
    pub tos: Option<u8>,
    /// Time to live (IPv6: hop limit) of everything sent.
    pub ttl: Option<u8>,
    /// Send and receive on this network interface only (`SO_BINDTODEVICE`).
    pub interface: Option<String>,
    /// An IPv6 wildcard socket takes IPv6 only; otherwise it serves IPv4 as well.
    pub only_v6: bool,
    /// Let the kernel join consecutive datagrams of one sender (`UDP_GRO`).
    pub gro: bool,
}

impl Options {
    /// Enough for a burst of 100 Mbit/s over half a second.
    pub const DEFAULT_RECV_BUFFER_BYTES: usize = 8 << 20;
    /// Enough for several full segmentation runs.
    pub const DEFAULT_SEND_BUFFER_BYTES: usize = 4 << 20;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reuse_port: false,
            reuse_address: false,
            recv_buffer_bytes: Self::DEFAULT_RECV_BUFFER_BYTES,
            send_buffer_bytes: Self::DEFAULT_SEND_BUFFER_BYTES,
            tos: None,
            ttl: None,
            interface: None,
            only_v6: false,
            gro: true,
        }
    }
}
