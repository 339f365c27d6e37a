//! The references in a decoder that began at an entry.
//!
//! ```text
//! encoder  12 13 15 │ 16 17 …     what it keeps from before the entry nobody can know
//! decoder  ?  ?  ?  │ 16 17 …     frames that stand in for it (gaps in frame_num)
//! ```
//!
//! Behind the entry both are to keep the same. Commands to forget a frame that the decoder never
//! had are left out; where it has to forget one in its place, that is one that stands in.

use super::super::slice::{Command, SliceHeader, Syntax};

/// One reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    number: u32,
    is: Is,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// Nothing but a number that was left out, or the picture that is in front of the entry.
    StandIn,
    /// The same, of a picture behind the entry: one that leads it and was not shown, or was lost.
    Missing,
    /// A picture of the input.
    Picture,
}

/// What a decoder keeps.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    /// The oldest first.
    kept: Vec<Frame>,
    /// Indices of long-term references.
    long: Vec<u32>,
    /// The number of the reference before.
    previous: u32,
    is_behind_entry: bool,
}

/// What a picture has to tell of references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    AsItIs,
    /// These commands; `None`: the oldest goes.
    Other(Option<Vec<Command>>),
    /// As it is, and what was before it counts no more.
    Anew,
}

impl Frames {
    /// A decoder that has an IDR picture and nothing else. `is_entry`: which is the entry itself.
    pub(super) fn new(is_entry: bool) -> Self {
        let is = if is_entry { Is::Picture } else { Is::StandIn };
        Self {
            kept: vec![Frame { number: 0, is }],
            long: Vec::new(),
            previous: 0,
            is_behind_entry: is_entry,
        }
    }

    /// The next picture.
    pub(super) fn next(&mut self, slice: &SliceHeader, syntax: &Syntax) -> Marking {
        if slice.is_idr() {
            return Marking::Anew;
        }
        let bits = syntax.numbering.frame_num_bits;
        let size = (syntax.numbering.references as usize).max(1);
        let number = slice.frame_num;
        self.leave_out(number, bits, size);
        if !slice.is_reference() {
            return Marking::AsItIs;
        }
        let marking = self.mark(slice, bits, size);
        if marking == Marking::Anew {
            return marking;
        }
        self.previous = number;
        self.is_behind_entry = true;
        marking
    }

    /// Frames take the place of numbers that are left out.
    fn leave_out(&mut self, number: u32, bits: u32, size: usize) {
        let mask = (1 << bits) - 1;
        let steps = number.wrapping_sub(self.previous) & mask;
        if steps < 2 {
            return;
        }
        let is = if self.is_behind_entry {
            Is::Missing
        } else {
            Is::StandIn
        };
        for back in (1..steps.min(size as u32 + 1)).rev() {
            if self.count() >= size {
                self.forget_oldest();
            }
            let number = number.wrapping_sub(back) & mask;
            self.kept.push(Frame { number, is });
        }
        self.previous = number.wrapping_sub(1) & mask;
    }

    fn mark(&mut self, slice: &SliceHeader, bits: u32, size: usize) -> Marking {
        let mask = (1 << bits) - 1;
        let number = slice.frame_num;
        let ago = |of: u32| number.wrapping_sub(of).wrapping_sub(1) & mask;
        let mut commands = Vec::new();
        let mut is_long = false;
        for &command in slice.commands.iter().flatten() {
            let is_meant = match command {
                Command::Forget(back) => self.forget_picture(ago(back)),
                Command::Keep(back, index) => {
                    let is_meant = self.forget_picture(ago(back));
                    if is_meant {
                        self.keep(index);
                    }
                    is_meant
                }
                Command::ForgetLong(index) => {
                    let count = self.long.len();
                    self.long.retain(|&known| known != index);
                    self.long.len() < count
                }
                Command::MaxLong(count) => {
                    self.long.retain(|&known| known < count);
                    true
                }
                Command::KeepThis(index) => {
                    self.keep(index);
                    is_long = true;
                    true
                }
                Command::Reset => return Marking::Anew,
            };
            if is_meant {
                commands.push(command);
            }
        }
        // What is missing would be taken for pictures between those that are there.
        let missing = self.kept.iter().filter(|frame| frame.is == Is::Missing);
        let mut leaving: Vec<u32> = missing.map(|frame| frame.number).collect();
        self.kept.retain(|frame| frame.is != Is::Missing);
        let slides = slice.commands.is_none() && leaving.is_empty();
        let most = size - usize::from(!is_long);
        while self.count() > most {
            let stands_in = |frame: &Frame| frame.is == Is::StandIn;
            let place = match self.kept.iter().position(stands_in) {
                _ if slides => 0,
                Some(place) => place,
                None if slice.commands.is_none() => 0,
                // More than there may be: as the input has it.
                None => break,
            };
            if self.kept.is_empty() {
                break;
            }
            leaving.push(self.kept.remove(place).number);
        }
        if !is_long {
            let is = Is::Picture;
            self.kept.push(Frame { number, is });
        }
        if slides {
            return Marking::AsItIs;
        }
        commands.extend(leaving.into_iter().map(|left| Command::Forget(ago(left))));
        let commands = Some(commands).filter(|commands| !commands.is_empty());
        if commands == slice.commands {
            Marking::AsItIs
        } else {
            Marking::Other(commands)
        }
    }

    fn count(&self) -> usize {
        self.kept.len() + self.long.len()
    }

    fn forget_oldest(&mut self) {
        if !self.kept.is_empty() {
            self.kept.remove(0);
        }
    }

    /// Whether a picture of the input had that number.
    fn forget_picture(&mut self, number: u32) -> bool {
        let wanted = Frame {
            number,
            is: Is::Picture,
        };
        let count = self.kept.len();
        self.kept.retain(|frame| *frame != wanted);
        self.kept.len() < count
    }

    fn keep(&mut self, index: u32) {
        if !self.long.contains(&index) {
            self.long.push(index);
        }
    }
}
