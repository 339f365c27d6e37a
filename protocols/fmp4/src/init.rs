//! The initialisation segment: `ftyp` and `moov`.

use bytes::Bytes;
use mp4_atom::{
    Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Mdhd, Mdia, Minf, Moov, Mvex, Mvhd, Smhd, Stbl, Stco,
    Stsd, Tkhd, Trak, Trex, Url, Vmhd,
};
use tidegate_codecs::StreamConfig;

use crate::track::{TICKS_PER_SECOND, TrackSpec};
use crate::{Fmp4Error, entry};

pub(crate) fn init_segment(tracks: &[TrackSpec]) -> Result<Bytes, Fmp4Error> {
    if tracks.is_empty() {
        return Err(Fmp4Error::NoTracks);
    }
    let ftyp = Ftyp {
        major_brand: FourCC::new(b"iso6"),
        minor_version: 0,
        compatible_brands: vec![
            FourCC::new(b"iso6"),
            FourCC::new(b"cmfc"),
            FourCC::new(b"mp41"),
        ],
    };
    let numbered = || (1_u32..).zip(tracks);
    let moov = Moov {
        mvhd: Mvhd {
            timescale: TICKS_PER_SECOND,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: u32::try_from(tracks.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1),
            ..Mvhd::default()
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: numbered().map(|(id, _)| trex(id)).collect(),
        }),
        trak: numbered()
            .map(|(id, spec)| trak(id, spec))
            .collect::<Result<_, _>>()?,
        ..Moov::default()
    };
    let mut out = Vec::new();
    ftyp.encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out.into())
}

fn trex(track_id: u32) -> Trex {
    Trex {
        track_id,
        default_sample_description_index: 1,
        ..Trex::default()
    }
}

fn trak(track_id: u32, spec: &TrackSpec) -> Result<Trak, Fmp4Error> {
    let (width, height) = spec.config.video().map_or((0, 0), |video| {
        let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        (side(video.format.width), side(video.format.height))
    });
    let is_audio = matches!(*spec.config, StreamConfig::Audio(_));
    Ok(Trak {
        tkhd: Tkhd {
            track_id,
            enabled: true,
            in_movie: true,
            volume: u8::from(is_audio).into(),
            width: width.into(),
            height: height.into(),
            ..Tkhd::default()
        },
        mdia: Mdia {
            mdhd: Mdhd {
                timescale: spec.timescale(),
                language: language(spec.language),
                ..Mdhd::default()
            },
            hdlr: Hdlr {
                handler: FourCC::new(if is_audio { b"soun" } else { b"vide" }),
                name: if is_audio { "sound" } else { "video" }.into(),
            },
            minf: Minf {
                vmhd: (!is_audio).then(Vmhd::default),
                smhd: is_audio.then(Smhd::default),
                dinf: Dinf {
                    dref: Dref {
                        entries: vec![Url::default().into()],
                    },
                },
                stbl: Stbl {
                    stsd: Stsd {
                        codecs: vec![entry::sample_entry(&spec.config)?],
                    },
                    stco: Some(Stco::default()),
                    ..Stbl::default()
                },
                ..Minf::default()
            },
        },
        ..Trak::default()
    })
}

fn language(code: Option<[u8; 3]>) -> String {
    code.and_then(|code| String::from_utf8(code.to_vec()).ok())
        .unwrap_or_else(|| "und".into())
}
