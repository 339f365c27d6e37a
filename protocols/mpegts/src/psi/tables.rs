//! The tables of one stream, followed as they change.

use super::{MAX_PIDS, Pat, PatProgram, Pmt, SectionReader};
use crate::packet::{PAT_PID, Packet};

/// PAT and PMTs of one transport stream.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pat_reader: SectionReader,
    pat: Option<Pat>,
    /// One reader per PID; programs may share one.
    map_readers: Vec<(u16, SectionReader)>,
    maps: Vec<Pmt>,
    old_crc_errors: u64,
}

/// What a packet of a table brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The end of a table that says something else than before.
    pub(crate) changed: bool,
    /// The end of a table that belongs here, changed or not.
    pub(crate) whole: bool,
    /// The end of a table that does not belong on this PID.
    pub(crate) foreign: bool,
    /// Damaged tables.
    pub(crate) damaged: u64,
}

impl Tables {
    /// The PIDs that carry program maps.
    pub(crate) fn map_pids(&self) -> impl Iterator<Item = u16> + '_ {
        self.map_readers.iter().map(|(pid, _)| *pid)
    }

    /// Takes a packet of a table; whether any table changed.
    pub(crate) fn push(&mut self, packet: Packet<'_>) -> bool {
        self.take(packet).changed
    }

    /// Takes a packet of a table; says what was in it.
    pub(crate) fn take(&mut self, packet: Packet<'_>) -> Taken {
        if packet.pid() == PAT_PID {
            self.push_pat(packet)
        } else {
            self.push_pmt(packet)
        }
    }

    /// Packets of this PID were lost.
    pub(crate) fn lost(&mut self, pid: u16) {
        if pid == PAT_PID {
            self.pat_reader.reset();
        }
        for (_, reader) in self
            .map_readers
            .iter_mut()
            .filter(|(map_pid, _)| *map_pid == pid)
        {
            reader.reset();
        }
    }

    /// The program association table, once one was read.
    pub(crate) const fn pat(&self) -> Option<&Pat> {
        self.pat.as_ref()
    }

    /// The programs of the PAT and their maps, where one was read.
    pub(crate) fn programs(&self) -> impl Iterator<Item = (PatProgram, Option<&Pmt>)> {
        let programs = self.pat.iter().flat_map(|pat| pat.programs.iter().copied());
        programs.map(|program| {
            (
                program,
                self.maps.iter().find(|map| map.program == program.number),
            )
        })
    }

    /// Sections dropped because their CRC was wrong.
    pub(crate) fn crc_errors(&self) -> u64 {
        let maps: u64 = self
            .map_readers
            .iter()
            .map(|(_, reader)| reader.crc_errors())
            .sum();
        self.old_crc_errors + self.pat_reader.crc_errors() + maps
    }

    fn push_pat(&mut self, packet: Packet<'_>) -> Taken {
        let mut newest = None;
        let mut taken = Taken::default();
        let damaged_before = self.pat_reader.crc_errors();
        self.pat_reader
            .push(packet.payload(), packet.unit_start(), |section| {
                taken.foreign |= !Pat::is_one(section);
                newest = Pat::parse(section).or(newest.take());
            });
        taken.whole = newest.is_some();
        taken.damaged = self.pat_reader.crc_errors() - damaged_before;
        let Some(pat) = newest.filter(|pat| self.pat.as_ref() != Some(pat)) else {
            return taken;
        };
        taken.changed = true;
        let mut readers: Vec<(u16, SectionReader)> = Vec::new();
        for program in &pat.programs {
            if readers.iter().any(|(pid, _)| *pid == program.pmt_pid) {
                continue;
            }
            let known = self
                .map_readers
                .iter()
                .position(|(pid, _)| *pid == program.pmt_pid);
            let known = known.map(|index| self.map_readers.swap_remove(index));
            readers.push(known.unwrap_or((program.pmt_pid, SectionReader::new())));
        }
        self.old_crc_errors += self
            .map_readers
            .iter()
            .map(|(_, r)| r.crc_errors())
            .sum::<u64>();
        self.map_readers = readers;
        self.maps.retain(|map| {
            pat.programs
                .iter()
                .any(|program| program.number == map.program)
        });
        self.pat = Some(pat);
        taken
    }

    fn push_pmt(&mut self, packet: Packet<'_>) -> Taken {
        let pid = packet.pid();
        let Self {
            map_readers,
            maps,
            pat,
            ..
        } = self;
        let Some((_, reader)) = map_readers.iter_mut().find(|(map_pid, _)| *map_pid == pid) else {
            return Taken::default();
        };
        let mut taken = Taken::default();
        let damaged_before = reader.crc_errors();
        reader.push(packet.payload(), packet.unit_start(), |section| {
            let Some(map) = Pmt::parse(section) else {
                return;
            };
            let announced = PatProgram {
                number: map.program,
                pmt_pid: pid,
            };
            if pat
                .as_ref()
                .is_some_and(|pat| pat.programs.contains(&announced))
            {
                taken.whole = true;
                taken.changed |= take_over(maps, map);
            }
        });
        taken.damaged = reader.crc_errors() - damaged_before;
        taken
    }
}

/// Whether the map differs from the one known before.
fn take_over(maps: &mut Vec<Pmt>, mut map: Pmt) -> bool {
    let others: usize = maps
        .iter()
        .filter(|m| m.program != map.program)
        .map(|m| m.streams.len())
        .sum();
    map.streams.truncate(MAX_PIDS.saturating_sub(others));
    match maps.iter_mut().find(|known| known.program == map.program) {
        Some(known) if *known == map => false,
        Some(known) => {
            *known = map;
            true
        }
        None => {
            maps.push(map);
            true
        }
    }
}
