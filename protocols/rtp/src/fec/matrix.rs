/// Columns, and rows, a sender may use (SMPTE 2022-1, section 8).
pub const SIDE_MAX: u8 = 20;

/// Packets a sender's matrix may hold.
pub const MATRIX_PACKETS_MAX: u16 = 100;

/// The fewest rows a column sum may cover, and the fewest packets a row sum may.
const SIDE_MIN: u8 = 4;

/// How a sender arranges its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// L: packets in a row.
    pub columns: u8,
    /// D: packets in a column.
    pub rows: u8,
    /// Rows are summed too (level B), not just columns (level A).
    pub row_sums: bool,
}

/// Why a matrix is none that SMPTE 2022-1 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// Rows have too few or too many packets.
    #[error("{0} columns are not 1 to 20 (4 to 20 when rows are summed too)")]
    Columns(u8),
    /// Columns have too few or too many packets.
    #[error("{0} rows are not 4 to 20")]
    Rows(u8),
    /// The whole is too large.
    #[error("{columns} columns of {rows} rows are more than 100 packets")]
    Product {
        /// What was asked for.
        columns: u8,
        /// What was asked for.
        rows: u8,
    },
}

impl Matrix {
    /// Whether a sender may use it.
    ///
    /// # Errors
    /// Which limit of SMPTE 2022-1 it breaks.
    pub fn check(&self) -> Result<(), MatrixError> {
        let columns_min = if self.row_sums { SIDE_MIN } else { 1 };
        if !(columns_min..=SIDE_MAX).contains(&self.columns) {
            return Err(MatrixError::Columns(self.columns));
        }
        if !(SIDE_MIN..=SIDE_MAX).contains(&self.rows) {
            return Err(MatrixError::Rows(self.rows));
        }
        if u16::from(self.columns) * u16::from(self.rows) > MATRIX_PACKETS_MAX {
            return Err(MatrixError::Product {
                columns: self.columns,
                rows: self.rows,
            });
        }
        Ok(())
    }
}
