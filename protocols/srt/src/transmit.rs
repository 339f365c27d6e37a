use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// Datagrams one segmentation-offload call may carry (the kernel's own bound is 64).
const MAX_RUN_SEGMENTS: usize = 64;
/// Bytes one segmentation-offload call may carry: the largest UDP payload.
const MAX_RUN_BYTES: usize = 65_507;
/// Runs in one batch, whatever their size.
const MAX_RUNS: usize = 1024;

/// Datagrams to be sent, written one behind the other into a contiguous scratch.
///
/// Consecutive datagrams for one destination that have the same size (the last may be
/// shorter) form a **run**, which a socket with segmentation offload sends in one call.
pub struct TransmitBatch {
    scratch: Box<[u8]>,
    used_bytes: usize,
    /// Where the newest datagram begins.
    newest: usize,
    /// The socket that what is written next leaves by.
    way: u8,
    runs: Vec<RunRecord>,
}

#[derive(Clone, Copy)]
struct RunRecord {
    to: SocketAddr,
    from: Option<IpAddr>,
    way: u8,
    start: usize,
    end: usize,
    segment_bytes: usize,
    segments: usize,
    /// A shorter datagram ended the run.
    closed: bool,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    Written,
    /// The batch has no room.
    Full,
    /// The writer had nothing to write after all.
    Declined,
}

/// One system call's worth of datagrams for one destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// Where the datagrams go.
    pub to: SocketAddr,
    /// The local address they must leave from, where it is known.
    pub from: Option<IpAddr>,
    /// Which of the endpoint's sockets they must leave by: the first, unless a leg of a bonding
    /// group was given another ([`crate::LegCall::way`]).
    pub way: u8,
    /// The datagrams, back to back.
    pub bytes: &'a [u8],
    /// The size of each datagram but possibly the last.
    pub segment_bytes: usize,
}

impl<'a> Run<'a> {
    /// The datagrams one by one.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.segment_bytes.max(1))
    }
}

impl TransmitBatch {
    /// An empty batch that can hold `capacity_bytes` of datagrams.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> Self {
        Self {
            scratch: vec![0; capacity_bytes].into_boxed_slice(),
            used_bytes: 0,
            newest: 0,
            way: 0,
            runs: Vec::with_capacity(64),
        }
    }

    /// Adds a datagram of `len` bytes, which `write` fills. False, with nothing written,
    /// when the batch has no room for it.
    pub fn push(
        &mut self,
        to: SocketAddr,
        from: Option<IpAddr>,
        len: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> bool {
        let pushed = self.try_push(to, from, len, |bytes| {
            write(bytes);
            true
        });
        pushed == Pushed::Written
    }

    /// Like [`Self::push`], but `write` may decline by returning false.
    pub(crate) fn try_push(
        &mut self,
        to: SocketAddr,
        from: Option<IpAddr>,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> bool,
    ) -> Pushed {
        if len == 0 || !self.has_room(len) {
            return Pushed::Full;
        }
        let start = self.used_bytes;
        let end = start + len;
        if !write(&mut self.scratch[start..end]) {
            return Pushed::Declined;
        }
        (self.newest, self.used_bytes) = (start, end);
        self.record(to, from, start, end);
        Pushed::Written
    }

    /// Whether a datagram of `len` bytes would fit.
    #[must_use]
    pub fn has_room(&self, len: usize) -> bool {
        len <= self.scratch.len() - self.used_bytes && self.runs.len() < MAX_RUNS
    }

    /// What is written from now on leaves by this socket.
    pub(crate) const fn leave_by(&mut self, way: u8) {
        self.way = way;
    }

    fn record(&mut self, to: SocketAddr, from: Option<IpAddr>, start: usize, end: usize) {
        let len = end - start;
        let way = self.way;
        if let Some(last) = self.runs.last_mut()
            && last.way == way
            && last.accepts(to, from, len)
        {
            last.end = end;
            last.segments += 1;
            last.closed = len < last.segment_bytes;
            return;
        }
        let fresh = RunRecord {
            to,
            from,
            way,
            start,
            end,
            segment_bytes: len,
            segments: 1,
            closed: false,
        };
        self.runs.push(fresh);
    }

    /// The runs in the order they were written.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.runs.iter().map(|run| Run {
            to: run.to,
            from: run.from,
            way: run.way,
            bytes: &self.scratch[run.start..run.end],
            segment_bytes: run.segment_bytes,
        })
    }

    /// Forgets everything written.
    pub fn clear(&mut self) {
        (self.newest, self.used_bytes) = (0, 0);
        self.runs.clear();
    }

    /// The datagram that was written last.
    pub(crate) fn newest(&self) -> &[u8] {
        &self.scratch[self.newest..self.used_bytes]
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many bytes are written.
    #[must_use]
    pub const fn used_bytes(&self) -> usize {
        self.used_bytes
    }
}

