/// What changed in a group since its legs were told last.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The indices of packets that came over any leg.
    pub(crate) came: Vec<u64>,
    /// First and last of each run that no leg brought in time.
    pub(crate) given_up: Vec<(u64, u64)>,
}

impl News {
    /// Forgets all, but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.came.clear();
        self.given_up.clear();
    }
}
