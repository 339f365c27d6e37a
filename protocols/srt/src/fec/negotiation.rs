//! What two sides that may each want a filter agree on, as libsrt does it.
//!
//! ```text
//!  listener wants │ caller wants nothing │ caller wants a filter
//!  ───────────────┼──────────────────────┼──────────────────────────────────────
//!  nothing        │ none                 │ the caller's
//!  a filter       │ none (said aloud)    │ both merged; refused where they differ
//! ```
//! The caller takes what the listener answers, and no answer for a refusal.

use super::config::{ArqMode, ColumnLayout, FilterConfig, Rows};
use core::fmt;

/// The packet filter both sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PacketFilter {
    /// Packets in a row, which is the number of columns.
    pub columns: u8,
    /// Whether there are columns, and how long they are.
    pub rows: Rows,
    /// How columns begin.
    pub layout: ColumnLayout,
    /// How the filter and retransmission share the work.
    pub arq: ArqMode,
}

/// Why two sides cannot agree on a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterConflict {
    /// Both say what the columns are, and differ.
    #[error("the two packet filters differ in cols: {ours} here, {theirs} at the peer")]
    Columns {
        /// Ours.
        ours: u8,
        /// The peer's.
        theirs: u8,
    },
    /// Both say what the rows are, and differ.
    #[error("the two packet filters differ in rows: {ours} here, {theirs} at the peer")]
    Rows {
        /// Ours.
        ours: Rows,
        /// The peer's.
        theirs: Rows,
    },
    /// Both name a layout, and differ.
    #[error("the two packet filters differ in layout: {ours} here, {theirs} at the peer")]
    Layout {
        /// Ours.
        ours: ColumnLayout,
        /// The peer's.
        theirs: ColumnLayout,
    },
    /// Both name a mode, and differ.
    #[error("the two packet filters differ in arq: {ours} here, {theirs} at the peer")]
    Arq {
        /// Ours.
        ours: ArqMode,
        /// The peer's.
        theirs: ArqMode,
    },
    /// Neither says how many columns.
    #[error("neither side says how many cols its packet filter has: set cols on one of them")]
    NoColumns,
    /// The listener does not take part.
    #[error("the listener does not answer to our packet filter: take it away, or set it there")]
    NoAnswer,
}

impl FilterConfig {
    /// What a listener that wants `ours` agrees on with a caller that wants `theirs`.
    ///
    /// # Errors
    /// If both want a filter and their filters differ, or what is agreed on is none.
    pub fn agree(
        ours: Option<&Self>,
        theirs: Option<&Self>,
    ) -> Result<Option<PacketFilter>, FilterConflict> {
        match (ours, theirs) {
            (_, None) => Ok(None),
            (None, Some(theirs)) => theirs.complete().map(Some),
            (Some(ours), Some(theirs)) => ours.merge(theirs)?.complete().map(Some),
        }
    }

    /// What a caller that wants `ours` has, once the listener answered with `answer`: that is
    /// the listener's word, and fills up with the caller's own.
    ///
    /// # Errors
    /// If the caller wants a filter and the listener did not answer to it, or what is agreed
    /// on is none.
    pub fn conclude(
        ours: Option<&Self>,
        answer: Option<&Self>,
    ) -> Result<Option<PacketFilter>, FilterConflict> {
        match (ours, answer) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(FilterConflict::NoAnswer),
            (ours, Some(answer)) => {
                let ours = ours.copied().unwrap_or_default();
                let taken = Self {
                    columns: answer.columns.or(ours.columns),
                    rows: answer.rows.or(ours.rows),
                    layout: answer.layout.or(ours.layout),
                    arq: answer.arq.or(ours.arq),
                };
                taken.complete().map(Some)
            }
        }
    }

    fn merge(&self, theirs: &Self) -> Result<Self, FilterConflict> {
        Ok(Self {
            columns: same(self.columns, theirs.columns, |ours, theirs| {
                FilterConflict::Columns { ours, theirs }
            })?,
            rows: same(self.rows, theirs.rows, |ours, theirs| {
                FilterConflict::Rows { ours, theirs }
            })?,
            layout: same(self.layout, theirs.layout, |ours, theirs| {
                FilterConflict::Layout { ours, theirs }
            })?,
            arq: same(self.arq, theirs.arq, |ours, theirs| FilterConflict::Arq {
                ours,
                theirs,
            })?,
        })
    }

    fn complete(&self) -> Result<PacketFilter, FilterConflict> {
        Ok(PacketFilter {
            columns: self.columns.ok_or(FilterConflict::NoColumns)?,
            rows: self.rows.unwrap_or_default(),
            layout: self.layout.unwrap_or_default(),
            arq: self.arq.unwrap_or_default(),
        })
    }
}

