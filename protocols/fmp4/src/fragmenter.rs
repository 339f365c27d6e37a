use bytes::{BufMut, Bytes};
use mp4_atom::{Encode, FourCC, Mfhd, Moof, Styp, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};
use tidegate_codecs::{Codec, av1, sample};

use crate::track::{Sample, TICKS_PER_SECOND, TrackSpec};
use crate::{Fmp4Error, init};

/// sample_depends_on = 2: no other sample.
const KEY_FLAGS: u32 = 0x0200_0000;
/// sample_depends_on = 1, and not a sync sample.
const DELTA_FLAGS: u32 = 0x0101_0000;
const BOX_HEADER_BYTES: usize = 8;
/// In front of every NAL unit, instead of a start code.
const NAL_LENGTH_BYTES: usize = 4;
/// More than a `styp` box takes.
const STYP_ROOM_BYTES: usize = 64;
/// A fragment whose sound begins this far (in frames) from where that of the one before ended follows
/// a gap; what is less is made up for behind its first frame, which leaves no hole between the two.
const AUDIO_TOLERANCE_FRAMES: i64 = 1;
/// Times of sound are rounded on their way, some to milliseconds: a quarter of a frame is less than
/// anybody hears, and more than that.
const AUDIO_ROUNDING_OF_FRAME: i64 = 4;

/// Makes fragments of a fixed set of tracks.
///
/// Decoding times continue exactly from fragment to fragment: the times of audio frames,
/// which are rounded to 90 kHz on their way, are counted in samples again.
#[derive(Debug)]
pub struct Fragmenter {
    tracks: Vec<Track>,
    init: Bytes,
    sequence: u32,
}

#[derive(Debug)]
struct Track {
    spec: TrackSpec,
    /// Where the last fragment's samples end, in the track's own ticks.
    end: Option<i64>,
}

impl Fragmenter {
    /// A fragmenter for these tracks.
    pub fn new(tracks: Vec<TrackSpec>) -> Result<Self, Fmp4Error> {
        let init = init::init_segment(&tracks)?;
        let tracks = tracks
            .into_iter()
            .map(|spec| Track { spec, end: None })
            .collect();
        Ok(Self {
            tracks,
            init,
            sequence: 0,
        })
    }

    /// The initialisation segment.
    #[must_use]
    pub fn init_segment(&self) -> Bytes {
        self.init.clone()
    }

    /// The clock jumps: the next samples do not continue the last ones.
    pub fn restart(&mut self) {
        for track in &mut self.tracks {
            track.end = None;
        }
    }

    /// One fragment of these samples: a list per track, in the order of the tracks, which
    /// may be empty. Times count from an epoch of the caller's; what is before it is moved to it.
    pub fn fragment(&mut self, samples: &[&[Sample]]) -> Result<Bytes, Fmp4Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut data = Data::default();
        let mut runs = Vec::new();
        for ((id, track), samples) in (1_u32..).zip(&mut self.tracks).zip(samples) {
            if !samples.is_empty() {
                runs.push((track.run(id, samples, &mut data)?, data.bytes));
            }
        }
        assemble(self.sequence, runs, &data)
    }
}

/// What goes into `mdat`, where it lies; it is copied once, when all sizes are known.
#[derive(Default)]
struct Data<'a> {
    pieces: Vec<Piece<'a>>,
    /// How much it will be.
    bytes: usize,
}

enum Piece<'a> {
    /// Goes in with its length in front.
    Nal(&'a [u8]),
    Frame(&'a [u8]),
    Made(Bytes),
}

impl<'a> Data<'a> {
    fn push_nal(&mut self, nal: &'a [u8]) {
        self.bytes += NAL_LENGTH_BYTES + nal.len();
        self.pieces.push(Piece::Nal(nal));
    }

    fn push_frame(&mut self, frame: &'a [u8]) {
        self.bytes += frame.len();
        self.pieces.push(Piece::Frame(frame));
    }

    fn push_made(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.pieces.push(Piece::Made(frame));
    }

    fn write(&self, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Nal(nal) => {
                    out.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
                    out.put_slice(nal);
                }
                Piece::Frame(frame) => out.put_slice(frame),
                Piece::Made(frame) => out.put_slice(frame),
            }
        }
    }
}

