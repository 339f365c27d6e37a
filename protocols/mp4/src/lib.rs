//! Reads MP4 and MOV: whole files, fragmented ones, and the segments of a playlist.
//!
//! [`FileReader`] reads a file from its beginning to its end. It opens nothing: it says which
//! bytes it needs next and is given them, so a file of hours costs the memory of its tables.
//! [`SegmentReader`] reads an initialisation segment and the media segments behind it, which
//! are in memory already. Both give the same [`Event`]s: tracks, then samples in the order of
//! their decoding times, on the 90 kHz clock and in the forms that the rest of Tidegate uses
//! (Annex B, AAC without ADTS).
//!
//! This stands beside `protocols/fmp4`, which writes: the two share no code, since a writer
//! builds boxes for one fragment out of values, while a reader of strangers' files must
//! never turn a table of millions of entries, or one that only claims to have them, into
//! values. Tables stay the bytes that they are in the file, and cursors walk over them.

mod boxes;
mod cursor;
mod edit;
mod entry;
mod error;
mod event;
mod file;
mod fragment;
pub mod limits;
mod movie;
mod presentation;
mod sample;
mod segment;
mod tables;
mod unpack;

pub use error::Mp4Error;
pub use event::{Event, Sample, Track};
pub use file::{FileReader, Step};
pub use segment::SegmentReader;
