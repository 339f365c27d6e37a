use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use tidegate_codecs::{AudioConfig, AudioFormat, FrameRate, VideoConfig, VideoFormat, nal};

const MAX: usize = 100;

fn video(headers: VideoHeaders) -> StreamConfig {
    StreamConfig::Video(VideoConfig {
        format: VideoFormat {
            codec: Codec::H264,
            profile: None,
            level: None,
            width: 640,
            height: 360,
            fps: FrameRate::new(25, 1),
            interlaced: false,
            bit_depth: 8,
        },
        headers,
    })
}

fn h264() -> StreamConfig {
    video(VideoHeaders::H264 {
        sps: vec![Bytes::from_static(&[0x67, 1, 2])],
        pps: vec![Bytes::from_static(&[0x68, 3])],
    })
}

fn h265() -> StreamConfig {
    let set = |kind: u8| vec![Bytes::from(vec![kind << 1, 1, 7])];
    video(VideoHeaders::H265 {
        vps: set(32),
        sps: set(33),
        pps: set(34),
    })
}

fn sound(codec: Codec, headers: AudioHeaders) -> StreamConfig {
    StreamConfig::Audio(AudioConfig {
        format: AudioFormat {
            codec,
            name: codec.name(),
            profile: None,
            sample_rate_hz: 48_000,
            channels: 2,
            samples_per_frame: 1024,
        },
        headers,
    })
}

fn payloads(config: &StreamConfig, unit: &[u8], key: bool) -> Vec<(Vec<u8>, bool)> {
    let mut packetizer = Packetizer::new(config, MAX).unwrap();
    let mut all = Vec::new();
    packetizer.packetize(unit, key, &mut |payload: &[u8], marker| {
        all.push((payload.to_vec(), marker));
    });
    all
}

fn annex_b(units: &[Vec<u8>]) -> Vec<u8> {
    let coded = |unit: &Vec<u8>| [&[0, 0, 0, 1], &unit[..]].concat();
    units.iter().flat_map(coded).collect()
}

/// What a receiver puts together again, by the rules of RFC 6184.
fn h264_units(payloads: &[(Vec<u8>, bool)]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    for (payload, _) in payloads {
        match payload[0] & 0x1F {
            24 => units.extend(aggregated(&payload[1..])),
            28 if payload[1] & 0x80 != 0 => {
                let header = payload[0] & 0xE0 | payload[1] & 0x1F;
                units.push([&[header], &payload[2..]].concat());
            }
            28 => units.last_mut().unwrap().extend(&payload[2..]),
            _ => units.push(payload.clone()),
        }
    }
    units
}

/// The same by the rules of RFC 7798.
fn h265_units(payloads: &[(Vec<u8>, bool)]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    for (payload, _) in payloads {
        match payload[0] >> 1 & 0x3F {
            48 => units.extend(aggregated(&payload[2..])),
            49 if payload[2] & 0x80 != 0 => {
                let header = [payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]];
                units.push([&header, &payload[3..]].concat());
            }
            49 => units.last_mut().unwrap().extend(&payload[3..]),
            _ => units.push(payload.clone()),
        }
    }
    units
}

fn aggregated(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut units = Vec::new();
    while let [high, low, more @ ..] = rest {
        let (unit, after) = more.split_at(usize::from(*high) << 8 | usize::from(*low));
        units.push(unit.to_vec());
        rest = after;
    }
    units
}

fn unit(header: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    // Bytes other than zero make no start code.
    prop::collection::vec(1_u8.., 1..400).prop_map(move |body| [&header[..], &body].concat())
}

fn check(payloads: &[(Vec<u8>, bool)]) {
    assert!(payloads.iter().all(|(payload, _)| payload.len() <= MAX));
    let (last, others) = payloads.split_last().unwrap();
    assert!(last.1 && others.iter().all(|(_, marker)| !marker));
}

