//! Media messages of RTMP, which are the tags of FLV: from and to frames.
//!
//! Legacy messages (H.264, AAC, MP3) and those of Enhanced RTMP (version 2: FourCC codecs,
//! several tracks, finer times) are read alike by [`Reader`]. [`Writer`] writes legacy
//! messages wherever they can say it, because every receiver understands them.
//!
//! Input comes from strangers: nothing panics, and nothing is allocated for a length that
//! was told.

mod audio;
mod clock;
mod error;
mod fourcc;
mod limits;
mod metadata;
mod multitrack;
mod packet;
mod reader;
mod track;
mod video;
mod writer;

pub use error::FlvError;
pub use fourcc::FourCc;
pub use limits::{COMPOSITION_MAX_MS, TRACKS_MAX};
pub use metadata::Metadata;
pub use reader::{Event, Frame, Reader, Track};
pub use writer::{Dialect, Message, MessageKind, OutFrame, Writer};
