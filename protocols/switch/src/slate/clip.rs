//! Pictures and frames of sound, out of the files that were encoded.

use bytes::Bytes;
use core::fmt;
use std::sync::Arc;
use tidegate_codecs::{FrameRate, Kind, StreamConfig};
use tidegate_mpegts::{AccessUnit, Demux, Event, Language, MAX_MUX_TRACKS, Mux, Stamp};
use tidegate_units::{Duration, Instant};

/// Bytes of a file: half a minute of clip at the highest bitrate that slates have, and some.
const FILE_BYTES_MAX: usize = 128 << 20;
const TICKS_PER_SECOND: u64 = 90_000;

/// A file with the picture.
#[derive(Clone, Copy, Debug)]
pub struct PictureFile<'a> {
    /// A transport stream.
    pub ts: &'a [u8],
    /// Its exact rate, which its times only approach.
    pub rate: FrameRate,
}

/// A file with one sound.
#[derive(Clone, Copy, Debug)]
pub struct SoundFile<'a> {
    /// A transport stream.
    pub ts: &'a [u8],
    /// Where the sound begins by its times.
    pub begin: Duration,
    /// So many frames are repeated for themselves; `None`: it begins anew with the picture.
    pub round: Option<u64>,
    /// The language it passes for.
    pub language: Option<Language>,
}

/// A slate, ready to be played.
#[derive(Debug)]
pub struct SlateClip {
    pub(super) config: Arc<StreamConfig>,
    pub(super) rate: FrameRate,
    pub(super) pictures: Vec<Picture>,
    /// A picture is shown when so many later ones are decoded: none, or one in MPEG-2, whose
    /// decoders wait for it.
    pub(super) shown_behind: u64,
    pub(super) sounds: Vec<Sound>,
}

#[derive(Debug)]
pub(super) struct Picture {
    pub(super) data: Bytes,
    pub(super) is_key: bool,
}

#[derive(Debug)]
pub(super) struct Sound {
    pub(super) config: Arc<StreamConfig>,
    pub(super) language: Option<Language>,
    pub(super) frames: Vec<Bytes>,
    pub(super) frame_samples: u64,
    pub(super) rate_hz: u64,
    /// The first frame begins so much later than the picture, in ticks of 90 kHz.
    pub(super) behind_ticks: i64,
    pub(super) goes_with_picture: bool,
}

/// Why files make no slate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlateError {
    /// A file is larger than any slate.
    TooLarge,
    /// More sounds than one program has.
    TooManySounds,
    /// No picture in it can be carried.
    NoPicture,
    /// It does not begin with a key frame.
    NoKeyFrame,
    /// Pictures are shown in another order than they are decoded in.
    Reordered,
    /// No sound in it can be carried, or too little.
    NoSound,
}

impl fmt::Display for SlateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "what was encoded is larger than 128 MB",
            Self::TooManySounds => "the program has more sounds than a slate can have",
            Self::NoPicture => "what was encoded has no picture",
            Self::NoKeyFrame => "what was encoded does not begin with a key frame",
            Self::Reordered => "what was encoded has B-frames",
            Self::NoSound => "what was encoded has no sound",
        })
    }
}

impl core::error::Error for SlateError {}

impl SlateClip {
    /// Reads the files. They are some megabytes: not for media threads.
    ///
    /// # Errors
    /// If they cannot be repeated without a seam.
    pub fn new(picture: &PictureFile<'_>, sounds: &[SoundFile<'_>]) -> Result<Self, SlateError> {
        if sounds.len() >= MAX_MUX_TRACKS {
            return Err(SlateError::TooManySounds);
        }
        let (config, units) = read(picture.ts, Kind::Video)?.ok_or(SlateError::NoPicture)?;
        let shown_behind = shown_behind(&units, picture.rate)?;
        let picture_of = |unit: AccessUnit| Picture {
            data: unit.data,
            is_key: unit.random_access,
        };
        let mut pictures: Vec<Picture> = units.into_iter().map(picture_of).collect();
        if !pictures.first().is_some_and(|first| first.is_key) {
            return Err(SlateError::NoKeyFrame);
        }
        // Two key frames in a row, the last and the first, might have the same number, by which
        // H.264 tells them apart.
        if pictures.len() > 1 && pictures.last().is_some_and(|last| last.is_key) {
            let groups = pictures.iter().filter(|picture| picture.is_key).count();
            if groups < pictures.len() {
                pictures.pop();
            }
        }
        let sounds = sounds.iter().map(Sound::read).collect::<Result<_, _>>()?;
        Ok(Self {
            config,
            rate: picture.rate,
            pictures,
            shown_behind,
            sounds,
        })
    }

    /// How long the picture lasts until it begins anew.
    #[must_use]
    pub fn length(&self) -> Duration {
        let ticks = self.picture_ticks(self.pictures.len() as u64);
        Duration::from_micros(ticks.unsigned_abs() * 100 / 9)
    }

    /// What its bytes take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let pictures = self.pictures.iter().map(|picture| picture.data.len());
        let frames = self.sounds.iter().flat_map(|sound| &sound.frames);
        pictures.sum::<usize>() + frames.map(Bytes::len).sum::<usize>()
    }

    /// When picture `number` comes, in ticks of 90 kHz from the first.
    pub(super) fn picture_ticks(&self, number: u64) -> i64 {
        let FrameRate {
            numerator,
            denominator,
        } = self.rate;
        scale(
            number,
            TICKS_PER_SECOND * u64::from(denominator),
            u64::from(numerator),
        )
    }
}

