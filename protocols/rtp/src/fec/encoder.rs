use super::packet::{Covered, write};
use super::{Matrix, Stream, Sum};
use crate::header::HEADER_BYTES;
use std::collections::VecDeque;

/// Sums waiting to be taken: those of one packet, and of the one before.
const READY_MAX: usize = 4;

/// Makes the sums of a stream of packets.
///
/// Each column begins one row below its left neighbour (SMPTE 2022-1, annex B: block offset),
/// so that columns end one after the other and their sums do not leave in a burst:
///
/// ```text
///   0  1  2  3        columns of D = 4 rows:  0 4 8 12 │ 5 9 13 17 │ 10 14 18 22 │ …
///   4  5  6  7
///   8  9 10 11        the packets above the stairs at the very beginning belong to no
///  12 13 14 15        column; rows cover them
/// ```
#[derive(Debug)]
pub struct Encoder {
    matrix: Matrix,
    /// Packets so far.
    count: u64,
    row: Sum,
    row_base: u16,
    columns: Vec<(u16, Sum)>,
    sequences: [u16; 2],
    ready: VecDeque<(Stream, Vec<u8>)>,
}

impl Encoder {
    /// For a stream that begins with the next packet. The numbers of the sums begin at
    /// `first_sequence`.
    #[must_use]
    pub fn new(matrix: Matrix, first_sequence: u16) -> Self {
        Self {
            matrix,
            count: 0,
            row: Sum::default(),
            row_base: 0,
            columns: vec![(0, Sum::default()); usize::from(matrix.columns)],
            sequences: [first_sequence; 2],
            ready: VecDeque::with_capacity(READY_MAX),
        }
    }

    /// Takes the next packet of the stream, as it is sent. Sums that nobody took are thrown away.
    pub fn on_packet(&mut self, datagram: &[u8]) {
        let Some(head) = datagram.first_chunk::<HEADER_BYTES>() else {
            return;
        };
        let sequence = u16::from_be_bytes([head[2], head[3]]);
        let timestamp = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let (columns, rows) = (u64::from(self.matrix.columns), u64::from(self.matrix.rows));
        let (row, column) = (self.count / columns, self.count % columns);
        self.count += 1;
        if self.matrix.row_sums {
            self.add_to_row(column, sequence, timestamp, datagram);
        }
        let begins = column % rows;
        let Some(row) = row.checked_sub(begins) else {
            return;
        };
        // A column's number is below L, which is a byte.
        let Some((base, sum)) = self.columns.get_mut(column as usize) else {
            return;
        };
        if row % rows == 0 {
            *base = sequence;
            sum.clear();
        }
        sum.add(datagram);
        if row % rows == rows - 1 {
            let covered = Covered {
                stream: Stream::Columns,
                base: *base,
                step: self.matrix.columns,
                count: self.matrix.rows,
            };
            let bytes = write(covered, self.sequences[0], timestamp, sum);
            self.sequences[0] = self.sequences[0].wrapping_add(1);
            self.keep(Stream::Columns, bytes);
        }
    }

    /// The next sum to send.
    pub fn poll(&mut self) -> Option<(Stream, Vec<u8>)> {
        self.ready.pop_front()
    }

    fn add_to_row(&mut self, column: u64, sequence: u16, timestamp: u32, datagram: &[u8]) {
        if column == 0 {
            self.row_base = sequence;
            self.row.clear();
        }
        self.row.add(datagram);
        if column + 1 == u64::from(self.matrix.columns) {
            let covered = Covered {
                stream: Stream::Rows,
                base: self.row_base,
                step: 1,
                count: self.matrix.columns,
            };
            let bytes = write(covered, self.sequences[1], timestamp, &self.row);
            self.sequences[1] = self.sequences[1].wrapping_add(1);
            self.keep(Stream::Rows, bytes);
        }
    }

    fn keep(&mut self, stream: Stream, bytes: Vec<u8>) {
        if self.ready.len() >= READY_MAX {
            self.ready.pop_front();
        }
        self.ready.push_back((stream, bytes));
    }
}
