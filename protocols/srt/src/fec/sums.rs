use super::clip::Clip;
use super::geometry::Group;

/// The sums of the groups that may still be completed: a ring for each line.
///
/// Nothing is allocated before a place is used, and nothing is given back afterwards: a
/// filter costs at most as many payloads as it has places.
#[derive(Debug)]
pub(super) struct Sums {
    places: Vec<Sum>,
}

/// What has come of one group.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// The group's first packet; `None`: the place is free.
    first: Option<u64>,
    pub(super) packets: u64,
    /// Its FEC packet has come.
    pub(super) has_fec: bool,
    pub(super) clip: Clip,
}

impl Sums {
    pub(super) fn new(places: u64) -> Self {
        Self {
            places: (0..places).map(|_| Sum::default()).collect(),
        }
    }

    /// The place of `group`, taken from an older one if need be; `None` if a newer one has it.
    pub(super) fn take(&mut self, place: u64, group: &Group) -> Option<&mut Sum> {
        let sum = self.places.get_mut(usize::try_from(place).ok()?)?;
        match sum.first {
            Some(first) if first == group.first => {}
            Some(first) if first > group.first => return None,
            _ => {
                sum.first = Some(group.first);
                sum.packets = 0;
                sum.has_fec = false;
                sum.clip.clear();
            }
        }
        Some(sum)
    }

    /// The sum of `group`, if anything of it has come.
    pub(super) fn get(&self, place: u64, group: &Group) -> Option<&Sum> {
        let sum = self.places.get(usize::try_from(place).ok()?)?;
        (sum.first == Some(group.first)).then_some(sum)
    }
}
