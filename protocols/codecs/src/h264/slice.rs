//! Slice headers of H.264, read and written anew. Of frames only: what is coded in fields, in
//! layers, in partitions or with redundant pictures is left alone.
//!
//! ```text
//! first, type, PPS, frame_num, order … lists, weights │ marking │ quantiser, deblocking ║ data
//!                                                                 CABAC: data begin with a byte
//! ```

use super::pps::{MAX_LISTED, Pps};
use super::sps::Numbering;
use crate::bits::{BitReader, BitWriter};
use crate::nal;

/// A header is never longer, with weights for all references.
pub(super) const MAX_HEADER_BYTES: usize = 1024;
/// Commands on references in one header.
const MAX_COMMANDS: usize = 66;
const TYPE_SLICE: u8 = 1;
const TYPE_IDR: u8 = 5;
/// Two IDR pictures in succession must not have the same: encoders count theirs up from zero.
const IDR_ID: u32 = 21_845;
const P: u32 = 0;
const B: u32 = 1;
const I: u32 = 2;

/// What slice headers are read with: what their parameter sets say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    pub(super) numbering: Numbering,
    pub(super) pps: Pps,
    /// Pictures have colours.
    pub(super) colours: bool,
}

/// A slice header, and where its parts are, in bits of the payload behind the unit's first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SliceHeader {
    /// The unit's first byte.
    head: u8,
    first_macroblock: u32,
    slice_type: u32,
    pps_id: u32,
    pub(super) frame_num: u32,
    /// pic_order_cnt_lsb.
    pub(super) order: u32,
    /// delta_pic_order_cnt_bottom.
    pub(super) bottom_order: i64,
    /// Commands on references; `None`: the oldest goes.
    pub(super) commands: Option<Vec<Command>>,
    marking_at: usize,
    behind_marking: usize,
    end: usize,
}

/// A command on references (memory_management_control_operation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// 1: one goes, this many (less one) pictures ago.
    Forget(u32),
    /// 2: a long-term one goes.
    ForgetLong(u32),
    /// 3: one becomes a long-term one, under this index.
    Keep(u32, u32),
    /// 4: so many long-term ones at most.
    MaxLong(u32),
    /// 5: all go, and numbering begins anew.
    Reset,
    /// 6: this picture becomes a long-term one, under this index.
    KeepThis(u32),
}

impl SliceHeader {
    /// Reads the header of a slice: of a whole one, or of as much of it as is there.
    pub(super) fn parse(unit: &[u8], syntax: &Syntax) -> Option<Self> {
        let Syntax { numbering, pps, .. } = syntax;
        let (&head, escaped) = unit.split_first()?;
        if !matches!(head & 0x1F, TYPE_SLICE | TYPE_IDR) {
            return None;
        }
        let payload = nal::unescape(escaped, MAX_HEADER_BYTES);
        let mut reader = BitReader::new(&payload);
        let reader = &mut reader;
        let first_macroblock = reader.ue()?;
        let slice_type = reader.ue()?;
        let pps_id = reader.ue().filter(|&id| id == pps.id)?;
        let frame_num = reader.bits(numbering.frame_num_bits)?;
        if numbering.may_be_fields && reader.bit()? {
            return None;
        }
        let mut slice = Self {
            head,
            first_macroblock,
            slice_type,
            pps_id,
            frame_num,
            order: 0,
            bottom_order: 0,
            commands: None,
            marking_at: 0,
            behind_marking: 0,
            end: 0,
        };
        if slice.is_idr() {
            reader.ue()?;
        }
        if numbering.order_type == 0 {
            slice.order = reader.bits(numbering.order_bits)?;
            if pps.has_bottom_order {
                slice.bottom_order = reader.se()?;
            }
        }
        if pps.has_redundant {
            reader.ue().filter(|&number| number == 0)?;
        }
        slice.skip_lists(reader, syntax)?;
        slice.marking_at = reader.position_bits();
        if slice.is_reference() {
            slice.read_marking(reader)?;
        }
        slice.behind_marking = reader.position_bits();
        if pps.arithmetic && slice.kind() != I {
            reader.ue()?;
        }
        reader.se()?; // quantiser
        if pps.has_deblocking && reader.ue()? != 1 {
            reader.se()?;
            reader.se()?;
        }
        slice.end = reader.position_bits();
        Some(slice)
    }

    /// Which picture parameter set a slice is of.
    pub(super) fn pps_of(unit: &[u8]) -> Option<u32> {
        let payload = nal::unescape(unit.get(1..)?, 16);
        let mut reader = BitReader::new(&payload);
        reader.ue()?;
        reader.ue()?;
        reader.ue()
    }

    const fn kind(&self) -> u32 {
        self.slice_type % 5
    }

    pub(super) const fn is_intra(&self) -> bool {
        self.kind() == I
    }

    pub(super) const fn is_reference(&self) -> bool {
        self.head & 0x60 != 0
    }

    pub(super) const fn is_idr(&self) -> bool {
        self.head & 0x1F == TYPE_IDR
    }

    #[cfg(test)]
    pub(super) const fn end_bits(&self) -> usize {
        self.end
    }