impl Sound {
    fn read(file: &SoundFile<'_>) -> Result<Self, SlateError> {
        let (config, units) = read(file.ts, Kind::Audio)?.ok_or(SlateError::NoSound)?;
        let audio = config.audio().ok_or(SlateError::NoSound)?;
        let rate_hz = u64::from(audio.format.sample_rate_hz);
        let frame_samples = frame_samples(&units, rate_hz).ok_or(SlateError::NoSound)?;
        let begin = file.begin.as_micros() * 9 / 100;
        let begin = i64::try_from(begin).map_err(|_| SlateError::NoSound)?;
        let mut units = units.into_iter().skip_while(|unit| unit.pts < begin);
        let first = units.next().ok_or(SlateError::NoSound)?;
        let behind_ticks = first.pts - begin;
        let frames = core::iter::once(first).chain(units).map(|unit| unit.data);
        let most = file.round.map_or(usize::MAX, |round| round as usize);
        let frames: Vec<Bytes> = frames.take(most).collect();
        if file.round.is_some_and(|_| frames.len() < most) {
            return Err(SlateError::NoSound);
        }
        Ok(Self {
            config,
            language: file.language,
            frames,
            frame_samples,
            rate_hz,
            behind_ticks,
            goes_with_picture: file.round.is_none(),
        })
    }

    /// When frame `number` comes, in ticks of 90 kHz from the first.
    pub(super) fn frame_ticks(&self, number: u64) -> i64 {
        scale(number, TICKS_PER_SECOND * self.frame_samples, self.rate_hz)
    }
}

/// `number * numerator / denominator`, which is not zero.
fn scale(number: u64, numerator: u64, denominator: u64) -> i64 {
    let scaled = u128::from(number) * u128::from(numerator) / u128::from(denominator.max(1));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

/// How many pictures later each is shown than it is decoded, which is the same for all.
fn shown_behind(units: &[AccessUnit], rate: FrameRate) -> Result<u64, SlateError> {
    let behind = |unit: &AccessUnit| {
        let pictures = (unit.pts - unit.dts) as f64 * rate.as_f64() / TICKS_PER_SECOND as f64;
        pictures.round().max(0.0) as u64
    };
    let first = units.first().map_or(0, behind);
    match units.iter().all(|unit| behind(unit) == first) {
        true => Ok(first),
        false => Err(SlateError::Reordered),
    }
}

/// Samples of a frame, by the times of the first and the last.
fn frame_samples(units: &[AccessUnit], rate_hz: u64) -> Option<u64> {
    let steps = units.len().checked_sub(1).filter(|steps| *steps > 0)? as u64;
    let ticks = u64::try_from(units.last()?.pts - units.first()?.pts).ok()?;
    let per = steps * TICKS_PER_SECOND;
    Some((ticks * rate_hz + per / 2) / per).filter(|samples| *samples > 0)
}

type Track = (Arc<StreamConfig>, Vec<AccessUnit>);

/// The units of the first track of that kind.
fn read(ts: &[u8], kind: Kind) -> Result<Option<Track>, SlateError> {
    if ts.len() > FILE_BYTES_MAX {
        return Err(SlateError::TooLarge);
    }
    let stamp = Stamp {
        arrived: Instant::ZERO,
        due: Instant::ZERO,
    };
    let mut demux = Demux::new();
    let mut units = Vec::new();
    let mut take = |demux: &mut Demux| {
        while let Some(event) = demux.next_event() {
            if let Event::Unit(unit) = event {
                units.push(unit);
            }
        }
    };
    // Events wait in a queue that has an end.
    for bytes in ts.chunks(1 << 20) {
        demux.push(stamp, bytes);
        take(&mut demux);
    }
    demux.flush();
    take(&mut demux);
    let tracks = demux.tracks();
    let is_wanted = |codec: tidegate_codecs::Codec| codec.kind() == kind && Mux::can_carry(codec);
    let track = tracks.iter().find(|track| is_wanted(track.codec));
    let Some((pid, config)) = track.and_then(|track| Some((track.pid, track.config.clone()?)))
    else {
        return Ok(None);
    };
    units.retain(|unit| unit.pid == pid);
    Ok((!units.is_empty()).then_some((config, units)))
}
