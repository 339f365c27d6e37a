/// Looks at beginnings of pictures and audio packets in a window, all PIDs together. One costs as
/// much as fifty packets may, and the sender decides how many there are; a dozen programs need
/// no more than this.
pub(super) const MAX_LOOKS: u32 = 4000;
/// Searches for an audio header somewhere inside a packet in a window. A stream needs two,
/// ever; one whose format nobody here knows asks for one with every packet, about 47 times a second.
pub(super) const MAX_SEARCHES: u32 = 400;

/// What may be spent on looking into packets in the running window.
#[derive(Debug, Default)]
pub(super) struct Effort {
    looks: u32,
    searches: u32,
    /// How often neither was done because there had been too many.
    pub(super) overlooked: u64,
}

impl Effort {
    /// Whether the beginning of something is looked into.
    pub(super) fn look(&mut self) -> bool {
        spend(&mut self.looks, MAX_LOOKS, &mut self.overlooked)
    }

    /// Whether a header is searched for.
    pub(super) fn search(&mut self) -> bool {
        spend(&mut self.searches, MAX_SEARCHES, &mut self.overlooked)
    }

    /// Another window begins.
    pub(super) fn renew(&mut self) {
        (self.looks, self.searches) = (0, 0);
    }
}

fn spend(spent: &mut u32, max: u32, overlooked: &mut u64) -> bool {
    let may = *spent < max;
    *spent += u32::from(may);
    *overlooked += u64::from(!may);
    may
}
