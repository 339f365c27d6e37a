//! Access units to transport packets: one program.
//!
//! What a demultiplexer yields goes in as it is; so does what other containers yield,
//! whose headers are outside the stream: parameter sets, delimiters and audio framing are
//! added where they are missing.

pub(crate) mod packetize;
mod prepare;
mod swap;
pub(crate) mod tables;

pub use swap::{MAX_SWAPPED, NewSound, Role, SoundMap, SoundSwap};

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tidegate_codecs::{Codec, Kind, StreamConfig};

use self::packetize::Packetizer;
use self::prepare::Prepared;
use crate::packet::Pcr;
use crate::psi::Language;

const FIRST_PID: u16 = 0x100;
/// Tracks of one program.
pub const MAX_MUX_TRACKS: usize = 64;
/// Tables are repeated after this much of the stream's time …
const TABLE_INTERVAL_TICKS: i64 = 9_000;
/// … and the clock at least this often, with every unit of its track at most.
const CLOCK_INTERVAL_TICKS: i64 = 1_800;
/// Units of one track may come so much later than those of another that are decoded with them.
const INTERLEAVE_TICKS: i64 = 90_000 * 10;
/// A decoder has this long between the arrival of a unit and its decoding.
const DECODER_DELAY_TICKS: i64 = 45_000;

/// A track to be carried.
#[derive(Clone, Debug, PartialEq)]
pub struct MuxTrack {
    /// The caller's number for it.
    pub id: u16,
    /// Its configuration.
    pub config: Arc<StreamConfig>,
    /// Its language.
    pub language: Option<Language>,
}

/// An access unit or audio frame to be carried.
#[derive(Clone, Debug)]
pub struct MuxUnit {
    /// [`MuxTrack::id`] of its track.
    pub track: u16,
    /// Presentation time, 90 kHz.
    pub pts: i64,
    /// Decoding time, 90 kHz.
    pub dts: i64,
    /// Decoding can begin here.
    pub key: bool,
    /// Video in Annex B; AAC as raw frames; other audio as frames.
    pub data: Bytes,
}

/// Why a track cannot be carried.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MuxError {
    /// No way of carrying the codec is known here.
    #[error("{} is not carried in MPEG-TS; leave this track out or convert it", .0.name())]
    UnsupportedCodec(Codec),
    /// The program map would not fit into one section.
    #[error("more than {MAX_MUX_TRACKS} tracks do not fit into one program; leave some out")]
    TooManyTracks,
}

/// Writes one program as a transport stream.
#[derive(Debug)]
pub struct Mux {
    tracks: Vec<Output>,
    tables: Packetizer,
    map: Packetizer,
    /// The tables' version, which rises when the tracks change.
    version: u8,
    clock_track: usize,
    last_tables: Option<i64>,
    last_clock: Option<i64>,
}

#[derive(Debug)]
struct Output {
    track: MuxTrack,
    packetizer: Packetizer,
    /// The track's configuration changed: say so in its next packet.
    discontinuity: bool,
}

impl Default for Mux {
    fn default() -> Self {
        Self::new()
    }
}