impl Track {
    /// One track's samples: their data is appended, their table returned.
    fn run<'a>(
        &mut self,
        id: u32,
        samples: &'a [Sample],
        data: &mut Data<'a>,
    ) -> Result<Traf, Fmp4Error> {
        let base = self.base(samples.first().map_or(0, |sample| sample.dts));
        let durations = self.durations(samples, base);
        let mut entries = Vec::with_capacity(samples.len());
        for (sample, &duration) in samples.iter().zip(&durations) {
            let begin = data.bytes;
            match self.spec.config.codec() {
                codec if sample::is_nal_codec(codec) => {
                    sample::nal_units(codec, &sample.data).for_each(|nal| data.push_nal(nal));
                }
                Codec::Av1 => data.push_made(av1::sample(&sample.data)),
                _ => data.push_frame(&sample.data),
            }
            let composition = sample.pts.saturating_sub(sample.dts);
            entries.push(TrunEntry {
                duration: Some(duration),
                size: Some(u32::try_from(data.bytes - begin).map_err(|_| Fmp4Error::TooLarge)?),
                flags: Some(if sample.key { KEY_FLAGS } else { DELTA_FLAGS }),
                cts: self.spec.is_video().then_some(composition),
            });
        }
        let total: i64 = durations.iter().map(|&duration| i64::from(duration)).sum();
        self.end = Some(base.saturating_add(total));
        Ok(Traf {
            tfhd: Tfhd {
                track_id: id,
                default_base_is_moof: true,
                ..Tfhd::default()
            },
            tfdt: Some(Tfdt {
                base_media_decode_time: base.max(0).cast_unsigned(),
            }),
            trun: vec![Trun {
                data_offset: Some(0),
                samples: TrunSamples::Explicit(entries),
            }],
            ..Traf::default()
        })
    }

    /// The decoding time of the first sample, in the track's own ticks.
    fn base(&self, dts: i64) -> i64 {
        let told = self.ticks(dts.max(0));
        let Some(end) = self.end else { return told };
        match self.spec.frame_ticks() {
            // Video never goes back: a fragment that overlapped the one before would undo it.
            None => told.max(end),
            Some(frame) if (told - end).abs() <= i64::from(frame) * AUDIO_TOLERANCE_FRAMES => end,
            Some(_) => told,
        }
    }

    /// Durations in the track's own ticks: exact where frames are alike, otherwise up to
    /// the next sample.
    fn durations(&self, samples: &[Sample], base: i64) -> Vec<u32> {
        if let Some(frame) = self.spec.frame_ticks() {
            return self.audio_durations(samples, base, frame);
        }
        let next = samples
            .iter()
            .skip(1)
            .map(|sample| Some(sample.dts))
            .chain([None]);
        let duration = |(sample, next): (&Sample, Option<i64>)| {
            let told = sample.dts.saturating_add(i64::from(sample.duration));
            let begin = self.ticks(sample.dts);
            u32::try_from(self.ticks(next.unwrap_or(told)) - begin).unwrap_or(0)
        };
        samples.iter().zip(next).map(duration).collect()
    }

    /// Of frames that are alike, the first of which begins at `base`. One in front of a gap lasts
    /// over it (the last one, too, where its duration tells of one), and one whose next begins early
    /// ends early: counted as alike, sound would be out of its place until the fragment's end, and
    /// small gaps would add up to a hole between fragments.
    fn audio_durations(&self, samples: &[Sample], base: i64, frame: u32) -> Vec<u32> {
        let mut begin = base;
        let mut durations = vec![frame; samples.len()];
        for (duration, next) in durations.iter_mut().zip(samples.iter().skip(1)) {
            let (counted, told) = (begin + i64::from(frame), self.ticks(next.dts.max(0)));
            let strays = (told - counted).abs() > i64::from(frame) / AUDIO_ROUNDING_OF_FRAME;
            begin = if strays { told.max(begin + 1) } else { counted };
            *duration = u32::try_from(begin - (counted - i64::from(frame))).unwrap_or(frame);
        }
        if let Some((duration, last)) = durations.last_mut().zip(samples.last()) {
            let told = self.ticks(last.dts.max(0).saturating_add(i64::from(last.duration))) - begin;
            if told - i64::from(frame) > i64::from(frame) / AUDIO_ROUNDING_OF_FRAME {
                *duration = u32::try_from(told).unwrap_or(frame);
            }
        }
        durations
    }

    /// 90 kHz to the track's own ticks, to the nearest.
    fn ticks(&self, time: i64) -> i64 {
        let scaled = time.saturating_mul(i64::from(self.spec.timescale()));
        let half = i64::from(TICKS_PER_SECOND / 2);
        let ticks = scaled.saturating_add(half);
        ticks.div_euclid(i64::from(TICKS_PER_SECOND))
    }
}

