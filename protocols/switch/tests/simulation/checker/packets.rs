//! Packets, their counters, and the tables.

use std::collections::BTreeMap;

use tidegate_units::{Duration, Instant};

use crate::camera::packets::checksum;

/// Tables come at least so often.
const TABLES_EVERY: Duration = Duration::from_millis(110);

/// One packet that belongs to the program.
pub struct Seen<'a> {
    pub pid: u16,
    /// stream_type, where it is a stream of the program.
    pub stream: Option<u8>,
    pub starts: bool,
    pub payload: &'a [u8],
    /// In ticks of 27 MHz, where this is the PID of the clock.
    pub pcr: Option<u64>,
}

#[derive(Default)]
pub struct Packets {
    counters: BTreeMap<u16, u8>,
    pmt_pid: Option<u16>,
    pcr_pid: Option<u16>,
    streams: BTreeMap<u16, u8>,
    version: Option<(u8, Vec<u8>)>,
    /// Of PAT and PMT.
    last_tables: [Option<Instant>; 2],
    pub problems: Vec<String>,
}

impl Packets {
    pub fn push<'a>(&mut self, packet: &'a [u8], due: Instant) -> Option<Seen<'a>> {
        if packet[0] != 0x47 {
            self.problems.push("no sync byte".into());
            return None;
        }
        let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
        let starts = packet[1] & 0x40 != 0;
        if pid == 0x1FFF {
            return None;
        }
        self.count(pid, packet[3] & 0x0F, packet[3] & 0x10 != 0);
        let (field, payload) = divide(packet);
        if packet[1] & 0x80 != 0 || packet[3] & 0xC0 != 0 {
            self.wrong(format!("PID {pid:#x}: damaged or scrambled"));
        }
        let flags = field.first().copied().unwrap_or_default();
        if flags & 0x80 != 0 {
            self.wrong(format!("PID {pid:#x}: a discontinuity is announced"));
        }
        let pcr = (flags & 0x10 != 0).then(|| read_clock(&field[1..7]));
        if pid == 0 || Some(pid) == self.pmt_pid {
            self.table(pid, starts, payload, due);
            return None;
        }
        self.tables_are_there(due);
        let stream = self.streams.get(&pid).copied();
        if stream.is_none() && Some(pid) != self.pcr_pid {
            self.wrong(format!("PID {pid:#x} is in no table"));
        }
        let pcr = pcr.filter(|_| Some(pid) == self.pcr_pid);
        Some(Seen {
            pid,
            stream,
            starts,
            payload,
            pcr,
        })
    }

    fn count(&mut self, pid: u16, counter: u8, has_payload: bool) {
        let Some(last) = self.counters.insert(pid, counter) else {
            return;
        };
        let expected = (last + u8::from(has_payload)) & 0x0F;
        if counter != expected {
            self.wrong(format!(
                "PID {pid:#x}: counter {counter} instead of {expected}"
            ));
        }
    }

    fn tables_are_there(&mut self, due: Instant) {
        for (at, name) in ["PAT", "PMT"].iter().enumerate() {
            match self.last_tables[at] {
                Some(last) if due.saturating_since(last) > TABLES_EVERY => {
                    self.last_tables[at] = Some(due);
                    self.wrong(format!("no {name} since {last}"));
                }
                None => self.wrong(format!("a packet before the first {name}")),
                Some(_) => {}
            }
        }
    }

    fn table(&mut self, pid: u16, starts: bool, payload: &[u8], due: Instant) {
        if !starts {
            self.wrong(format!("a table on {pid:#x} takes several packets"));
            return;
        }
        let section = &payload[1 + usize::from(payload[0])..];
        let length = 3 + usize::from(u16::from_be_bytes([section[1] & 0x0F, section[2]]));
        let section = &section[..length];
        if checksum(section) != 0 {
            self.wrong(format!("the table on {pid:#x} has a wrong sum"));
            return;
        }
        self.last_tables[usize::from(pid != 0)] = Some(due);
        if pid != 0 {
            self.program(section);
            return;
        }
        let pmt_pid = u16::from_be_bytes([section[10] & 0x1F, section[11]]);
        if self.pmt_pid.is_some_and(|before| before != pmt_pid) {
            self.wrong("the PMT moved".into());
        }
        self.pmt_pid = Some(pmt_pid);
    }

    fn program(&mut self, section: &[u8]) {
        let version = section[5] >> 1 & 0x1F;
        let body = section[8..section.len() - 4].to_vec();
        match self.version.replace((version, body.clone())) {
            Some((old, same)) if same == body && old != version => {
                self.wrong("a new version of the same PMT".into());
            }
            Some((old, other)) if other != body && old == version => {
                self.wrong("another PMT in the same version".into());
            }
            _ => {}
        }
        self.pcr_pid = Some(u16::from_be_bytes([body[0] & 0x1F, body[1]]));
        let info = usize::from(u16::from_be_bytes([body[2] & 0x0F, body[3]]));
        let mut rest = &body[4 + info..];
        self.streams.clear();
        while let [kind, high, low, info_high, info_low, ..] = rest {
            let pid = u16::from_be_bytes([high & 0x1F, *low]);
            self.streams.insert(pid, *kind);
            let info = usize::from(u16::from_be_bytes([info_high & 0x0F, *info_low]));
            rest = &rest[5 + info..];
        }
    }

    fn wrong(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

/// Adaptation field without its length, and payload.
fn divide(packet: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(packet[4]);
    match packet[3] & 0x30 {
        0x30 => (&packet[5..5 + length], &packet[5 + length..]),
        0x20 => (&packet[5..5 + length], &[]),
        0x10 => (&[], &packet[4..]),
        _ => (&[], &[]),
    }
}

fn read_clock(field: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(field);
    let field = u64::from_be_bytes(bytes);
    (field >> 15) * 300 + (field & 0x1FF)
}
