//! The output's own PAT and PMT.

use super::Out;
use super::told::told_of_program;
use crate::PAT_PID;
use crate::mux::packetize::Packetizer;
use crate::mux::tables::section;
use crate::seam::ProgramMap;
use bytes::{BufMut, BytesMut};

const PAT_TABLE: u8 = 0x00;
const PMT_TABLE: u8 = 0x02;
/// What a section of a map can say besides its head, the program's fields and the checksum.
const MAP_BODY_BYTES: usize = 1021 - 13;
/// What it says of a stream besides its descriptors.
const STREAM_BYTES: usize = 5;

/// Writes the tables.
#[derive(Clone, Debug)]
pub(super) struct TableWriter {
    pat: Packetizer,
    map: Packetizer,
    transport_stream_id: u16,
    program: u16,
    /// The descriptors of the program, as the first input told them …
    home: Vec<u8>,
    /// … and as they are told now.
    info: Vec<u8>,
    version: u8,
}

/// A program that begins anew with other streams must not look like the one before, to receivers
/// that go by the version.
fn first_version(map: &ProgramMap) -> u8 {
    let streams = map.streams.iter().map(|it| &it.stream);
    let told = streams.flat_map(|it| [it.pid, u16::from(it.stream_type)]);
    let sum = told.fold(map.pcr_pid, |sum, it| sum.wrapping_mul(31).wrapping_add(it));
    (sum % 32) as u8
}

impl TableWriter {
    /// For a program as the first input told it.
    pub(super) fn new(map: &ProgramMap) -> Self {
        Self {
            pat: Packetizer::new(PAT_PID),
            map: Packetizer::new(map.pid),
            transport_stream_id: map.transport_stream_id,
            program: map.program,
            home: map.info.clone(),
            info: map.info.clone(),
            version: first_version(map),
        }
    }

    pub(super) const fn map_pid(&self) -> u16 {
        self.map.pid()
    }

    /// What is on air tells this of the program; whether that is something else.
    pub(super) fn follow(&mut self, map: &ProgramMap) -> bool {
        let told = told_of_program(&self.home, &map.info);
        let is_other = *told != *self.info;
        if is_other {
            self.info = told.to_vec();
        }
        is_other
    }

    /// What the map says is not what it said before.
    pub(super) fn changed(&mut self) {
        self.version = (self.version + 1) & 0x1F;
    }

    pub(super) fn write(&mut self, pcr_pid: u16, streams: &[Out], out: &mut BytesMut) {
        let map_pid = self.map.pid();
        let pat = section(PAT_TABLE, self.transport_stream_id, 0, |body| {
            body.put_u16(self.program);
            body.put_u16(0xE000 | map_pid);
        });
        self.pat.section(&pat, out);
        let map = section(PMT_TABLE, self.program, self.version, |body| {
            // All streams are named, and described as far as there is room.
            let mut left = MAP_BODY_BYTES.saturating_sub(streams.len() * STREAM_BYTES);
            let mut describe = |info: &[u8], body: &mut BytesMut| {
                let rest = left.checked_sub(info.len());
                let info = if rest.is_some() { info } else { &[] };
                left = rest.unwrap_or(left);
                body.put_u16(0xF000 | info.len() as u16);
                body.put_slice(info);
            };
            body.put_u16(0xE000 | pcr_pid);
            describe(&self.info, body);
            for stream in streams {
                body.put_u8(stream.stream.stream_type);
                body.put_u16(0xE000 | stream.pid);
                describe(&stream.info, body);
            }
        });
        self.map.section(&map, out);
    }
}