impl RunRecord {
    fn accepts(&self, to: SocketAddr, from: Option<IpAddr>, len: usize) -> bool {
        !self.closed
            && len <= self.segment_bytes
            && self.segments < MAX_RUN_SEGMENTS
            && self.end - self.start + len <= MAX_RUN_BYTES
            && self.to == to
            && self.from == from
    }
}

impl fmt::Debug for TransmitBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TransmitBatch({} runs, {} bytes)",
            self.runs.len(),
            self.used_bytes
        )
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Run({} bytes in {}s to {})",
            self.bytes.len(),
            self.segment_bytes,
            self.to
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn sizes(batch: &TransmitBatch) -> Vec<(u16, Vec<usize>)> {
        batch
            .runs()
            .map(|run| (run.to.port(), run.datagrams().map(<[u8]>::len).collect()))
            .collect()
    }

    #[test]
    fn equal_datagrams_for_one_peer_become_one_run() {
        let mut batch = TransmitBatch::new(4096);
        for _ in 0..3 {
            assert!(batch.push(peer(1), None, 100, |bytes| bytes.fill(7)));
        }
        assert_eq!(sizes(&batch), [(1, vec![100, 100, 100])]);
    }

    #[test]
    fn what_leaves_by_another_socket_is_another_run() {
        let mut batch = TransmitBatch::new(4096);
        for way in [0, 1, 1] {
            batch.leave_by(way);
            assert!(batch.push(peer(1), None, 100, |_| ()));
        }
        let ways: Vec<_> = batch.runs().map(|run| (run.way, run.bytes.len())).collect();
        assert_eq!(ways, [(0, 100), (1, 200)]);
    }

    #[test]
    fn a_shorter_datagram_ends_its_run() {
        let mut batch = TransmitBatch::new(4096);
        for len in [100, 40, 40] {
            assert!(batch.push(peer(1), None, len, |_| ()));
        }
        assert_eq!(sizes(&batch), [(1, vec![100, 40]), (1, vec![40])]);
    }

    #[test]
    fn a_longer_datagram_or_another_peer_starts_a_run() {
        let mut batch = TransmitBatch::new(4096);
        assert!(batch.push(peer(1), None, 40, |_| ()));
        assert!(batch.push(peer(1), None, 100, |_| ()));
        assert!(batch.push(peer(2), None, 100, |_| ()));
        assert_eq!(
            sizes(&batch),
            [(1, vec![40]), (1, vec![100]), (2, vec![100])]
        );
    }

    #[test]
    fn a_full_batch_refuses_and_keeps_what_it_has() {
        let mut batch = TransmitBatch::new(150);
        assert!(batch.push(peer(1), None, 100, |_| ()));
        assert!(!batch.push(peer(1), None, 100, |_| panic!("no room to write")));
        assert_eq!(batch.used_bytes(), 100);
        batch.clear();
        assert!(batch.is_empty());
    }
}
