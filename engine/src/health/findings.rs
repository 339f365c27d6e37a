//! What is wrong right now. No memory here: [`super::Verdict`] decides what lasts.

use super::expect::{Expectation, Wanted};
use super::{Health, MediaStatus, ReasonCode};
use crate::limits;
use crate::source::{AdvisedLatency, Connection, TransportFigures};
use core::time::Duration;
use tidegate_units::Bitrate;

/// Everything that is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence<'a> {
    pub(crate) connection: Connection,
    pub(crate) connection_reason: Option<&'a str>,
    pub(crate) ever_connected: bool,
    /// It is made out of other sources: nobody sends it.
    pub(crate) made_here: bool,
    /// The last attempt to connect failed.
    pub(crate) failing: bool,
    /// Since this connection began or the last packet came, whichever is later.
    pub(crate) silent_for: Duration,
    /// Anything at all has come on this connection.
    pub(crate) any_data: bool,
    /// How long this connection has stood.
    pub(crate) connected_for: Duration,
    pub(crate) bitrate: Bitrate,
    /// The median of the last minute, once there is enough of it.
    pub(crate) usual_bitrate: Option<Bitrate>,
    pub(crate) transport: TransportFigures,
    /// Packets lost for good in the last ten seconds and the last minute.
    pub(crate) unrecovered: Recent,
    /// Packets this host dropped, likewise.
    pub(crate) host_drops: Recent,
    /// Continuity errors, likewise.
    pub(crate) continuity: Recent,
    /// `None` until tables have been read.
    pub(crate) media: Option<&'a MediaStatus>,
    /// On this connection there has been a picture, or sound.
    pub(crate) had_picture: bool,
    pub(crate) had_sound: bool,
    pub(crate) expected: Expectation,
}

/// How many of something happened lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) ten_seconds: u64,
    pub(crate) minute: u64,
}

/// One thing that is wrong right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: ReasonCode,
    pub(crate) severity: Health,
    pub(crate) advice: String,
}

fn warning(code: ReasonCode, advice: impl Into<String>) -> Finding {
    Finding {
        code,
        severity: Health::Warning,
        advice: advice.into(),
    }
}

fn error(code: ReasonCode, advice: impl Into<String>) -> Finding {
    Finding {
        code,
        severity: Health::Error,
        advice: advice.into(),
    }
}