    fn skip_lists(&self, reader: &mut BitReader<'_>, syntax: &Syntax) -> Option<()> {
        let Syntax { pps, colours, .. } = syntax;
        let kind = self.kind();
        let lists = match kind {
            P => 1,
            B => 2,
            I => return Some(()),
            _ => return None,
        };
        if kind == B {
            reader.bit()?; // direct prediction
        }
        let mut listed = pps.listed;
        if reader.bit()? {
            for listed in &mut listed[..lists] {
                *listed = reader.ue()?.checked_add(1)?;
            }
        }
        let listed = &listed[..lists];
        if listed.iter().any(|&listed| listed > MAX_LISTED) {
            return None;
        }
        for _ in listed {
            if reader.bit()? {
                skip_changes(reader)?;
            }
        }
        if pps.weighted && kind == P || pps.weighted_both == 1 && kind == B {
            skip_weights(reader, listed, *colours)?;
        }
        Some(())
    }

    fn read_marking(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if self.is_idr() {
            return reader.skip(2);
        }
        if !reader.bit()? {
            return Some(());
        }
        let mut commands = Vec::new();
        while commands.len() < MAX_COMMANDS {
            commands.push(match reader.ue()? {
                0 => {
                    self.commands = Some(commands);
                    return Some(());
                }
                1 => Command::Forget(reader.ue()?),
                2 => Command::ForgetLong(reader.ue()?),
                3 => Command::Keep(reader.ue()?, reader.ue()?),
                4 => Command::MaxLong(reader.ue()?),
                5 => Command::Reset,
                6 => Command::KeepThis(reader.ue()?),
                _ => return None,
            });
        }
        None
    }

    /// The slice with other commands on references.
    pub(super) fn marked(
        &self,
        unit: &[u8],
        syntax: &Syntax,
        commands: Option<&[Command]>,
    ) -> Option<Vec<u8>> {
        let payload = nal::unescape(unit.get(1..)?, usize::MAX);
        let mut writer = BitWriter::with_capacity(payload.len() + MAX_HEADER_BYTES);
        writer.copy(&payload, 0, self.marking_at)?;
        write_marking(&mut writer, commands);
        self.finish(&payload, syntax, writer, self.head)
    }

    /// The slice, which must be of an I picture, as one of an IDR picture.
    pub(super) fn instantaneous(
        &self,
        unit: &[u8],
        syntax: &Syntax,
        order: u32,
    ) -> Option<Vec<u8>> {
        let Syntax { numbering, pps, .. } = syntax;
        let payload = nal::unescape(unit.get(1..)?, usize::MAX);
        let mut writer = BitWriter::with_capacity(payload.len() + MAX_HEADER_BYTES);
        writer.ue(self.first_macroblock);
        writer.ue(self.slice_type);
        writer.ue(self.pps_id);
        writer.bits(0, numbering.frame_num_bits);
        if numbering.may_be_fields {
            writer.bit(false);
        }
        writer.ue(IDR_ID);
        if numbering.order_type == 0 {
            writer.bits(order, numbering.order_bits);
            if pps.has_bottom_order {
                writer.se(self.bottom_order);
            }
        }
        if pps.has_redundant {
            writer.ue(0);
        }
        writer.bits(0, 2); // what is before it is shown, and it is no long-term reference
        let head = self.head & 0xE0 | TYPE_IDR;
        self.finish(&payload, syntax, writer, head)
    }

    /// What follows the marking, and the data.
    fn finish(
        &self,
        payload: &[u8],
        syntax: &Syntax,
        mut writer: BitWriter,
        head: u8,
    ) -> Option<Vec<u8>> {
        writer.copy(payload, self.behind_marking, self.end)?;
        let written = if syntax.pps.arithmetic {
            writer.align_with_ones();
            let mut written = writer.into_bytes();
            written.extend_from_slice(payload.get(self.end.div_ceil(8)..)?);
            written
        } else {
            writer.copy(payload, self.end, payload.len() * 8)?;
            let mut written = writer.into_bytes();
            // They end with a one, wherever in its byte.
            let length = written.iter().rposition(|&byte| byte != 0)? + 1;
            written.truncate(length);
            written
        };
        let mut unit = Vec::with_capacity(written.len() + written.len() / 64 + 2);
        unit.push(head);
        nal::escape(&written, &mut unit);
        Some(unit)
    }
}

fn write_marking(writer: &mut BitWriter, commands: Option<&[Command]>) {
    writer.bit(commands.is_some());
    let Some(commands) = commands else {
        return;
    };
    for command in commands {
        let (number, arguments) = match *command {
            Command::Forget(ago) => (1, [Some(ago), None]),
            Command::ForgetLong(number) => (2, [Some(number), None]),
            Command::Keep(ago, index) => (3, [Some(ago), Some(index)]),
            Command::MaxLong(count) => (4, [Some(count), None]),
            Command::Reset => (5, [None, None]),
            Command::KeepThis(index) => (6, [Some(index), None]),
        };
        writer.ue(number);
        for argument in arguments.into_iter().flatten() {
            writer.ue(argument);
        }
    }
    writer.ue(0);
}

/// Skips changes of one list (ref_pic_list_modification).
fn skip_changes(reader: &mut BitReader<'_>) -> Option<()> {
    for _ in 0..=MAX_LISTED {
        match reader.ue()? {
            0..=2 => reader.ue()?,
            3 => return Some(()),
            _ => return None,
        };
    }
    None
}

/// Skips weights (pred_weight_table).
fn skip_weights(reader: &mut BitReader<'_>, listed: &[u32], colours: bool) -> Option<()> {
    reader.ue()?;
    if colours {
        reader.ue()?;
    }
    for _ in 0..listed.iter().sum::<u32>() {
        if reader.bit()? {
            reader.se()?;
            reader.se()?;
        }
        if colours && reader.bit()? {
            for _ in 0..4 {
                reader.se()?;
            }
        }
    }
    Some(())
}