/// `styp`, `moof` and `mdat`. Each run comes with the end of its data.
fn assemble(sequence: u32, runs: Vec<(Traf, usize)>, data: &Data<'_>) -> Result<Bytes, Fmp4Error> {
    let ends: Vec<usize> = runs.iter().map(|(_, end)| *end).collect();
    let traf = runs.into_iter().map(|(traf, _)| traf).collect();
    let mut moof = Moof {
        mfhd: Mfhd {
            sequence_number: sequence,
        },
        traf,
    };
    let mut header = Vec::new();
    moof.encode(&mut header)?;
    // The offsets count from the start of `moof`; its size does not depend on them.
    let data_begin = header.len() + BOX_HEADER_BYTES;
    let begins = [0].into_iter().chain(ends.iter().copied());
    for (traf, begin) in moof.traf.iter_mut().zip(begins) {
        let offset = i32::try_from(data_begin + begin).map_err(|_| Fmp4Error::TooLarge)?;
        for run in &mut traf.trun {
            run.data_offset = Some(offset);
        }
    }
    let mdat_bytes =
        u32::try_from(data.bytes + BOX_HEADER_BYTES).map_err(|_| Fmp4Error::TooLarge)?;
    let styp = Styp {
        major_brand: FourCC::new(b"msdh"),
        minor_version: 0,
        compatible_brands: vec![FourCC::new(b"msdh"), FourCC::new(b"msix")],
    };
    let mut out = Vec::with_capacity(STYP_ROOM_BYTES + data_begin + data.bytes);
    styp.encode(&mut out)?;
    moof.encode(&mut out)?;
    out.put_u32(mdat_bytes);
    out.put_slice(b"mdat");
    data.write(&mut out);
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tidegate_codecs::{StreamConfig, aac};

    const FRAME: i64 = 1920;

    /// Stereo AAC at 48 kHz.
    fn sound() -> Track {
        let header = aac::adts_header(&[0xFF, 0xF1, 0x4C, 0x80, 0x2D, 0xFF, 0xFC]).unwrap();
        let record = header.config.to_bytes();
        let config = StreamConfig::Audio(header.config.stream_config(Codec::Aac, record));
        let spec = TrackSpec {
            config: Arc::new(config),
            language: None,
        };
        Track { spec, end: None }
    }

    /// Where the samples of a fragment begin, on the 90 kHz clock, and where the last one ends.
    fn places(track: &mut Track, times: &[i64]) -> Vec<i64> {
        places_until(track, times, 0)
    }

    /// The last one lasts for so long.
    fn places_until(track: &mut Track, times: &[i64], last: u32) -> Vec<i64> {
        let sample = |&dts: &i64| Sample {
            pts: dts,
            dts,
            duration: 0,
            key: true,
            data: Bytes::from_static(b"sound"),
        };
        let mut samples: Vec<Sample> = times.iter().map(sample).collect();
        samples.last_mut().unwrap().duration = last;
        let run = track.run(1, &samples, &mut Data::default()).unwrap();
        let begin = i64::try_from(run.tfdt.unwrap().base_media_decode_time).unwrap();
        let TrunSamples::Explicit(entries) = &run.trun[0].samples else {
            panic!("every sample tells its duration");
        };
        let ends = entries.iter().scan(begin, |at, entry| {
            *at += i64::from(entry.duration.unwrap());
            Some(*at)
        });
        let places = [begin].into_iter().chain(ends);
        places.map(|ticks| ticks * 90_000 / 48_000).collect()
    }

    #[test]
    fn sound_is_where_it_was_told_to_be_behind_a_gap_of_less_than_a_frame() {
        let mut track = sound();
        let told = [0, FRAME, 2 * FRAME + 900, 3 * FRAME + 900];
        assert_eq!(places(&mut track, &told)[..4], told);
    }

    #[test]
    fn small_gaps_do_not_add_up_to_a_hole_between_fragments() {
        let mut track = sound();
        let mut begin = 0;
        let mut last_end = 0;
        for _ in 0..20 {
            // As a switch leaves them: each time almost a frame, anywhere.
            let told = [begin, begin + FRAME + 1500, begin + 2 * FRAME + 1500];
            let places = places(&mut track, &told);
            assert_eq!(places[0], last_end, "no hole");
            assert!(
                (told[2] - places[2]).abs() <= FRAME / 4,
                "{told:?} {places:?}"
            );
            last_end = places[3];
            begin = told[2] + FRAME + 900;
        }
    }

    #[test]
    fn the_last_sound_lasts_over_a_gap_that_it_tells_of_and_no_longer_for_rounding() {
        for (told, lasts) in [
            (1900, FRAME),
            (1930, FRAME),
            (2300, FRAME),
            (6000, 6000),
            (0, FRAME),
        ] {
            let places = places_until(&mut sound(), &[0, FRAME], told);
            assert_eq!(places[2] - places[1], lasts, "told {told}");
        }
    }

    #[test]
    fn times_that_were_rounded_leave_frames_alike() {
        let mut track = sound();
        let told: Vec<i64> = (0..50).map(|index| index * FRAME / 90 * 90).collect();
        let places = places(&mut track, &told);
        assert!(
            places.windows(2).all(|two| two[1] - two[0] == FRAME),
            "{places:?}"
        );
    }
}