fn same<T: PartialEq>(
    ours: Option<T>,
    theirs: Option<T>,
    conflict: impl FnOnce(T, T) -> FilterConflict,
) -> Result<Option<T>, FilterConflict> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(conflict(ours, theirs)),
        (ours, theirs) => Ok(ours.or(theirs)),
    }
}

/// As libsrt's listener answers: everything, the keys in alphabetical order.
impl fmt::Display for PacketFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            columns,
            rows,
            layout,
            arq,
        } = self;
        write!(
            f,
            "fec,arq:{arq},cols:{columns},layout:{layout},rows:{rows}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Option<FilterConfig> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn agree(ours: &str, theirs: &str) -> Result<Option<String>, FilterConflict> {
        FilterConfig::agree(config(ours).as_ref(), config(theirs).as_ref())
            .map(|agreed| agreed.map(|filter| filter.to_string()))
    }

    fn conclude(ours: &str, answer: &str) -> Result<Option<String>, FilterConflict> {
        FilterConfig::conclude(config(ours).as_ref(), config(answer).as_ref())
            .map(|agreed| agreed.map(|filter| filter.to_string()))
    }

    const ROWS: &str = "fec,arq:onreq,cols:5,layout:staircase,rows:1";

    #[test]
    fn one_side_may_leave_everything_to_the_other() {
        for (ours, theirs) in [
            ("fec", "fec,cols:5"),
            ("fec,cols:5", "fec"),
            ("", "fec,cols:5"),
            ("fec,cols:5,rows:1", "fec,cols:5,arq:onreq"),
        ] {
            assert_eq!(
                agree(ours, theirs),
                Ok(Some(ROWS.into())),
                "{ours} {theirs}"
            );
        }
    }

    #[test]
    fn a_caller_without_a_filter_gets_none_whatever_the_listener_wants() {
        assert_eq!(agree("fec,cols:5", ""), Ok(None));
        assert_eq!(agree("", ""), Ok(None));
    }

    #[test]
    fn what_both_say_must_be_the_same() {
        let cases = [
            ("fec,cols:5", "fec,cols:6", "cols: 5 here, 6 at the peer"),
            ("fec,cols:5,rows:-3", "fec,rows:3", "rows: -3 here, 3 at"),
            ("fec,cols:5,layout:even", "fec,layout:staircase", "layout"),
            ("fec,cols:5,arq:never", "fec,arq:always", "arq"),
        ];
        for (ours, theirs, words) in cases {
            let conflict = agree(ours, theirs).unwrap_err().to_string();
            assert!(conflict.contains(words), "{conflict}");
        }
        assert_eq!(agree("fec", "fec"), Err(FilterConflict::NoColumns));
        assert_eq!(agree("", "fec,rows:5"), Err(FilterConflict::NoColumns));
    }

    #[test]
    fn a_caller_takes_the_listeners_word_and_no_silence() {
        assert_eq!(conclude("fec", ROWS), Ok(Some(ROWS.into())));
        assert_eq!(conclude("", ROWS), Ok(Some(ROWS.into())));
        assert_eq!(conclude("fec,cols:7", ROWS), Ok(Some(ROWS.into())));
        assert_eq!(conclude("fec,cols:5", "fec"), Ok(Some(ROWS.into())));
        assert_eq!(conclude("fec,cols:5", ""), Err(FilterConflict::NoAnswer));
        assert_eq!(conclude("", ""), Ok(None));
        assert_eq!(conclude("fec", "fec"), Err(FilterConflict::NoColumns));
    }
}
