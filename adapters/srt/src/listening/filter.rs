//! Whether a caller's packet filter fits the stream's.

use tidegate_engine::{EventKind, Subject};
use tidegate_srt::fec::FilterConflict;
use tidegate_srt::{FilterConfig, RejectReason};

use super::{Candidate, Entry, Refusal};
use crate::settings::FilterChoice;

/// Judges it once the caller has proved that it may know of the stream.
pub(super) fn fits(entry: &Entry, candidate: &Candidate) -> Result<(), Refusal> {
    let theirs = candidate.packet_filter;
    let ours = entry.packet_filter();
    let conflict = match (ours, theirs) {
        (Some(FilterChoice::None), Some(theirs)) => return Err(unwanted(entry, theirs)),
        (ours, theirs) => {
            let ours = ours.and_then(FilterChoice::wanted);
            FilterConfig::agree(ours.as_ref(), theirs.as_ref()).err()
        }
    };
    match (conflict, ours, theirs) {
        (Some(conflict), _, Some(theirs)) => Err(refusal(entry, conflict, theirs)),
        (_, Some(FilterChoice::Fec(ours)), None) => {
            warn(entry, candidate, ours);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn unwanted(entry: &Entry, theirs: FilterConfig) -> Refusal {
    let advice = format!("Take the packet filter away at the caller, or allow it for {entry}");
    Refusal::new(RejectReason::Filter, advice)
        .received(theirs.to_string())
        .expected("no packet filter")
}

fn refusal(entry: &Entry, conflict: FilterConflict, theirs: FilterConfig) -> Refusal {
    let wanted = entry.packet_filter().and_then(FilterChoice::wanted);
    let expected = wanted.map_or_else(|| "a filter with cols".to_owned(), |it| it.to_string());
    let advice = format!(
        "Write the same at the caller as for {entry}, or just packetfilter=fec: {conflict}"
    );
    Refusal::new(RejectReason::Filter, advice)
        .received(theirs.to_string())
        .expected(expected)
}

/// As libsrt does, a caller without a filter is let in: it may not know of any. That readers
/// come without is usual.
fn warn(entry: &Entry, candidate: &Candidate, ours: FilterConfig) {
    let Entry::Source(door) = entry else { return };
    let message = format!(
        "the sender at {} asks for no packet filter, so there is none, although {entry} wants \
         {ours}: set packetfilter=fec at the sender",
        candidate.peer
    );
    if let Some(events) = &candidate.events {
        let subject = Subject::source(&*door.name);
        events.emit(subject, EventKind::Notice { message });
    }
}

impl Entry {
    fn packet_filter(&self) -> Option<FilterChoice> {
        match self {
            Self::Source(door) => door.packet_filter,
            Self::Output(door) => door.packet_filter,
        }
    }
}
