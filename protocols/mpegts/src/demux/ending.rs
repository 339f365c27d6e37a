/// PES packets that kept the rule before it is relied upon.
const KEPT_ENOUGH: u8 = 16;

/// Learns whether the PES packets of one PID can be known to end before the next one begins.
///
/// The length of video is mostly left open, so a picture would be whole only when the next one
/// begins: a frame later. But a PES packet begins with a transport packet of its own, so the
/// last one of the PES packet before is filled up, and most multiplexers fill up no other.
///
/// ```text
///            16 ended with a filled-up packet                one went on after one
/// WATCHING ────────────────────────────────────► RELIED ON ──────────────────────► NEVER
///     └───────────────────── one went on after a filled-up packet ───────────────────▲
/// ```
///
/// One that fills its last packet exactly ends with the next beginning, as ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    kept: u8,
    /// The PES packet under way has had a filled-up transport packet.
    filled_up: bool,
    /// What is left of the PES packet under way was not seen from its beginning.
    unsure: bool,
    never: bool,
}

/// What a transport packet says about the PES packet it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// It ends here.
    Ends,
    /// It did not end where it was taken to.
    WentOn,
}

impl Ending {
    /// A PES packet begins.
    pub(crate) fn begin(&mut self) {
        if self.filled_up && !self.unsure && self.kept < KEPT_ENOUGH {
            self.kept += 1;
        }
        self.filled_up = false;
        self.unsure = false;
    }

    /// A transport packet of the PES packet under way.
    pub(crate) fn packet(&mut self, filled_up: bool) -> Said {
        if self.never || self.unsure {
            return Said::Nothing;
        }
        if self.filled_up {
            self.never = true;
            return if self.kept >= KEPT_ENOUGH {
                Said::WentOn
            } else {
                Said::Nothing
            };
        }
        self.filled_up = filled_up;
        if filled_up && self.kept >= KEPT_ENOUGH {
            Said::Ends
        } else {
            Said::Nothing
        }
    }

    /// Whether the PES packet under way has had a packet that mostly is the last.
    pub(crate) const fn is_expected_here(&self) -> bool {
        self.filled_up
    }

    /// Transport packets are missing: the beginning of another may be among them.
    pub(crate) fn lost(&mut self) {
        self.unsure = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin_and_end(ending: &mut Ending) -> Said {
        ending.begin();
        ending.packet(false);
        ending.packet(true)
    }

    fn relied_on() -> Ending {
        let mut ending = Ending::default();
        for _ in 0..KEPT_ENOUGH {
            assert_eq!(begin_and_end(&mut ending), Said::Nothing);
        }
        ending
    }

    #[test]
    fn after_some_that_did_a_filled_up_packet_is_the_end() {
        assert_eq!(begin_and_end(&mut relied_on()), Said::Ends);
    }

    #[test]
    fn a_multiplexer_that_fills_up_in_between_is_never_relied_on_again() {
        let mut ending = relied_on();
        begin_and_end(&mut ending);
        assert_eq!(ending.packet(false), Said::WentOn);
        for _ in 0..100 {
            assert_eq!(begin_and_end(&mut ending), Said::Nothing);
        }
    }

    #[test]
    fn what_goes_on_after_a_loss_says_nothing() {
        let mut ending = relied_on();
        begin_and_end(&mut ending);
        ending.lost();
        assert_eq!(ending.packet(false), Said::Nothing);
        assert_eq!(begin_and_end(&mut ending), Said::Ends);
    }
}
