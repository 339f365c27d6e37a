//! Program specific information: sections, PAT, PMT, descriptors.

mod crc;
mod descriptor;
mod pat;
mod pmt;
mod section;
mod tables;

pub use crc::crc32;
pub(crate) use crc::update;
pub(crate) use descriptor::{Descriptors, LANGUAGE, REGISTRATION};
pub use pat::{MAX_PROGRAMS, Pat, PatProgram};
pub use pmt::{ElementaryStream, Language, MAX_PIDS, Pmt};
pub use section::{MAX_SECTION_BYTES, SectionReader};
pub(crate) use tables::Tables;
