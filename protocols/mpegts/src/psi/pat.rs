/// Programs of one stream that are followed.
pub const MAX_PROGRAMS: usize = 64;

const TABLE_ID: u8 = 0x00;
const HEADER_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// The program association table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pat {
    /// transport_stream_id.
    pub transport_stream_id: u16,
    /// The programs, without the network entry.
    pub programs: Vec<PatProgram>,
}

/// One program and where its map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatProgram {
    /// program_number.
    pub number: u16,
    /// The PID of its program map table.
    pub pmt_pid: u16,
}

impl Pat {
    /// Whether a section is of this table, for now or for later.
    pub(crate) fn is_one(section: &[u8]) -> bool {
        section.first() == Some(&TABLE_ID)
    }

    /// Reads a section whose CRC was right; `None` when it is no PAT that applies now.
    #[must_use]
    pub fn parse(section: &[u8]) -> Option<Self> {
        let [TABLE_ID, _, _, high, low, version, ..] = *section else {
            return None;
        };
        if version & 1 == 0 {
            return None; // announced for later
        }
        let entries = section.get(HEADER_BYTES..section.len().checked_sub(CRC_BYTES)?)?;
        let programs = entries.chunks_exact(4).map(|entry| PatProgram {
            number: u16::from_be_bytes([entry[0], entry[1]]),
            pmt_pid: u16::from_be_bytes([entry[2], entry[3]]) & 0x1FFF,
        });
        Some(Self {
            transport_stream_id: u16::from_be_bytes([high, low]),
            programs: programs
                .filter(|program| program.number != 0)
                .take(MAX_PROGRAMS)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_entry_is_no_program() {
        let section = [
            0, 0xB0, 17, 0, 1, 0xC1, 0, 0, 0, 0, 0xE0, 0x10, 0, 7, 0xF0, 0x00, 0, 0, 0, 0,
        ];
        let pat = Pat::parse(&section).expect("a table");
        assert_eq!(
            pat.programs,
            [PatProgram {
                number: 7,
                pmt_pid: 0x1000
            }]
        );
    }

    #[test]
    fn a_table_for_later_is_ignored() {
        assert_eq!(
            Pat::parse(&[0, 0xB0, 9, 0, 1, 0xC0, 0, 0, 0, 0, 0, 0]),
            None
        );
    }
}
