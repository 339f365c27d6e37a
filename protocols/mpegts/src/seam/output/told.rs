//! What the map says of a stream that goes on the PID of another.
//!
//! A map that changes has receivers look at everything anew, so it changes for nothing but what
//! they go by: what a stream is, and in which language.

use crate::psi::{Descriptors, LANGUAGE, REGISTRATION};
use crate::seam::MapStream;
use tidegate_codecs::{Codec, Kind};

/// Descriptors that say how something was multiplexed, what a stream says itself, or where others
/// refer to it: video_stream, audio_stream, hierarchy, data_stream_alignment,
/// target_background_grid, video_window, system_clock, multiplex_buffer_utilization, copyright,
/// maximum_bitrate, private_data_indicator, smoothing_buffer, STD, IBP, AVC_video,
/// AVC_timing_and_HRD, HEVC_video (ISO/IEC 13818-1, table 2-45), stream_identifier (EN 300 468).
const IDLE: [u8; 18] = [
    0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x28, 0x2A,
    0x38, 0x52,
];

/// The descriptors for `of` in the place of `home`: those of `home` as long as they are right. A
/// stream that tells no language is taken to have that of the place.
pub(super) fn told(home: &MapStream, of: &MapStream) -> Vec<u8> {
    let info = with_language(home, of);
    let codec = of.stream.codec;
    let is_same = home.stream.stream_type == of.stream.stream_type
        && home.stream.codec == codec
        && is_alike(&home.info, &info, |tag| {
            // What the codec is follows from it, and is known.
            !IDLE.contains(&tag) && (tag != REGISTRATION || codec == Codec::Data)
        });
    if is_same { home.info.clone() } else { info }
}

/// The descriptors of the program: those that it began with as long as they are right.
pub(super) fn told_of_program<'a>(home: &'a [u8], info: &'a [u8]) -> &'a [u8] {
    if is_alike(home, info, |tag| !IDLE.contains(&tag)) {
        home
    } else {
        info
    }
}

fn with_language(home: &MapStream, of: &MapStream) -> Vec<u8> {
    let language = Descriptors::new(&home.info).find(|(tag, _)| *tag == LANGUAGE);
    let tells = of.stream.language.is_some() || of.stream.codec.kind() == Kind::Data;
    let Some(language) = language.filter(|_| !tells) else {
        return of.info.clone();
    };
    let others = Descriptors::new(&of.info).filter(|(tag, _)| *tag != LANGUAGE);
    let mut info = Vec::new();
    for (tag, body) in others.chain([language]) {
        info.extend([tag, body.len() as u8]);
        info.extend_from_slice(body);
    }
    info
}

/// Whether each has the descriptors of the other, as far as they count.
fn is_alike(one: &[u8], other: &[u8], counts: impl Fn(u8) -> bool) -> bool {
    let is = |of: (u8, &[u8]), it: (u8, &[u8])| match of.0 {
        LANGUAGE => it.0 == LANGUAGE && of.1.eq_ignore_ascii_case(it.1),
        _ => of == it,
    };
    let has_all = |all: &[u8], of: &[u8]| {
        let mut wanted = Descriptors::new(of).filter(|(tag, _)| counts(*tag));
        wanted.all(|of| Descriptors::new(all).any(|it| is(of, it)))
    };
    has_all(one, other) && has_all(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psi::{ElementaryStream, Language};

    fn sound(stream_type: u8, language: Option<&[u8; 3]>, others: &[u8]) -> MapStream {
        let mut info = others.to_vec();
        if let Some(code) = language {
            info.extend([LANGUAGE, 4]);
            info.extend_from_slice(code);
            info.push(0);
        }
        let stream = ElementaryStream {
            pid: 0x101,
            stream_type,
            codec: Codec::Aac,
            language: language.and_then(|code| Language::new(*code)),
            opus: None,
        };
        MapStream { stream, info }
    }

    #[test]
    fn descriptors_stay_where_nothing_that_counts_is_another() {
        let bitrate = [0x0E, 3, 0xC0, 1, 2];
        let home = sound(0x0F, Some(b"deu"), &bitrate);
        let alike = [
            home.clone(),
            sound(0x0F, Some(b"DEU"), &[0x0E, 3, 0xC0, 9, 9]),
            sound(0x0F, Some(b"deu"), &[0x52, 1, 7]),
            sound(0x0F, Some(b"deu"), &[REGISTRATION, 4, 1, 2, 3, 4]),
            sound(0x0F, None, &[]),
            sound(0x0F, Some(b"und"), &[]),
        ];
        for of in alike {
            assert_eq!(told(&home, &of), home.info, "{of:?}");
        }
    }

    #[test]
    fn another_language_or_another_kind_of_sound_is_told() {
        let home = sound(0x0F, Some(b"deu"), &[]);
        let english = sound(0x0F, Some(b"eng"), &[]);
        assert_eq!(told(&home, &english), english.info);
        let high_efficiency = sound(0x0F, Some(b"deu"), &[0x7C, 1, 0x58]);
        assert_eq!(told(&home, &high_efficiency), high_efficiency.info);
        assert_eq!(told(&high_efficiency, &home), home.info);
        assert_eq!(told(&sound(0x0F, None, &[]), &english), english.info);
    }

    #[test]
    fn a_stream_without_language_has_that_of_its_place_whatever_else_it_is() {
        let home = sound(0x0F, Some(b"deu"), &[]);
        let other = sound(0x11, None, &[0x1C, 1, 0x58]);
        let found = told(&home, &other);
        assert_eq!(found, [&other.info[..], &home.info].concat());
    }

    #[test]
    fn descriptors_that_are_cut_off_are_no_harm() {
        let home = sound(0x0F, Some(b"deu"), &[]);
        let mut broken = sound(0x0F, None, &[0x7C, 200, 1]);
        assert_eq!(told(&home, &broken), home.info);
        broken.stream.stream_type = 0x11;
        assert_eq!(told(&home, &broken), home.info);
    }
}
