//! The tables of a transport stream, as packets, and where decoding can begin.

use std::collections::BTreeMap;
use tidegate_codecs::Kind;
use tidegate_mpegts::{MAX_PROGRAMS, PACKET_BYTES, PAT_PID, Packet, Pat, Pmt, SectionReader};

/// Packets of one table that are kept: a section has at most 1024 bytes, some have 4096.
const TABLE_PACKETS_MAX: usize = 24;
/// Service names, which stand among the tables.
const SDT_PID: u16 = 0x11;

/// What the tables said last.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pat: Table,
    pmts: BTreeMap<u16, Table>,
    leading: Option<Leading>,
}

/// The stream that decides where decoding can begin.
#[derive(Clone, Copy, Debug)]
struct Leading {
    program: u16,
    pid: u16,
    /// Where its program's clock is.
    clock_pid: u16,
    is_picture: bool,
}

/// One table, in the packets that brought it.
#[derive(Debug, Default)]
struct Table {
    reader: SectionReader,
    whole: Vec<u8>,
    fresh: Vec<u8>,
}

impl Table {
    /// Takes a packet of the table; `found` gets the section that it completes.
    fn see(&mut self, packet: Packet<'_>, bytes: &[u8], mut found: impl FnMut(&[u8])) {
        if packet.unit_start() {
            self.fresh.clear();
        }
        if self.fresh.len() < TABLE_PACKETS_MAX * PACKET_BYTES {
            self.fresh.extend_from_slice(bytes);
        }
        let mut is_whole = false;
        self.reader
            .push(packet.payload(), packet.unit_start(), |section| {
                is_whole = true;
                found(section);
            });
        if is_whole {
            self.whole.clone_from(&self.fresh);
        }
    }
}

impl Tables {
    /// Looks at a packet.
    pub(crate) fn see(&mut self, packet: Packet<'_>) {
        let bytes = packet.bytes();
        if packet.pid() == PAT_PID {
            let mut pat = None;
            self.pat
                .see(packet, bytes, |section| pat = Pat::parse(section));
            if let Some(pat) = pat {
                self.follow(&pat);
            }
        } else if let Some(table) = self.pmts.get_mut(&packet.pid()) {
            let mut pmt = None;
            table.see(packet, bytes, |section| pmt = Pmt::parse(section));
            if let Some(pmt) = pmt {
                self.lead(&pmt);
            }
        }
    }

    /// Whether decoding can begin at this packet.
    pub(crate) fn is_entry(&self, packet: Packet<'_>) -> bool {
        let Some(leading) = self.leading else {
            return false;
        };
        let is_key = || packet.adaptation().is_some_and(|found| found.random_access);
        packet.pid() == leading.pid && packet.unit_start() && (!leading.is_picture || is_key())
    }

    /// Where the tables say that the clock is.
    pub(crate) fn clock_pid(&self) -> Option<u16> {
        self.leading.map(|leading| leading.clock_pid)
    }

    /// Whether a packet belongs to a table.
    pub(crate) fn is_table(&self, packet: &[u8]) -> bool {
        let packet = packet.try_into().ok().and_then(Packet::new);
        packet.is_some_and(|packet| {
            let pid = packet.pid();
            pid == PAT_PID || pid == SDT_PID || self.pmts.contains_key(&pid)
        })
    }

    /// Whether these packets of tables begin with the first and have all that are needed.
    pub(crate) fn is_complete(&self, packets: &[u8]) -> bool {
        let mut pids = packets
            .chunks_exact(PACKET_BYTES)
            .filter_map(|packet| Some(Packet::new(packet.try_into().ok()?)?.pid()));
        let needed = self.pmts.keys();
        pids.clone().any(|pid| pid == PAT_PID)
            && needed
                .into_iter()
                .all(|pmt| pids.clone().any(|pid| pid == *pmt))
            && pids.next().is_some()
    }

    /// The packets of the last whole tables.
    pub(crate) fn packets(&self) -> Vec<u8> {
        let pmts = self.pmts.values().map(|table| &table.whole[..]);
        let all: Vec<&[u8]> = core::iter::once(&self.pat.whole[..]).chain(pmts).collect();
        all.concat()
    }

    fn follow(&mut self, pat: &Pat) {
        let pids = || pat.programs.iter().map(|program| program.pmt_pid);
        self.pmts.retain(|pid, _| pids().any(|named| named == *pid));
        for pid in pids().take(MAX_PROGRAMS) {
            self.pmts.entry(pid).or_default();
        }
    }

    /// The first picture of all programs; without one, the first sound.
    fn lead(&mut self, pmt: &Pmt) {
        let first = |kind| pmt.streams.iter().find(move |it| it.codec.kind() == kind);
        let picture = first(Kind::Video);
        let is_of_another = |it: Leading| it.program != pmt.program;
        if let Some(leading) = self.leading.filter(|it| is_of_another(*it))
            && (leading.is_picture || picture.is_none())
        {
            return;
        }
        let chosen = picture.or_else(|| first(Kind::Audio));
        self.leading = chosen.map(|stream| Leading {
            program: pmt.program,
            pid: stream.pid,
            clock_pid: pmt.pcr_pid,
            is_picture: picture.is_some(),
        });
    }
}
