use crate::slate::AudioCodec;
use crate::{Arguments, Bounds, Job};
use core::fmt;

/// What every word of a format may be, codecs and layouts.
const CODECS: [(&str, AudioCodec); 4] = [
    ("aac", AudioCodec::Aac),
    ("mp2", AudioCodec::Mp2),
    ("ac3", AudioCodec::Ac3),
    ("opus", AudioCodec::Opus),
];
const LAYOUTS: [(&str, u64); 2] = [("mono", 1), ("stereo", 2)];
/// The bitrates that MPEG audio and AC-3 have; the others take any.
const RATES_KBITS: [u64; 14] = [
    32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
];
/// A rate that layer II has for one channel only (ISO/IEC 11172-3, table 2.4.2.3).
const MP2_MONO_ONLY_KBITS: u64 = 80;
/// The sample rate of all that is encoded: the only one that every codec and receiver takes.
pub(super) const SAMPLE_RATE_HZ: u64 = 48_000;

/// What sound is encoded to, always with 48 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    /// The codec.
    pub codec: AudioCodec,
    /// Channels, one or two.
    pub channels: u64,
    /// Thousands of bits per second.
    pub kbits: u64,
}

/// A word that says nothing in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// What could stand there.
    pub valid: Vec<String>,
}

impl Default for SoundFormat {
    /// AAC in stereo with 128 kbit/s.
    fn default() -> Self {
        Self {
            codec: AudioCodec::Aac,
            channels: 2,
            kbits: 128,
        }
    }
}

impl SoundFormat {
    /// Reads codec, layout and bitrate, in any order: `aac stereo 128k`. What is left out is as
    /// in [`SoundFormat::default`], and the bitrate what is usual with the others.
    ///
    /// # Errors
    /// The first word that says nothing.
    pub fn parse(text: &str) -> Result<Self, UnknownWord> {
        let mut format = Self::default();
        let mut rate = None;
        for word in text.split_whitespace() {
            if let Some((_, codec)) = CODECS.iter().find(|(name, _)| *name == word) {
                format.codec = *codec;
            } else if let Some((_, channels)) = LAYOUTS.iter().find(|(name, _)| *name == word) {
                format.channels = *channels;
            } else if looks_like_a_rate(word) {
                rate = Some(word);
            } else {
                let names = CODECS.iter().map(|(name, _)| *name);
                let names = names.chain(LAYOUTS.iter().map(|(name, _)| *name));
                return Err(unknown(word, names.map(str::to_owned)));
            }
        }
        format.kbits = format.usual_kbits();
        if let Some(rate) = rate {
            let known = format.rates().find(|kbits| format!("{kbits}k") == rate);
            let rates = || format.rates().map(|kbits| format!("{kbits}k"));
            format.kbits = known.ok_or_else(|| unknown(rate, rates()))?;
        }
        Ok(format)
    }

    const fn usual_kbits(self) -> u64 {
        let stereo = match self.codec {
            AudioCodec::Aac | AudioCodec::Opus => 128,
            AudioCodec::Mp2 | AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3 => 192,
        };
        stereo / 2 * self.channels
    }

    fn rates(self) -> impl Iterator<Item = u64> {
        let (least, most) = match (self.codec, self.channels) {
            (AudioCodec::Aac, _) => (32, 320),
            (AudioCodec::Opus, _) => (32, 256),
            (AudioCodec::Mp2 | AudioCodec::Mp3, 1) => (32, 192),
            (AudioCodec::Mp2 | AudioCodec::Mp3, _) => (64, 384),
            (AudioCodec::Ac3 | AudioCodec::Eac3, 1) => (64, 384),
            (AudioCodec::Ac3 | AudioCodec::Eac3, _) => (96, 384),
        };
        let no_stereo = self.codec == AudioCodec::Mp2 && self.channels > 1;
        RATES_KBITS.into_iter().filter(move |&kbits| {
            (least..=most).contains(&kbits) && !(no_stereo && kbits == MP2_MONO_ONLY_KBITS)
        })
    }

    /// Takes one track of a transport stream with a clock that goes on, gives the same of this
    /// format, each frame as soon as it can be.
    pub(super) fn job(self) -> Job {
        let mut arguments = Arguments::new();
        arguments
            // Times stay what they are: the ledger pairs by them.
            .flag("-copyts")
            .option("-flags", "low_delay")
            .number("-threads", 1)
            // A tenth of a second, or the first frames, are enough to know what it is.
            .option("-probesize", "32768")
            .option("-analyzeduration", "100000")
            .option("-f", "mpegts")
            .read_pipe();
        arguments
            .option("-map", "0:a:0")
            // Keeps to the times: more than 15 ms off is put right at once, with silence or a
            // cut, less by stretching inaudibly.
            .option("-af", "aresample=async=1000:min_hard_comp=0.015")
            .option("-c:a", self.codec.encoder())
            .number("-b:a", self.kbits * 1000)
            .number("-ac", self.channels)
            .number("-ar", SAMPLE_RATE_HZ)
            .number("-threads", 1);
        arguments
            .option("-avoid_negative_ts", "disabled")
            .number("-mpegts_copyts", 1)
            .number("-muxdelay", 0)
            .number("-muxpreload", 0)
            .number("-pes_payload_size", 0)
            .number("-flush_packets", 1)
            .option("-f", "mpegts")
            .write_pipe();
        Job {
            arguments,
            bounds: Bounds::default(),
        }
    }
}

fn looks_like_a_rate(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn unknown(word: &str, valid: impl Iterator<Item = String>) -> UnknownWord {
    UnknownWord {
        word: word.to_owned(),
        valid: valid.collect(),
    }
}

impl fmt::Display for SoundFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codec = CODECS.iter().find(|(_, codec)| *codec == self.codec);
        let layout = LAYOUTS.iter().find(|(_, count)| *count == self.channels);
        let name = |found: Option<&str>| found.unwrap_or_default().to_owned();
        let codec = name(codec.map(|(name, _)| *name));
        let layout = name(layout.map(|(name, _)| *name));
        write!(f, "{codec} {layout} {}k", self.kbits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_any_order_and_may_be_left_out() {
        for (text, meant) in [
            ("", "aac stereo 128k"),
            ("128k stereo aac", "aac stereo 128k"),
            ("aac mono", "aac mono 64k"),
            ("mp2", "mp2 stereo 192k"),
            ("ac3 mono 64k", "ac3 mono 64k"),
            ("opus 96k", "opus stereo 96k"),
        ] {
            let format = SoundFormat::parse(text).unwrap();
            assert_eq!(format.to_string(), meant, "{text}");
            assert_eq!(SoundFormat::parse(meant), Ok(format));
        }
    }

    #[test]
    fn a_word_that_says_nothing_is_named_with_those_that_would() {
        let wrong = SoundFormat::parse("acc stereo").unwrap_err();
        assert_eq!(wrong.word, "acc");
        assert!(wrong.valid.contains(&"aac".to_owned()));
        let wrong = SoundFormat::parse("mp2 stereo 80k").unwrap_err();
        assert_eq!(wrong.word, "80k");
        assert!(wrong.valid.contains(&"96k".to_owned()));
        for text in [
            "aac 127k",
            "aac 128",
            "opus 320k",
            "aac 5.1",
            "-i",
            "aac 128k\0",
        ] {
            assert!(SoundFormat::parse(text).is_err(), "{text}");
        }
    }
}