impl Evidence<'_> {
    /// All that is wrong, each code at most once.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        if self.connection != Connection::Connected {
            return vec![self.not_connected()];
        }
        if let Some(no_media) = self.no_media() {
            return vec![no_media];
        }
        let checks = [
            self.scrambled(),
            self.no_picture(),
            self.no_sound(),
            self.losing_packets(),
            self.link_lost(),
            self.bitrate_low(),
            self.latency_too_low(),
            self.wrong_format(),
        ];
        checks.into_iter().flatten().collect()
    }

    fn not_connected(&self) -> Finding {
        let why = self
            .connection_reason
            .map(|why| format!(" ({why})"))
            .unwrap_or_default();
        match self.connection {
            Connection::Failed => error(
                ReasonCode::NoMedia,
                format!("The source cannot work as configured{why}. Change its settings."),
            ),
            // The next attempt is no news: the reason stands until one succeeds.
            Connection::Reconnecting => self.reconnecting(&why),
            Connection::Connecting if self.failing => self.reconnecting(&why),
            Connection::Disconnected if self.made_here => {
                let finding = if self.ever_connected { error } else { warning };
                let why = self.connection_reason.map(|why| format!(": {why}"));
                let why = why.unwrap_or_default();
                finding(ReasonCode::NoMedia, format!("Viewers see nothing{why}."))
            }
            Connection::Disconnected if self.ever_connected => error(
                ReasonCode::NoMedia,
                format!("The sender is gone{why}. Start it again."),
            ),
            Connection::Disconnected => warning(
                ReasonCode::NoMedia,
                "Nobody has connected yet. Start the sender.",
            ),
            Connection::Connecting | Connection::Connected => {
                warning(ReasonCode::NoMedia, format!("Calling the sender{why}."))
            }
        }
    }

    fn reconnecting(&self, why: &str) -> Finding {
        let advice = format!("The sender is called again by itself{why}.");
        let finding = if self.silent_for < limits::MEDIA_GONE {
            warning
        } else {
            error
        };
        finding(ReasonCode::Reconnecting, advice)
    }

    fn no_media(&self) -> Option<Finding> {
        let quiet = self.silent_for >= limits::MEDIA_PAUSE;
        if !self.any_data || quiet {
            let advice = if self.made_here {
                "What is on air delivers nothing. Look at the inputs."
            } else if self.any_data {
                "The sender is connected but has stopped sending. Ask its operator."
            } else {
                "The sender is connected but sends nothing. Start the encoder behind it."
            };
            let finding = if self.silent_for >= limits::MEDIA_GONE {
                error
            } else {
                warning
            };
            return Some(finding(ReasonCode::NoMedia, advice));
        }
        if self
            .media
            .is_some_and(|media| media.video.is_some() || !media.audio.is_empty())
        {
            return None;
        }
        let advice = if self.made_here {
            "No picture and no sound is found in what is on air. Look at the inputs."
        } else {
            "Data arrives, but no picture and no sound is found in it. \
             The sender must send an MPEG transport stream with its tables."
        };
        let late = self.connected_for >= limits::TABLES_LATE;
        Some(if late {
            error(ReasonCode::NoMedia, advice)
        } else {
            warning(
                ReasonCode::NoMedia,
                "Data arrives; waiting for the stream's tables.",
            )
        })
    }

    fn no_picture(&self) -> Option<Finding> {
        let wanted = matches!(self.expected.video, Wanted::Like(_));
        let refused = self.expected.video == Wanted::Nothing;
        let age = self
            .media?
            .video
            .as_ref()
            .map(|video| video.last_unit_age_ms);
        self.missing(age, wanted || (self.had_picture && !refused))
            .map(|severity| Finding {
                code: ReasonCode::NoPicture,
                severity,
                advice: match age {
                    None => "The stream has no video track. Check the encoder's video input.",
                    Some(_) => "The video track carries nothing. Check the encoder's video input.",
                }
                .into(),
            })
    }

    fn no_sound(&self) -> Option<Finding> {
        let wanted = matches!(self.expected.audio, Wanted::Like(_));
        let refused = self.expected.audio == Wanted::Nothing;
        let youngest = |audio: &[super::AudioStatus]| {
            audio
                .iter()
                .map(|track| track.last_unit_age_ms)
                .min_by_key(|age| age.unwrap_or(u64::MAX))
        };
        let age = youngest(&self.media?.audio);
        self.missing(age, wanted || (self.had_sound && !refused))
            .map(|severity| Finding {
                code: ReasonCode::NoSound,
                severity,
                advice: match age {
                    None => "The stream has no audio track. Check the encoder's audio input.",
                    Some(_) => "The audio track carries nothing. Check the encoder's audio input.",
                }
                .into(),
            })
    }

    /// How bad it is that a track is missing (`age` is `None`), or silent for `age`.
    fn missing(&self, age: Option<Option<u64>>, must_be: bool) -> Option<Health> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // What is scrambled may carry something that cannot be seen.
        let scrambled = self.media.is_some_and(|media| media.scrambled);
        match age {
            None if must_be => Some(Health::Error),
            None => None,
            // Named in the tables, nothing came yet: the first seconds are a warning.
            Some(None) if self.connected_for >= limits::TRACK_LATE && !scrambled => {
                Some(Health::Error)
            }
            Some(None) => Some(Health::Warning),
            Some(Some(age)) if age >= millis(limits::TRACK_GONE) => Some(Health::Error),
            Some(Some(age)) if age >= millis(limits::TRACK_PAUSE) => Some(Health::Warning),
            Some(Some(_)) => None,
        }
    }

    fn losing_packets(&self) -> Option<Finding> {
        let lost = self.unrecovered;
        if lost.ten_seconds > 0 {
            let advice = match self.lost_on_this_host() {
                Some(here) => format!(
                    "{} packets were lost for good in 10 s. {here}",
                    lost.ten_seconds
                ),
                None => format!(
                    "{} packets were lost for good in 10 s. Raise the latency, or lower the bitrate.",
                    lost.ten_seconds
                ),
            };
            let often = lost.minute > limits::UNRECOVERED_PER_MINUTE;
            let finding = if often { error } else { warning };
            return Some(finding(ReasonCode::LosingPackets, advice));
        }
        if self.continuity.ten_seconds > 0 {
            let advice = format!(
                "{} gaps in the stream in 10 s, none of them on the way here. \
                 Look at the sender and what is before it.",
                self.continuity.ten_seconds
            );
            let often = self.continuity.minute > limits::UNRECOVERED_PER_MINUTE;
            let finding = if often { error } else { warning };
            return Some(finding(ReasonCode::LosingPackets, advice));
        }
        let percent = self.transport.loss_percent?;
        (percent >= limits::LOSS_WARNING_PERCENT).then(|| {
            let here = self.lost_on_this_host();
            let look = here
                .as_deref()
                .unwrap_or("Look at the network between the sender and here.");
            let advice =
                format!("{percent:.1} % of the packets come only at the second try. {look}");
            warning(ReasonCode::LosingPackets, advice)
        })
    }

    /// What this host dropped by itself is not the network's fault. Its socket is shared, so
    /// some of that may have been meant for others.
    fn lost_on_this_host(&self) -> Option<String> {
        let drops = self.host_drops.ten_seconds;
        (drops > 0).then(|| {
            format!(
                "This host itself dropped {drops} packets of this and other connections \
                 unread: raise net.core.rmem_max, or give the server more CPU."
            )
        })
    }

    /// The feed goes on, with less to fall back on.
    fn link_lost(&self) -> Option<Finding> {
        let paths = self.transport.paths.filter(|paths| paths.missing > 0)?;
        let advice = format!(
            "{} of {} links of the sender are not heard any more; the others carry the feed. \
             Look at the network, the signal and the data plan of what is missing.",
            paths.missing,
            paths.missing + paths.working,
        );
        Some(warning(ReasonCode::LinkLost, advice))
    }

    fn bitrate_low(&self) -> Option<Finding> {
        let expected = self.expected.bitrate.map(|rate| rate.0);
        let usual = expected.or(self.usual_bitrate)?.as_bps();
        let now = self.bitrate.as_bps();
        #[allow(clippy::cast_precision_loss, reason = "for a ratio")]
        let ratio = now as f64 / usual.max(1) as f64;
        if ratio >= limits::BITRATE_WARNING {
            return None;
        }
        let than = if expected.is_some() {
            "expected"
        } else {
            "usual"
        };
        let advice = format!(
            "{} instead of {than} {}. Look at the encoder and its uplink.",
            megabits(now),
            megabits(usual)
        );
        let finding = if ratio < limits::BITRATE_ERROR {
            error
        } else {
            warning
        };
        Some(finding(ReasonCode::BitrateLow, advice))
    }

    fn latency_too_low(&self) -> Option<Finding> {
        let (rtt, latency) = (self.transport.rtt?, self.transport.latency?);
        if latency.is_zero() {
            return None;
        }
        let too_short_for_rtt = rtt.saturating_mul(3) > latency;
        // Somebody may have chosen a little less on purpose.
        let advised = self.transport.advised;
        let far_from_advised = advised.is_some_and(|advised| latency * 5 < advised.latency * 4);
        if !too_short_for_rtt && !far_from_advised {
            return None;
        }
        let (cause, needed) = match advised {
            Some(advised) => (causes(&advised), advised.latency.as_millis()),
            None => {
                let loss = self.transport.loss_percent.unwrap_or_default();
                let cause = format!("RTT {} ms", rtt.as_millis());
                (cause, advised_latency_ms(rtt, loss))
            }
        };
        let advice = format!(
            "Latency {} ms is too low for {cause}. Set {needed} ms.",
            latency.as_millis(),
        );
        Some(warning(ReasonCode::LatencyTooLow, advice))
    }

    fn wrong_format(&self) -> Option<Finding> {
        let differences = self.expected.differences(self.media?);
        let first = differences.first()?;
        let mut sentence = first[..1].to_uppercase() + &first[1..];
        for more in &differences[1..] {
            sentence.push_str("; ");
            sentence.push_str(more);
        }
        let advice = format!("{sentence}. Change the encoder, or what is expected.");
        Some(warning(ReasonCode::WrongFormat, advice))
    }

    fn scrambled(&self) -> Option<Finding> {
        self.media?.scrambled.then(|| {
            let advice = "The stream is scrambled, so it can be relayed but not looked into.";
            warning(ReasonCode::Scrambled, advice)
        })
    }
}

