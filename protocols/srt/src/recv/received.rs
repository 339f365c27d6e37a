use bytes::Bytes;
use tidegate_units::Instant;

/// One payload, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The payload as it was sent, decrypted.
    pub payload: Bytes,
    /// When it arrived (again, if it had to be repeated).
    pub arrived: Instant,
    /// When it is due at play-out. It is handed over as soon as it is in order, not then.
    pub due: Instant,
    /// When it originated, on our clock: `due` less the latency.
    pub origin: Instant,
    /// Its place in the connection; the low 31 bits are the wire's sequence number.
    pub sequence: u64,
    /// Packets just before this one that are lost for good.
    pub dropped_before: u32,
}
