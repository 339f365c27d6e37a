//! The chunk stream (RTMP 1.0, section 5.3): messages cut into chunks, whose headers say only
//! what is new since the header before on the same chunk stream.

mod header;
mod reader;
mod writer;

pub use reader::ChunkReader;
pub use writer::ChunkWriter;

/// Where a timestamp does not fit in its 24 bits, this stands there and 32 bits follow.
const EXTENDED: u32 = 0x00FF_FFFF;

#[cfg(test)]
mod tests;
