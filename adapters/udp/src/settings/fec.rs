use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::SettingsError;
use tidegate_rtp::fec::{Matrix, MatrixError};

/// Forward error correction of SMPTE 2022-1, sent to the port + 2 (columns) and + 4 (rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FecSettings {
    /// Packets in a row: 1 to 20, and 4 to 20 when rows are protected too. A burst of so many
    /// lost packets is repaired.
    pub columns: u8,
    /// Packets in a column: 4 to 20. One packet in so many is added for the columns. Columns
    /// times rows are 100 at most.
    pub rows: u8,
    /// Protects rows as well as columns, which repairs more and adds one packet to each row.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schemars(extend("default" = true))]
    pub protect_rows: bool,
}

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_yes(value: &bool) -> bool {
    *value
}

impl FecSettings {
    pub(crate) const fn matrix(self) -> Matrix {
        Matrix {
            columns: self.columns,
            rows: self.rows,
            row_sums: self.protect_rows,
        }
    }

    pub(super) fn check(self) -> Result<(), SettingsError> {
        self.matrix().check().map_err(|error| {
            let key = match error {
                MatrixError::Columns(_) => "columns",
                MatrixError::Rows(_) | MatrixError::Product { .. } => "rows",
            };
            SettingsError::new("fec", error.to_string())
                .at("fec", &[key])
                .advise("5 by 5 suits short bursts, 10 by 10 longer ones.")
        })
    }
}
