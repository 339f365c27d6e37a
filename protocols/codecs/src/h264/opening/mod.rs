//! How a stream with open groups begins behind another one, as if it had closed ones.
//!
//! ```text
//! input    … P B B [I] b b P B B …      [I] an entry that is no IDR picture, b lead it
//! output   … │ IDR  I      P B B …      the same picture twice, what leads it is left out
//! ```
//!
//! Only an IDR picture makes a decoder forget what it had before. It has the number zero and the
//! entry has another, which those behind it refer to: so it is made out of the entry, its slices
//! as they are but for their headers, and the entry follows it. The sequence parameter sets then
//! have to say that numbers are left out. An entry with the number zero becomes an IDR picture
//! itself.

mod frames;
#[cfg(test)]
mod tests;

use super::UnitType;
use super::pps::Pps;
use super::slice::{MAX_HEADER_BYTES, SliceHeader, Syntax};
use super::sps::{Numbering, Sps, with_gaps};
use crate::nal;
use frames::{Frames, Marking};

/// Units in front of the first slice that are looked at.
const MAX_LEADING_UNITS: usize = 64;
/// So many groups behind the entry pictures may still tell to forget what was before it.
const GROUPS_FOLLOWED: u8 = 2;
/// Numbers and orders have so many bits at most.
const MAX_NUMBER_BITS: u32 = 16;
/// References at once.
const MAX_REFERENCES: u32 = 16;
const MAX_SPS_ID: u32 = 31;
/// The order comes from the number, or is told.
const ORDER_TOLD: u32 = 0;
const ORDER_OF_NUMBER: u32 = 2;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// How an entry begins a stream behind another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// As it is: it is an IDR picture, or one that cannot be changed.
    AsItIs,
    /// Behind an IDR picture that is made out of it.
    Behind,
    /// As an IDR picture.
    AsInstantaneous,
}

/// A stream that began with an entry of an open group.
#[derive(Clone, Debug)]
pub struct Opening {
    sets: Sets,
    frames: Frames,
    groups: u8,
}

/// What an access unit behind the entry has to be instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same, but for these bytes, by their places.
    Bytes(Vec<(usize, u8)>),
    /// Another one.
    Unit(Vec<u8>),
}

impl Change {
    /// The access unit as it has to be.
    #[must_use]
    pub fn of(self, unit: &[u8]) -> Vec<u8> {
        match self {
            Self::Unit(other) => other,
            Self::Bytes(bytes) => {
                let mut other = unit.to_vec();
                for (at, byte) in bytes {
                    other.get_mut(at).into_iter().for_each(|it| *it = byte);
                }
                other
            }
        }
    }
}

/// What an entry becomes.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What follows it.
    pub opening: Opening,
    /// The access unit in front of it, if there is one.
    pub front: Option<Vec<u8>>,
    /// The access unit itself.
    pub entry: Vec<u8>,
}

/// Parameter sets, by their numbers.
#[derive(Clone, Debug, Default)]
struct Sets {
    sequences: Vec<(u32, Numbering, bool)>,
    pictures: Vec<Pps>,
}

/// How an entry begins a stream behind another one; `None`: not enough of it is there to tell.
/// `sets`: parameter sets that were told before.
#[must_use]
pub fn opens<'a>(unit: &[u8], sets: impl Iterator<Item = &'a [u8]>) -> Option<Opens> {
    let mut known = Sets::default();
    sets.for_each(|set| known.take(set));
    let mut tails = nal::tails(unit);
    for tail in tails.by_ref().take(MAX_LEADING_UNITS) {
        match UnitType::of(tail)? {
            UnitType::Sps | UnitType::Pps => known.take(nal::first(tail)),
            UnitType::Slice => {
                let is_there = tail.len() >= MAX_HEADER_BYTES;
                return match known.slice(tail) {
                    None => is_there.then_some(Opens::AsItIs),
                    Some((slice, _)) => Some(slice.opens()),
                };
            }
            UnitType::Idr => return Some(Opens::AsItIs),
            other if is_layered(other) => return Some(Opens::AsItIs),
            _ => {}
        }
    }
    // Nothing more has to come where there is more than is looked at.
    tails.next().map(|_| Opens::AsItIs)
}

