/// What happened in a connection's key exchange after the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CryptoCounters {
    /// Key changes of the peer that were taken.
    pub keys_received: u64,
    /// Key changes of this side that were announced.
    pub keys_announced: u64,
    /// Announcements the peer refused.
    pub refused_announcements: u64,
    /// Requests with another salt, which were ignored.
    pub foreign_salts: u64,
    /// Late duplicates of an earlier request, which were ignored.
    pub stale_requests: u64,
    /// Requests that were malformed, did not unwrap, or would have exchanged the key in
    /// use.
    pub bad_requests: u64,
    /// Responses nobody asked for, or that echo something else.
    pub unexpected_responses: u64,
}
