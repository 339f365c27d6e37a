//! Forward error correction of SMPTE 2022-1 (Pro-MPEG Code of Practice 3): sums of columns and
//! rows of packets.
//!
//! ```text
//!            L columns                 column sums: port + 2
//!        0   1   2   3   4  → row sum  row sums:    port + 4
//!   D    5   6   7   8   9  → row sum
//! rows  10  11  12  13  14  → row sum
//!        ↓   ↓   ↓   ↓   ↓
//!      column sums
//! ```
//! A sum rebuilds any one packet of its column or row. Together they rebuild most bursts up to
//! a row's length.

mod encoder;
mod groups;
mod matrix;
mod packet;
mod sum;
#[cfg(test)]
mod tests;

pub use encoder::Encoder;
pub(crate) use groups::{Group, Groups};
pub use matrix::{MATRIX_PACKETS_MAX, Matrix, MatrixError, SIDE_MAX};
pub use packet::{FEC_HEADER_BYTES, FecError, FecPacket, PAYLOAD_TYPE, Stream};
pub(crate) use sum::Sum;
