//! What there is to play, as SDP (RFC 8866) with the parameters of each payload format.

use core::fmt::Write as _;

use sdp_types::{Attribute, Media, MediaType, Origin, Session, Time, TransportProto};
use tidegate_codecs::{AudioHeaders, Codec, StreamConfig, VideoHeaders};

use crate::base64;

/// The first payload type that has no fixed meaning.
const FIRST_DYNAMIC_TYPE: u8 = 96;
/// The fixed type of MPEG audio (RFC 3551).
const MPEG_AUDIO_TYPE: u8 = 14;
/// Media one description may have; their types must stay below 128.
pub(crate) const MEDIA_MAX: usize = 32;
/// What the control address of a medium begins with.
pub(crate) const CONTROL: &str = "trackID=";

/// One medium of a description.
#[derive(Clone, Copy, Debug)]
pub struct Medium<'a> {
    /// What a decoder needs.
    pub config: &'a StreamConfig,
    /// The clock of its time stamps.
    pub clock_rate_hz: u32,
    /// Its language, if it has one.
    pub language: Option<&'a str>,
}

/// All media that are offered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The SDP.
    pub text: Vec<u8>,
}

/// The payload type of the medium at this place; `None` beyond what can be described.
#[must_use]
pub fn payload_type(index: usize, codec: Codec) -> Option<u8> {
    if index >= MEDIA_MAX {
        return None;
    }
    let dynamic = FIRST_DYNAMIC_TYPE + index as u8;
    Some(match codec {
        Codec::MpegAudio => MPEG_AUDIO_TYPE,
        _ => dynamic,
    })
}

