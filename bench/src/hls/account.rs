//! What the server has used.

use crate::usage;
use std::time::Duration;

/// The threads that demultiplex and make segments, among little else. SRT's own threads do the
/// same with and without HLS, and what they use varies by more than segments cost.
const SEGMENTING_THREADS: &str = "tokio-rt-worker";

/// What the server has used until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// CPU time of every thread, and of those that make segments.
    pub(super) cpu: Duration,
    pub(super) segmenting_cpu: Duration,
    /// Memory of its own, files and shared libraries not counted.
    pub(super) memory_bytes: u64,
}

impl Used {
    pub(super) fn by(process: u32) -> anyhow::Result<Self> {
        Ok(Self {
            cpu: usage::cpu_of_threads(process, None)?,
            segmenting_cpu: usage::cpu_of_threads(process, Some(SEGMENTING_THREADS))?,
            memory_bytes: usage::anonymous_bytes(process)?,
        })
    }

    /// The CPU time since an earlier look, and the memory now.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            segmenting_cpu: self.segmenting_cpu.saturating_sub(before.segmenting_cpu),
            ..self
        }
    }
}
