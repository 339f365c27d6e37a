use super::rename::NewSound;
use crate::packet::{PAT_PID, Packet};
use crate::psi::Tables;
use tidegate_codecs::Kind;

/// Tracks of one stream whose sound is swapped; further ones stay as they are.
pub const MAX_SWAPPED: usize = 8;
/// Programs whose maps did not come in so many packets are not waited for: a tenth of a second
/// of a fast stream, some seconds of a slow one.
const MAPS_WAIT_PACKETS: u32 = 2_000;

/// Which PIDs of a stream carry sound that can be swapped.
#[derive(Debug, Default)]
pub struct SoundMap {
    tables: Tables,
    /// In the order they were found, so that who came first stays.
    sound: Vec<u16>,
    left_out: Vec<u16>,
    waited: u32,
    is_complete: bool,
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It belongs to the PAT or to a program map.
    Table,
    /// It carries sound that is swapped.
    Sound,
    /// Anything else.
    Other,
}

impl SoundMap {
    /// A map of a stream of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet and says what it is for.
    pub fn packet(&mut self, packet: Packet<'_>) -> Role {
        let pid = packet.pid();
        if self.is_table(pid) {
            let is_clean = !packet.scrambled() && !packet.transport_error();
            if is_clean && self.tables.push(packet) {
                self.follow();
            }
            return Role::Table;
        }
        if !self.is_complete && self.has_any_map() {
            self.waited += 1;
            self.is_complete = self.waited > MAPS_WAIT_PACKETS;
        }
        if self.is_sound(pid) {
            Role::Sound
        } else {
            Role::Other
        }
    }

    /// Whether the tables are known, so that what is not sound is surely none.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether this PID carries sound that is swapped.
    #[must_use]
    pub fn is_sound(&self, pid: u16) -> bool {
        self.sound.contains(&pid)
    }

    /// Whether this PID carries tables.
    #[must_use]
    pub fn is_table(&self, pid: u16) -> bool {
        pid == PAT_PID || self.tables.map_pids().any(|map| map == pid)
    }

    /// The PIDs whose sound is swapped.
    #[must_use]
    pub fn sound(&self) -> &[u16] {
        &self.sound
    }

    /// The PIDs whose sound stays: of codecs that are not read, or too many.
    #[must_use]
    pub fn left_out(&self) -> &[u16] {
        &self.left_out
    }

    fn has_any_map(&self) -> bool {
        self.tables.programs().any(|(_, map)| map.is_some())
    }

    fn follow(&mut self) {
        let maps = || self.tables.programs().filter_map(|(_, map)| map);
        let streams = || maps().flat_map(|map| &map.streams);
        let audio = streams().filter(|stream| stream.codec.kind() == Kind::Audio);
        let (mut readable, mut left_out) = (Vec::new(), Vec::new());
        for stream in audio {
            let list = if NewSound::can_be_made_of(stream.codec) {
                &mut readable
            } else {
                &mut left_out
            };
            if !list.contains(&stream.pid) {
                list.push(stream.pid);
            }
        }
        self.sound.retain(|pid| readable.contains(pid));
        for pid in readable {
            if self.sound.contains(&pid) {
                continue;
            }
            if self.sound.len() < MAX_SWAPPED {
                self.sound.push(pid);
            } else {
                left_out.push(pid);
            }
        }
        self.left_out = left_out;
        let mut programs = self.tables.programs();
        let all_known = programs.all(|(_, map)| map.is_some());
        self.is_complete |= all_known && self.has_any_map();
    }
}