impl Description {
    /// Describes media, as many of them as have a [`payload_type`].
    #[must_use]
    pub fn new(name: &str, session_id: u64, local: std::net::IpAddr, media: &[Medium<'_>]) -> Self {
        let origin = Origin::with_ip_addr(session_id, 1, local);
        let printable = |c: &char| !c.is_control();
        let mut session = Session::new(origin, name.chars().filter(printable).collect::<String>());
        let anywhere: std::net::IpAddr = match local {
            std::net::IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            std::net::IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        session.set_connection(sdp_types::Connection::from_ip_addr(anywhere));
        session.times.push(Time::new(0, 0));
        session
            .attributes
            .push(Attribute::with_value("tool", "Tidegate"));
        session
            .attributes
            .push(Attribute::with_value("control", "*"));
        session
            .attributes
            .push(Attribute::with_value("range", "npt=now-"));
        for (index, medium) in media.iter().enumerate() {
            if let Some(kind) = payload_type(index, medium.config.codec()) {
                session.medias.push(describe(medium, index, kind));
            }
        }
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = session.write(&mut text);
        Self { text }
    }
}

fn describe(medium: &Medium<'_>, index: usize, payload_type: u8) -> Media {
    let kind = match medium.config {
        StreamConfig::Video(_) => MediaType::Video,
        StreamConfig::Audio(_) => MediaType::Audio,
    };
    let mut media = Media::new(kind, 0, TransportProto::RtpAvp, payload_type);
    let (name, channels) = encoding(medium.config);
    let mut map = format!("{payload_type} {name}/{}", medium.clock_rate_hz);
    if let Some(channels) = channels {
        let _ = write!(map, "/{channels}");
    }
    let mut add = |name: &str, value: String| {
        media.attributes.push(Attribute::with_value(name, value));
    };
    add("rtpmap", map);
    if let Some(parameters) = parameters(medium.config) {
        add("fmtp", format!("{payload_type} {parameters}"));
    }
    if let Some(rate) = medium.config.video().and_then(|video| video.format.fps) {
        add("framerate", format!("{:.3}", rate.as_f64()));
    }
    let is_plain = |language: &&str| language.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(language) = medium.language.filter(is_plain) {
        add("lang", language.to_owned());
    }
    add("control", format!("{CONTROL}{index}"));
    media
}

/// The name of the payload format, and the channels where it says them.
fn encoding(config: &StreamConfig) -> (&'static str, Option<u8>) {
    let channels = config.audio().map(|audio| audio.format.channels);
    match config.codec() {
        Codec::H264 => ("H264", None),
        Codec::H265 => ("H265", None),
        Codec::Aac => ("mpeg4-generic", channels),
        // Always two, whatever the packets hold (RFC 7587, section 7).
        Codec::Opus => ("opus", Some(2)),
        Codec::Ac3 => ("ac3", channels),
        Codec::MpegAudio => ("MPA", None),
        other => (other.name(), channels),
    }
}

fn parameters(config: &StreamConfig) -> Option<String> {
    match config {
        StreamConfig::Video(video) => match &video.headers {
            VideoHeaders::H264 { sps, pps } => {
                let level = sps.first()?.get(1..4)?;
                let sets = list(sps.iter().chain(pps));
                let [profile, constraints, level] = level.try_into().unwrap_or([0; 3]);
                Some(format!(
                    "packetization-mode=1; profile-level-id={profile:02X}{constraints:02X}{level:02X}; \
                     sprop-parameter-sets={sets}"
                ))
            }
            VideoHeaders::H265 { vps, sps, pps } => Some(format!(
                "sprop-vps={}; sprop-sps={}; sprop-pps={}",
                list(vps.iter()),
                list(sps.iter()),
                list(pps.iter())
            )),
            _ => None,
        },
        StreamConfig::Audio(audio) => match &audio.headers {
            AudioHeaders::Aac {
                audio_specific_config,
            } => {
                let mut config = String::new();
                for byte in audio_specific_config {
                    let _ = write!(config, "{byte:02X}");
                }
                Some(format!(
                    "streamtype=5; profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; \
                     indexdeltalength=3; config={config}"
                ))
            }
            AudioHeaders::Opus(opus) => {
                let stereo = u8::from(opus.channels > 1);
                Some(format!("sprop-stereo={stereo}"))
            }
            _ => None,
        },
    }
}

fn list<'a>(sets: impl Iterator<Item = impl AsRef<[u8]> + 'a>) -> String {
    let encoded: Vec<String> = sets.map(|set| base64::encode(set.as_ref())).collect();
    encoded.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::net::Ipv4Addr;
    use tidegate_codecs::aac::AudioSpecificConfig;
    use tidegate_codecs::{FrameRate, VideoConfig, VideoFormat};

    const SPS: [u8; 8] = [0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78];

    fn picture(headers: VideoHeaders) -> StreamConfig {
        let format = VideoFormat {
            codec: match headers {
                VideoHeaders::H264 { .. } => Codec::H264,
                _ => Codec::H265,
            },
            profile: None,
            level: None,
            width: 1920,
            height: 1080,
            fps: FrameRate::new(25, 1),
            interlaced: false,
            bit_depth: 8,
        };
        StreamConfig::Video(VideoConfig { format, headers })
    }

    #[test]
    fn a_description_says_what_decoders_need() {
        let record = Bytes::from_static(&[0x11, 0x90]);
        let sound = AudioSpecificConfig::parse(&record).unwrap();
        let sound = StreamConfig::Audio(sound.stream_config(Codec::Aac, record));
        let h264 = picture(VideoHeaders::H264 {
            sps: vec![Bytes::from_static(&SPS)],
            pps: vec![Bytes::from_static(&[0x68, 0xEB])],
        });
        let set = |kind: u8| vec![Bytes::from(vec![kind, 1])];
        let h265 = picture(VideoHeaders::H265 {
            vps: set(0x40),
            sps: set(0x42),
            pps: set(0x44),
        });
        let media = [(&h264, 90_000), (&h265, 90_000), (&sound, 48_000)];
        let media = media.map(|(config, clock_rate_hz)| Medium {
            config,
            clock_rate_hz,
            language: Some("eng"),
        });
        let described = Description::new("cam\r\n1", 7, Ipv4Addr::LOCALHOST.into(), &media);
        let text = String::from_utf8(described.text).unwrap();
        for line in [
            "s=cam1",
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 packetization-mode=1; profile-level-id=640028; \
             sprop-parameter-sets=Z2QAKKzZQHg=,aOs=",
            "a=fmtp:97 sprop-vps=QAE=; sprop-sps=QgE=; sprop-pps=RAE=",
            "m=audio 0 RTP/AVP 98",
            "a=rtpmap:98 mpeg4-generic/48000/2",
            "a=control:trackID=2",
            "a=lang:eng",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in\n{text}");
        }
        assert!(
            text.contains("mode=AAC-hbr") && text.contains("config=1190"),
            "{text}"
        );
    }

    #[test]
    fn more_media_than_types_are_left_out() {
        let h264 = picture(VideoHeaders::H264 {
            sps: Vec::new(),
            pps: Vec::new(),
        });
        let medium = Medium {
            config: &h264,
            clock_rate_hz: 90_000,
            language: None,
        };
        let described = Description::new("", 7, Ipv4Addr::LOCALHOST.into(), &[medium; 100]);
        let text = String::from_utf8(described.text).unwrap();
        assert!(text.contains("m=video 0 RTP/AVP 127\r\n"), "{text}");
        assert_eq!(text.matches("m=video").count(), MEDIA_MAX);
    }
}