proptest! {
    #[test]
    fn h264_comes_out_as_it_went_in(units in prop::collection::vec(unit(vec![0x41]), 1..9)) {
        let payloads = payloads(&h264(), &annex_b(&units), false);
        check(&payloads);
        prop_assert_eq!(h264_units(&payloads), units);
    }

    #[test]
    fn h265_comes_out_as_it_went_in(units in prop::collection::vec(unit(vec![0x02, 0x01]), 1..9)) {
        let payloads = payloads(&h265(), &annex_b(&units), false);
        check(&payloads);
        prop_assert_eq!(h265_units(&payloads), units);
    }

    #[test]
    fn whatever_is_no_access_unit_breaks_nothing(
        bytes in prop::collection::vec(0_u8..4, 0..300), key: bool,
    ) {
        for config in [h264(), h265()] {
            for (payload, _) in payloads(&config, &bytes, key) {
                prop_assert!(payload.len() <= MAX);
            }
        }
    }

    #[test]
    fn sound_comes_out_as_it_went_in(frame in prop::collection::vec(any::<u8>(), 1..2000)) {
        let aac = AudioHeaders::Aac { audio_specific_config: Bytes::new() };
        let body = |payloads: &[(Vec<u8>, bool)], skip: usize| -> Vec<u8> {
            payloads.iter().flat_map(|(payload, _)| payload[skip..].to_vec()).collect()
        };
        let of_aac = payloads(&sound(Codec::Aac, aac), &frame, true);
        check(&of_aac);
        prop_assert_eq!(body(&of_aac, 4), &frame[..]);
        let size = (frame.len() as u16) << 3;
        prop_assert!(of_aac.iter().all(|(payload, _)| payload[2..4] == size.to_be_bytes()));
        let of_ac3 = payloads(&sound(Codec::Ac3, AudioHeaders::InBand), &frame, true);
        check(&of_ac3);
        prop_assert_eq!(body(&of_ac3, 2), &frame[..]);
        prop_assert!(of_ac3.iter().all(|(payload, _)| usize::from(payload[1]) == of_ac3.len()));
        let of_mp3 = payloads(&sound(Codec::MpegAudio, AudioHeaders::InBand), &frame, true);
        prop_assert_eq!(body(&of_mp3, 4), &frame[..]);
        let mut offset = 0;
        for (payload, _) in &of_mp3 {
            prop_assert_eq!(usize::from(payload[2]) << 8 | usize::from(payload[3]), offset);
            offset += payload.len() - 4;
        }
    }
}

#[test]
fn a_key_frame_without_parameter_sets_gets_them() {
    let picture = vec![0x65, 9, 9];
    let of_key = payloads(&h264(), &annex_b(core::slice::from_ref(&picture)), true);
    assert_eq!(of_key.len(), 1, "small units share a packet");
    assert_eq!(of_key[0].0[0], 0x78, "STAP-A of the highest importance");
    let sets = [vec![0x67, 1, 2], vec![0x68, 3]];
    let all = [&sets[..], core::slice::from_ref(&picture)].concat();
    assert_eq!(h264_units(&of_key), all);
    assert_eq!(h264_units(&payloads(&h264(), &annex_b(&all), true)), all);
    let of_h265 = payloads(&h265(), &annex_b(&[vec![0x26, 1, 9]]), true);
    let kinds: Vec<u8> = h265_units(&of_h265)
        .iter()
        .map(|unit| unit[0] >> 1)
        .collect();
    assert_eq!(kinds, [32, 33, 34, 19]);
}

#[test]
fn delimiters_and_filler_stay_behind() {
    let units = [vec![0x09, 0xF0], vec![0x0C, 0xFF], vec![0x41, 5]];
    assert_eq!(
        h264_units(&payloads(&h264(), &annex_b(&units), false)),
        [[0x41, 5]]
    );
    assert_eq!(nal::split(&annex_b(&units)).count(), 3);
}

#[test]
fn an_opus_packet_is_not_divided() {
    let packet = [7; 400];
    let all = payloads(&sound(Codec::Opus, AudioHeaders::InBand), &packet, true);
    assert_eq!(all, [(packet.to_vec(), false)]);
}
