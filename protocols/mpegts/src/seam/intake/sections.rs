//! Where a run of sections ends that begins in a packet.

const STUFFING: u8 = 0xFF;
const HEADER_BYTES: usize = 3;

/// What is still to come of the sections of one PID.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sections {
    left: usize,
}

impl Sections {
    /// Takes the payload of a packet; whether all that began is there now.
    pub(super) fn push(&mut self, payload: &[u8], starts: bool) -> bool {
        if !starts {
            self.left = self.left.saturating_sub(payload.len());
            return self.left == 0;
        }
        self.left = 0;
        let pointer = payload.first().map_or(0, |&pointer| usize::from(pointer));
        let mut rest = payload.get(1 + pointer..).unwrap_or_default();
        while let [table, high, low, ..] = *rest {
            if table == STUFFING {
                return true;
            }
            let length = HEADER_BYTES + (usize::from(high & 0x0F) << 8 | usize::from(low));
            match rest.get(length..) {
                Some(behind) => rest = behind,
                None => {
                    self.left = length - rest.len();
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_its_last_section() {
        let mut sections = Sections::default();
        assert!(sections.push(&[0, 0xFC, 0x30, 2, 1, 2, 0xFF, 0xFF], true));
        assert!(!sections.push(&[0, 0xFC, 0x30, 1, 1, 0xFC, 0x30, 9, 1, 2], true));
        assert!(!sections.push(&[0; 6], false));
        assert!(sections.push(&[0; 6], false));
        assert!(sections.push(&[200, 1], true) && sections.push(&[], true));
    }
}
