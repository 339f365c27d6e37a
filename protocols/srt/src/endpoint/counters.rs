use crate::srtla::SrtlaCounters;

/// What an endpoint has seen, connections' own traffic aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointCounters {
    /// Datagrams handed in.
    pub datagrams: u64,
    /// Datagrams that are no SRT packet, or a malformed one.
    pub malformed: u64,
    /// Packets for a socket that does not exist.
    pub unknown_socket: u64,
    /// Packets for a connection from an address that is not its peer's.
    pub wrong_address: u64,
    /// Cookies given out.
    pub inductions: u64,
    /// Inductions ignored because of a limit.
    pub inductions_throttled: u64,
    /// Handshakes ignored because their address is banned.
    pub banned: u64,
    /// Conclusions, repeated ones included.
    pub conclusions: u64,
    /// Conclusions with a cookie that is not ours or too old.
    pub bad_cookies: u64,
    /// Conclusions that contradict the protocol.
    pub bad_handshakes: u64,
    /// Conclusions answered again with the same response.
    pub repeated_conclusions: u64,
    /// Requests ignored because of a limit.
    pub requests_throttled: u64,
    /// Requests handed on for a decision.
    pub requests: u64,
    /// Requests accepted.
    pub accepted: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests that nobody decided in time.
    pub expired: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls that failed.
    pub calls_failed: u64,
    /// Connections made, both ways.
    pub connected: u64,
    /// Connections that ended.
    pub closed: u64,
    /// Replies that found no room to wait in.
    pub replies_dropped: u64,
    /// What SRTLA has seen.
    pub srtla: SrtlaCounters,
    /// The bonding groups that send to us.
    pub groups: GroupCounters,
}

/// What an endpoint has seen of bonding groups that send to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounters {
    /// Groups that are there.
    pub groups: u64,
    /// Their legs.
    pub legs: u64,
    /// Groups refused because there are too many.
    pub groups_refused: u64,
    /// Legs refused because their group has as many as it may have.
    pub legs_refused: u64,
}
