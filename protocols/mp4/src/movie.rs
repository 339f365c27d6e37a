//! The table of contents: `moov`.

use crate::boxes::{Fields, Kind, child, children};
use crate::edit::{self, Edit};
use crate::entry::{self, Description};
use crate::limits::TRACKS_MAX;
use crate::tables::Tables;
use crate::{Mp4Error, Track};
use bytes::Bytes;
use std::sync::Arc;

/// What `moov` says.
#[derive(Debug)]
pub(crate) struct Movie {
    pub(crate) tracks: Vec<MovieTrack>,
    /// Fragments may follow.
    pub(crate) is_fragmented: bool,
    /// Tracks that cannot be carried, by what they are.
    pub(crate) left_out: Vec<String>,
}

/// One track that can be carried.
#[derive(Debug)]
pub(crate) struct MovieTrack {
    /// The file's number for it.
    pub(crate) number: u32,
    pub(crate) timescale: u32,
    pub(crate) is_video: bool,
    pub(crate) language: Option<String>,
    /// At least one.
    pub(crate) descriptions: Vec<Description>,
    pub(crate) edit: Edit,
    pub(crate) tables: Tables,
    /// What fragments say of their samples unless they say otherwise.
    pub(crate) defaults: Defaults,
}

/// A sample's properties where nothing else is said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) description: u32,
    pub(crate) duration: u32,
    pub(crate) bytes: u32,
    pub(crate) flags: u32,
}

impl Movie {
    /// Reads the body of `moov`.
    pub(crate) fn read(moov: &Bytes) -> Result<Self, Mp4Error> {
        let movie_timescale = child(moov, b"mvhd").map_or(Ok(1), |body| timescale(&body))?;
        let mvex = child(moov, b"mvex");
        let mut movie = Self {
            tracks: Vec::new(),
            is_fragmented: mvex.is_some(),
            left_out: Vec::new(),
        };
        let traks = children(moov).filter(|(kind, _)| kind == b"trak");
        for (_, trak) in traks.take(TRACKS_MAX) {
            match MovieTrack::read(&trak, movie_timescale)? {
                Ok(track) => movie.tracks.push(track),
                Err(what) => movie.left_out.push(what),
            }
        }
        for (_, trex) in mvex
            .iter()
            .flat_map(children)
            .filter(|(kind, _)| kind == b"trex")
        {
            movie.take_defaults(&trex)?;
        }
        if movie.tracks.is_empty() {
            let what = match movie.left_out.as_slice() {
                [] => "it has none".to_owned(),
                kinds => kinds.join(", "),
            };
            return Err(Mp4Error::NothingToPlay(what));
        }
        Ok(movie)
    }

    fn take_defaults(&mut self, trex: &[u8]) -> Result<(), Mp4Error> {
        let mut fields = Fields(trex);
        fields.version_and_flags()?;
        let number = fields.u32()?;
        let defaults = Defaults {
            description: fields.u32()?.saturating_sub(1),
            duration: fields.u32()?,
            bytes: fields.u32()?,
            flags: fields.u32()?,
        };
        if let Some(track) = self.tracks.iter_mut().find(|track| track.number == number) {
            track.defaults = defaults;
        }
        Ok(())
    }

    /// The tracks as they are told.
    pub(crate) fn told(&self) -> Vec<Track> {
        let told = |(id, track): (u16, &MovieTrack)| Track {
            id,
            codec: track.descriptions[0].codec,
            language: track.language.clone(),
            config: track.descriptions[0].config.as_ref().map(Arc::clone),
        };
        (1..).zip(&self.tracks).map(told).collect()
    }
}

impl MovieTrack {
    /// Reads the body of `trak`; the inner error says what cannot be carried.
    fn read(trak: &Bytes, movie_timescale: u32) -> Result<Result<Self, String>, Mp4Error> {
        let mdia = child(trak, b"mdia").ok_or(Mp4Error::Damaged("trak"))?;
        let is_video = match handler(&mdia) {
            Some(kind) if kind == *b"vide" => true,
            Some(kind) if kind == *b"soun" => false,
            other => return Ok(Err(entry::spelled(&other.unwrap_or(*b"none")))),
        };
        let tkhd = child(trak, b"tkhd").ok_or(Mp4Error::Damaged("tkhd"))?;
        let mdhd = child(&mdia, b"mdhd").ok_or(Mp4Error::Damaged("mdhd"))?;
        let stbl = child(&mdia, b"minf").and_then(|minf| child(&minf, b"stbl"));
        let stbl = stbl.ok_or(Mp4Error::Damaged("stbl"))?;
        let stsd = child(&stbl, b"stsd").ok_or(Mp4Error::Damaged("stsd"))?;
        let descriptions = match entry::descriptions(&stsd, is_video)? {
            Ok(descriptions) => descriptions,
            Err(what) => return Ok(Err(what)),
        };
        let timescale = timescale(&mdhd)?;
        let edits = child(trak, b"edts").and_then(|edts| child(&edts, b"elst"));
        let edit = edits.map(|elst| edit::read(&elst, movie_timescale, timescale));
        Ok(Ok(Self {
            number: track_number(&tkhd)?,
            timescale,
            is_video,
            language: language(&mdhd),
            descriptions,
            edit: edit.transpose()?.unwrap_or_default(),
            tables: Tables::read(&stbl)?,
            defaults: Defaults::default(),
        }))
    }
}

fn handler(mdia: &Bytes) -> Option<Kind> {
    let hdlr = child(mdia, b"hdlr")?;
    let mut fields = Fields(&hdlr);
    fields.skip(8).ok()?;
    fields.kind().ok()
}

/// Of `mvhd` and `mdhd`, which begin alike.
fn timescale(body: &[u8]) -> Result<u32, Mp4Error> {
    let mut fields = Fields(body);
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    match fields.u32()? {
        0 => Err(Mp4Error::Damaged("mdhd")),
        timescale => Ok(timescale),
    }
}

fn track_number(tkhd: &[u8]) -> Result<u32, Mp4Error> {
    let mut fields = Fields(tkhd);
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    fields.u32()
}

/// Three letters of five bits each.
fn language(mdhd: &[u8]) -> Option<String> {
    let mut fields = Fields(mdhd);
    let (version, _) = fields.version_and_flags().ok()?;
    fields.skip(if version == 1 { 28 } else { 16 }).ok()?;
    let packed = fields.u16().ok()?;
    let letter = |shift: u32| char::from((packed >> shift & 0x1F) as u8 + 0x60);
    let code: String = [10, 5, 0].map(letter).iter().collect();
    let is_code = code.bytes().all(|letter| letter.is_ascii_lowercase());
    (is_code && code != "und").then_some(code)
}
