//! Sample entries: what `stsd` says about each codec.

use mp4_atom::{
    Ac3, Ac3SpecificBox, Atom, Audio, Av01, Av1c, Avc1, Avcc, Codec as Entry, Dops, Eac3,
    Ec3IndependentSubstream, Ec3SpecificBox, Esds, Hvc1, Hvcc, Mp4a, Opus, Visual, esds,
};
use tidegate_codecs::{
    AudioConfig, AudioHeaders, Codec, StreamConfig, VideoConfig, VideoHeaders, ac3, av1, h264, h265,
};

use crate::Fmp4Error;
use crate::track::can_carry;

const AAC_OBJECT_TYPE: u8 = 0x40;
const AUDIO_STREAM_TYPE: u8 = 0x05;
const DATA_REFERENCE: u16 = 1;
const SAMPLE_BITS: u16 = 16;

pub(crate) fn sample_entry(config: &StreamConfig) -> Result<Entry, Fmp4Error> {
    let codec = config.codec();
    if !can_carry(codec) {
        return Err(Fmp4Error::UnsupportedCodec(codec));
    }
    match config {
        StreamConfig::Video(video) => video_entry(codec, video),
        StreamConfig::Audio(audio) => audio_entry(codec, audio),
    }
}

fn video_entry(codec: Codec, video: &VideoConfig) -> Result<Entry, Fmp4Error> {
    let side = |pixels: u32| u16::try_from(pixels).map_err(|_| Fmp4Error::TooLarge);
    let visual = Visual {
        data_reference_index: DATA_REFERENCE,
        width: side(video.format.width)?,
        height: side(video.format.height)?,
        ..Visual::default()
    };
    let incomplete = || Fmp4Error::IncompleteHeaders(codec);
    match &video.headers {
        VideoHeaders::H264 { sps, pps } if !pps.is_empty() => {
            let record = h264::avcc(sps, pps).ok_or_else(incomplete)?;
            let avcc = Avcc::decode_body(&mut &record[..])?;
            Ok(Avc1 {
                visual,
                avcc,
                btrt: None,
                colr: None,
                pasp: None,
                taic: None,
                fiel: None,
                spatial: None,
            }
            .into())
        }
        VideoHeaders::H265 { vps, sps, pps } if !pps.is_empty() && !vps.is_empty() => {
            let record = h265::hvcc(vps, sps, pps).ok_or_else(incomplete)?;
            let hvcc = Hvcc::decode_body(&mut &record[..])?;
            Ok(Hvc1 {
                visual,
                hvcc,
                ..Hvc1::default()
            }
            .into())
        }
        VideoHeaders::Av1 { sequence_header } => {
            let record = av1::av1c(sequence_header).ok_or_else(incomplete)?;
            let av1c = Av1c::decode_body(&mut &record[..])?;
            Ok(Av01 {
                visual,
                av1c,
                ..Av01::default()
            }
            .into())
        }
        _ => Err(incomplete()),
    }
}

fn audio_entry(codec: Codec, config: &AudioConfig) -> Result<Entry, Fmp4Error> {
    let rate = u16::try_from(config.format.sample_rate_hz).unwrap_or(0);
    let audio = Audio {
        data_reference_index: DATA_REFERENCE,
        channel_count: u16::from(config.format.channels),
        sample_size: SAMPLE_BITS,
        sample_rate: rate.into(),
    };
    Ok(match &config.headers {
        AudioHeaders::Aac {
            audio_specific_config,
        } => Mp4a {
            audio,
            esds: aac_esds(audio_specific_config),
            btrt: None,
            taic: None,
        }
        .into(),
        AudioHeaders::Ac3(info) => Ac3 {
            audio,
            dac3: dac3(*info),
        }
        .into(),
        AudioHeaders::Eac3(info) => Eac3 {
            audio,
            dec3: dec3(*info),
        }
        .into(),
        AudioHeaders::Opus(info) => Opus {
            audio,
            dops: Dops {
                output_channel_count: info.channels,
                pre_skip: info.pre_skip,
                input_sample_rate: config.format.sample_rate_hz,
                output_gain: 0,
                channel_mapping: None,
            },
            btrt: None,
        }
        .into(),
        AudioHeaders::InBand => return Err(Fmp4Error::UnsupportedCodec(codec)),
    })
}

fn aac_esds(audio_specific_config: &[u8]) -> Esds {
    let dec_specific = esds::DecoderSpecific {
        raw: audio_specific_config.to_vec(),
        ..esds::DecoderSpecific::default()
    };
    let dec_config = esds::DecoderConfig {
        object_type_indication: AAC_OBJECT_TYPE,
        stream_type: AUDIO_STREAM_TYPE,
        dec_specific: Some(dec_specific),
        ..esds::DecoderConfig::default()
    };
    Esds {
        es_desc: esds::EsDescriptor {
            dec_config,
            ..esds::EsDescriptor::default()
        },
    }
}

const fn dac3(info: ac3::Ac3Info) -> Ac3SpecificBox {
    Ac3SpecificBox {
        fscod: info.fscod,
        bsid: info.bsid,
        bsmod: info.bsmod,
        acmod: info.acmod,
        lfeon: info.lfeon,
        bit_rate_code: info.bit_rate_code,
    }
}

fn dec3(info: ac3::Eac3Info) -> Ec3SpecificBox {
    Ec3SpecificBox {
        data_rate: info.data_rate_kbps & 0x1FFF,
        substreams: vec![Ec3IndependentSubstream {
            fscod: info.fscod,
            bsid: info.bsid,
            asvc: false,
            bsmod: info.bsmod,
            acmod: info.acmod,
            lfeon: info.lfeon,
            num_dep_sub: 0,
            chan_loc: None,
        }],
    }
}