impl Opening {
    /// The entry, with its parameter sets. `None`: it cannot be begun with like this.
    #[must_use]
    pub fn begin(unit: &[u8]) -> Option<Opened> {
        let mut sets = Sets::default();
        let mut first = None;
        for unit in nal::split(unit) {
            match UnitType::of(unit)? {
                UnitType::Sps | UnitType::Pps => sets.take(unit),
                UnitType::Slice => {
                    let entry = sets.entry(unit)?;
                    let number = entry.slice.frame_num;
                    let first = first.get_or_insert(entry);
                    if first.slice.frame_num != number {
                        return None;
                    }
                }
                UnitType::Idr => return None,
                other if is_layered(other) => return None,
                _ => {}
            }
        }
        let first = first?;
        let is_entry = first.slice.opens() == Opens::AsInstantaneous;
        let mut opening = Self {
            sets,
            frames: Frames::new(is_entry),
            groups: GROUPS_FOLLOWED,
        };
        if is_entry {
            let entry = opening.instantaneous(unit, None)?;
            return Some(Opened {
                opening,
                front: None,
                entry,
            });
        }
        let front = opening.instantaneous(unit, Some(first.order_before()))?;
        let entry = opening.picture(unit, false);
        Some(Opened {
            opening,
            front: Some(front),
            entry: entry.map_or_else(|| unit.to_vec(), |change| change.of(unit)),
        })
    }

    /// Whether [`picture`](Self::picture) has to see an access unit. `headers`: parameter sets
    /// stand in it.
    #[must_use]
    pub const fn follows(&self, headers: bool) -> bool {
        headers || self.groups > 0
    }

    /// The next access unit; `Some`: what it has to be instead. `key`: it is an entry too.
    pub fn picture(&mut self, unit: &[u8], key: bool) -> Option<Change> {
        if key {
            self.groups = self.groups.saturating_sub(1);
        }
        let mut marking = None;
        let mut is_changed = false;
        for unit in nal::split(unit) {
            match UnitType::of(unit)? {
                UnitType::Sps => {
                    self.sets.take(unit);
                    is_changed |= lacks_gaps(unit).is_some();
                }
                UnitType::Pps => self.sets.take(unit),
                kind if kind.is_slice() && marking.is_none() && self.groups > 0 => {
                    marking = Some(self.marking(unit));
                }
                _ => {}
            }
        }
        let marking = match marking {
            Some(Marking::Other(commands)) => Some(commands),
            Some(Marking::Anew) => {
                self.groups = 0;
                None
            }
            _ => None,
        };
        if marking.is_none() {
            if !is_changed {
                return None;
            }
            if let Some(bytes) = gaps_in_place(unit) {
                return Some(Change::Bytes(bytes));
            }
        }
        let other = rebuilt(unit, |unit| match (UnitType::of(unit), &marking) {
            (Some(UnitType::Sps), _) => Some(allowing_gaps(unit)),
            (Some(UnitType::Slice), Some(commands)) => {
                let (slice, syntax) = self.sets.slice(unit)?;
                slice.marked(unit, &syntax, commands.as_deref())
            }
            _ => Some(unit.to_vec()),
        });
        other.map(Change::Unit)
    }

    fn marking(&mut self, unit: &[u8]) -> Marking {
        match self.sets.slice(unit) {
            Some((slice, syntax)) => self.frames.next(&slice, &syntax),
            // Fields, or nothing at all: nothing is known any more.
            None => Marking::Anew,
        }
    }

    /// The entry as an IDR picture: one in front of it where the order of that is told.
    fn instantaneous(&self, unit: &[u8], order: Option<u32>) -> Option<Vec<u8>> {
        rebuilt(unit, |unit| match UnitType::of(unit)? {
            UnitType::Sps => Some(allowing_gaps(unit)),
            UnitType::Slice => {
                let (slice, syntax) = self.sets.slice(unit)?;
                slice.instantaneous(unit, &syntax, order.unwrap_or(slice.order))
            }
            UnitType::Pps | UnitType::Delimiter => Some(unit.to_vec()),
            // What it tells is told once, with the entry.
            _ if order.is_some() => Some(Vec::new()),
            _ => Some(unit.to_vec()),
        })
    }
}

/// A slice that a stream can be begun with.
struct Entry {
    slice: SliceHeader,
    syntax: Syntax,
}

impl SliceHeader {
    const fn opens(&self) -> Opens {
        if !self.is_intra() || !self.is_reference() {
            Opens::AsItIs
        } else if self.frame_num == 0 {
            Opens::AsInstantaneous
        } else {
            Opens::Behind
        }
    }
}