impl Mux {
    /// A multiplexer without tracks.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tracks: Vec::new(),
            tables: Packetizer::new(crate::PAT_PID),
            map: Packetizer::new(tables::MAP_PID),
            version: 0,
            clock_track: 0,
            last_tables: None,
            last_clock: None,
        }
    }

    /// Whether a codec can be carried.
    #[must_use]
    pub const fn can_carry(codec: Codec) -> bool {
        tables::stream_type(codec).is_some()
    }

    /// Tells the tracks; those that stay keep their PID.
    pub fn set_tracks(&mut self, tracks: &[MuxTrack]) -> Result<(), MuxError> {
        if tracks.len() > MAX_MUX_TRACKS {
            return Err(MuxError::TooManyTracks);
        }
        let odd = tracks
            .iter()
            .map(|track| track.config.codec())
            .find(|c| !Self::can_carry(*c));
        if let Some(codec) = odd {
            return Err(MuxError::UnsupportedCodec(codec));
        }
        let mut old = core::mem::take(&mut self.tracks);
        for track in tracks {
            let known = old.iter().position(|output| output.track.id == track.id);
            let output = known.map(|index| old.swap_remove(index));
            self.tracks.push(match output {
                Some(mut output) => {
                    output.discontinuity = output.track.config != track.config;
                    output.track = track.clone();
                    output
                }
                None => Output {
                    track: track.clone(),
                    packetizer: Packetizer::new(0),
                    discontinuity: false,
                },
            });
        }
        self.number_tracks(&old);
        let is_video = |output: &Output| output.track.config.codec().kind() == Kind::Video;
        self.clock_track = self.tracks.iter().position(is_video).unwrap_or(0);
        self.version = (self.version + 1) & 0x1F;
        self.last_tables = None;
        Ok(())
    }

    /// Appends the packets of a unit, and of the tables and the clock when they are due.
    /// Units of tracks that were not told are ignored.
    pub fn push(&mut self, unit: &MuxUnit, out: &mut BytesMut) {
        let Some(index) = self.tracks.iter().position(|o| o.track.id == unit.track) else {
            return;
        };
        // Tracks are interleaved loosely: a unit from a little before is no reason.
        let due = |last: Option<i64>, interval: i64| {
            let usual = -INTERLEAVE_TICKS..interval;
            last.is_none_or(|last| !usual.contains(&unit.dts.saturating_sub(last)))
        };
        let begins = unit.key
            && index == self.clock_track
            && self.tracks[index].track.config.codec().kind() == Kind::Video;
        if begins || due(self.last_tables, TABLE_INTERVAL_TICKS) {
            self.last_tables = Some(unit.dts);
            self.write_tables(out);
        }
        let clock = due(self.last_clock, CLOCK_INTERVAL_TICKS);
        if clock {
            self.last_clock = Some(unit.dts);
        }
        let pcr = clock.then(|| clock_at(unit.dts));
        if let Some(pcr) = pcr.filter(|_| index != self.clock_track) {
            // The clock's own track is late: it gets a packet with nothing but the clock.
            self.tracks[self.clock_track]
                .packetizer
                .clock_only(pcr, false, out);
        }
        let output = &mut self.tracks[index];
        let Prepared { stream_id, parts } = prepare::unit(&output.track.config, unit);
        let head = packetize::Head {
            stream_id,
            pts: unit.pts,
            dts: unit.dts,
            random_access: unit.key && output.track.config.codec().kind() == Kind::Video,
            discontinuity: core::mem::take(&mut output.discontinuity),
            pcr: pcr.filter(|_| index == self.clock_track),
        };
        let parts: Vec<&[u8]> = parts.iter().map(|part| &part[..]).collect();
        output.packetizer.pes(&head, &parts, out);
    }

    /// Gives new tracks PIDs that are free and were not just in use.
    fn number_tracks(&mut self, gone: &[Output]) {
        for index in 0..self.tracks.len() {
            if self.tracks[index].packetizer.pid() != 0 {
                continue;
            }
            let used = |pid: u16| {
                self.tracks
                    .iter()
                    .chain(gone)
                    .any(|output| output.packetizer.pid() == pid)
            };
            let pid = (FIRST_PID..tables::MAP_PID)
                .find(|&pid| !used(pid))
                .unwrap_or(FIRST_PID);
            self.tracks[index].packetizer = Packetizer::new(pid);
        }
    }

    fn write_tables(&mut self, out: &mut BytesMut) {
        self.tables.section(&tables::pat(self.version), out);
        let clock_pid = self.tracks[self.clock_track].packetizer.pid();
        let streams = self.tracks.iter().map(|o| (o.packetizer.pid(), &o.track));
        self.map
            .section(&tables::pmt(self.version, clock_pid, streams), out);
    }
}

/// The clock when a unit with this decoding time is sent.
fn clock_at(dts: i64) -> Pcr {
    let base = dts
        .saturating_sub(DECODER_DELAY_TICKS)
        .rem_euclid(crate::Timeline::PERIOD);
    Pcr(base.unsigned_abs() * 300)
}