/// "RTT 11 ms, jitter 22 ms and 2.1 % loss"
fn causes(advised: &AdvisedLatency) -> String {
    let loss = match advised.loss_percent {
        none if none <= 0.0 => "no loss".to_owned(),
        little if little < 0.1 => format!("{little:.3} % loss"),
        loss => format!("{loss:.1} % loss"),
    };
    let millis = |time: Duration| (time.as_secs_f64() * 1000.0).round();
    let (rtt, jitter) = (millis(advised.rtt), millis(advised.jitter));
    format!("RTT {rtt} ms, jitter {jitter} ms and {loss}")
}

/// What the latency should be where the protocol gives no advice of its own, or not yet: a multiple of the round-trip time that grows with the loss,
/// rounded up to ten milliseconds (the deployment guide's table).
fn advised_latency_ms(rtt: Duration, loss_percent: f64) -> u128 {
    let (multiplier, least_ms) = match loss_percent {
        loss if loss <= 0.1 => (4, 60),
        loss if loss <= 3.0 => (4, 80),
        loss if loss <= 7.0 => (5, 100),
        _ => (6, 120),
    };
    let millis = rtt.as_micros() * multiplier / 1000;
    millis.next_multiple_of(10).max(least_ms)
}

fn megabits(bps: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
    let megabits = bps as f64 / 1e6;
    format!("{megabits:.2} Mbit/s")
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