impl Entry {
    /// The order of an IDR picture in front of it. That should be zero, from where the order can
    /// be told up to half of where it wraps. Decoders that conceal what is left out show each of it
    /// two further: these should come before the entry too.
    fn order_before(&self) -> u32 {
        let Numbering {
            order_bits,
            references,
            ..
        } = self.syntax.numbering;
        let wraps = 1_u32 << order_bits;
        let before = (2 * references + 2).min((wraps / 2).saturating_sub(2));
        let own = self.slice.order;
        // The earlier one of its fields counts.
        let lowest = (-self.slice.bottom_order).clamp(0, 1) as u32;
        if (before + lowest..wraps / 2).contains(&own) {
            lowest
        } else {
            own.wrapping_sub(before) & (wraps - 1)
        }
    }
}

impl Sets {
    fn take(&mut self, set: &[u8]) {
        if UnitType::of(set) == Some(UnitType::Sps) {
            let Some(sps) = Sps::parse(set).filter(|sps| sps.id <= MAX_SPS_ID) else {
                return;
            };
            self.sequences.retain(|(id, ..)| *id != sps.id);
            let has_colours = sps.chroma_format != 0;
            self.sequences.push((sps.id, sps.numbering, has_colours));
        } else if let Some(pps) = Pps::parse(set) {
            self.pictures.retain(|known| known.id != pps.id);
            self.pictures.push(pps);
        }
    }

    fn syntax(&self, pps_id: u32) -> Option<Syntax> {
        let pps = *self.pictures.iter().find(|pps| pps.id == pps_id)?;
        let of = |(id, ..): &&(u32, Numbering, bool)| *id == pps.sps_id;
        let &(_, numbering, colours) = self.sequences.iter().find(of)?;
        let is_read = numbering.frame_num_bits <= MAX_NUMBER_BITS
            && numbering.order_bits <= MAX_NUMBER_BITS
            && numbering.references <= MAX_REFERENCES
            && matches!(numbering.order_type, ORDER_TOLD | ORDER_OF_NUMBER)
            && !numbering.separate_planes;
        is_read.then_some(Syntax {
            numbering,
            pps,
            colours,
        })
    }

    fn slice(&self, unit: &[u8]) -> Option<(SliceHeader, Syntax)> {
        let syntax = self.syntax(SliceHeader::pps_of(unit)?)?;
        let slice = SliceHeader::parse(unit, &syntax)?;
        Some((slice, syntax))
    }

    fn entry(&self, unit: &[u8]) -> Option<Entry> {
        let (slice, syntax) = self.slice(unit)?;
        (slice.opens() != Opens::AsItIs).then_some(Entry { slice, syntax })
    }
}

/// Slices in partitions, and those of further layers, views or planes.
const fn is_layered(kind: UnitType) -> bool {
    matches!(kind, UnitType::Other(3 | 4 | 14 | 15 | 19 | 20 | 21))
}

/// What a sequence parameter set says of numbers, if it allows none to be left out.
fn lacks_gaps(set: &[u8]) -> Option<Numbering> {
    let numbering = Sps::parse(set)?.numbering;
    (!numbering.has_gaps).then_some(numbering)
}

fn allowing_gaps(set: &[u8]) -> Vec<u8> {
    let changed = lacks_gaps(set).and_then(|numbering| with_gaps(set, &numbering));
    changed.unwrap_or_else(|| set.to_vec())
}

/// The bytes of an access unit that allow gaps in its sequence parameter sets; `None` where a set
/// becomes longer or shorter by that.
fn gaps_in_place(unit: &[u8]) -> Option<Vec<(usize, u8)>> {
    let mut bytes = Vec::new();
    for tail in nal::tails(unit) {
        let set = nal::first(tail);
        if UnitType::of(set) != Some(UnitType::Sps) {
            continue;
        }
        let other = allowing_gaps(set);
        if other.len() != set.len() {
            return None;
        }
        let at = unit.len() - tail.len();
        let pairs = set.iter().zip(&other).enumerate();
        let changed = pairs.filter(|(_, (byte, other))| byte != other);
        bytes.extend(changed.map(|(place, (_, other))| (at + place, *other)));
    }
    Some(bytes)
}

/// An access unit in which each NAL unit is another one; empty ones are left out.
fn rebuilt(unit: &[u8], mut of: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(unit.len() + unit.len() / 16);
    for unit in nal::split(unit) {
        let unit = of(unit)?;
        if !unit.is_empty() {
            bytes.extend(START_CODE);
            bytes.extend(unit);
        }
    }
    Some(bytes)
}
