//! What a disk's errors mean to an operator.

use std::io;
use tidegate_engine::{OutputReport, RunError, Severity};

/// The alarm's code.
pub(crate) const DISK_ALARM: &str = "recording_failed";

/// Raised while the disk takes less than what comes.
pub(crate) const SLOW_ALARM: &str = "recording_incomplete";

/// Raises the alarm, and says the same as the run's end.
pub(crate) fn report(error: &io::Error, folder: &str, report: &OutputReport) -> RunError {
    let (text, advice) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            "Disk full",
            format!("Free space for {folder}; recording resumes by itself."),
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            "Disk not writable",
            format!("Let Tidegate write to {folder}; recording resumes by itself."),
        ),
        _ => (
            "Disk failed",
            format!("Check the disk under {folder} ({error})."),
        ),
    };
    report.raise(DISK_ALARM, Severity::Error, text, &advice);
    RunError::ours(text, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::EventSink;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let out = OutputReport::new("archive", EventSink::new());
        let full = report(&io::Error::from_raw_os_error(28), "/data/x", &out);
        assert_eq!(full.message, "Disk full");
        assert!(full.retry);
        let broken = report(&io::Error::from_raw_os_error(5), "/data/x", &out);
        assert_eq!(broken.message, "Disk failed");
    }
}
