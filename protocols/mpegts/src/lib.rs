//! MPEG transport streams: packets, tables, PES, demultiplexing, inspection.
//!
//! [`Demux`] turns transport packets into access units with 64-bit times; [`Inspector`]
//! only looks, cheaply, and reports what a stream contains and what is wrong with it.
//! Its [`Tr101290`] counts what measuring instruments count, its [`Pulse`] is asked many times a second.
//! [`Mux`] writes streams; [`Restamp`] joins them end to end; [`SoundSwap`] puts other sound in;
//! [`pacing`] says when packets leave. The first two take bytes in chunks of any size, find the packet grid themselves, and hold
//! no more than their named limits whatever a stranger sends.

mod continuity;
mod demux;
mod inspect;
mod mux;
pub mod pacing;
mod packet;
mod pes;
mod psi;
mod restamp;
pub mod seam;
mod slicer;
mod timeline;
mod tr101290;

pub use demux::{AccessUnit, Demux, Event, Stamp, Track};
pub use inspect::{AudioReport, Inspector, MediaReport, ProgramReport, TrackReport, VideoReport};
pub use mux::{
    MAX_MUX_TRACKS, MAX_SWAPPED, Mux, MuxError, MuxTrack, MuxUnit, NewSound, Role, SoundMap,
    SoundSwap,
};
pub use packet::{Adaptation, NULL_PID, PACKET_BYTES, PAT_PID, Packet, Pcr, SYNC_BYTE};
pub use pes::PesHeader;
pub use psi::{
    ElementaryStream, Language, MAX_PIDS, MAX_PROGRAMS, MAX_SECTION_BYTES, Pat, PatProgram, Pmt,
    SectionReader, crc32,
};
pub use restamp::{Restamp, Restamped, Schedule, Scheduled};
pub use slicer::Slicer;
pub use timeline::Timeline;
pub use tr101290::{MAX_PULSE_STREAMS, Pulse, Recurring, StreamPulse, Tally, Tr101290};
