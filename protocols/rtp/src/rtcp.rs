//! What a sender of RTP says beside it (RTCP, RFC 3550 section 6): which moment its time
//! stamps mean, so that receivers play picture and sound together, and goodbye.
//!
//! Reports of receivers are not read: that one came says that its sender lives.

const VERSION: u8 = 2 << 6;
const ONE_SOURCE: u8 = 1;
const SENDER_REPORT: u8 = 200;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const CANONICAL_NAME: u8 = 1;
/// An item says its length in one byte.
const NAME_BYTES_MAX: usize = 255;
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_AT_UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

/// A moment in NTP's format: seconds since 1900 and, below the point, 2⁻³² of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From a time since 1970.
    #[must_use]
    pub fn from_unix(since_epoch: core::time::Duration) -> Self {
        let seconds = since_epoch.as_secs() + NTP_AT_UNIX_EPOCH_SECONDS;
        let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }
}

/// What a sender reports about one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream.
    pub ssrc: u32,
    /// Now.
    pub ntp: NtpTime,
    /// The same moment on the clock of the stream.
    pub timestamp: u32,
    /// Packets sent so far, wrapping.
    pub packet_count: u32,
    /// Bytes of payload sent so far, wrapping.
    pub payload_bytes: u32,
}

impl SenderReport {
    /// The report with the sender's name, as one packet.
    #[must_use]
    pub fn to_packet(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&[VERSION, SENDER_REPORT, 0, 6]);
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&self.ntp.0.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.packet_count.to_be_bytes());
        out.extend_from_slice(&self.payload_bytes.to_be_bytes());
        describe(self.ssrc, name, &mut out);
        out
    }
}

/// Says that a stream has ended; a packet must begin with a report.
#[must_use]
pub fn goodbye(last: &SenderReport, name: &str) -> Vec<u8> {
    let mut out = last.to_packet(name);
    out.extend_from_slice(&[VERSION | ONE_SOURCE, GOODBYE, 0, 1]);
    out.extend_from_slice(&last.ssrc.to_be_bytes());
    out
}

/// The description of a source: streams of one name belong together.
fn describe(ssrc: u32, name: &str, out: &mut Vec<u8>) {
    let name = &name.as_bytes()[..name.len().min(NAME_BYTES_MAX)];
    // The item ends with at least one zero and fills whole words.
    let item_bytes = (2 + name.len() + 1).next_multiple_of(4);
    let words = (4 + item_bytes) / 4;
    out.extend_from_slice(&[VERSION | ONE_SOURCE, DESCRIPTION, 0, words as u8]);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[CANONICAL_NAME, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(out.len() + item_bytes - 2 - name.len(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const REPORT: SenderReport = SenderReport {
        ssrc: 0x0102_0304,
        ntp: NtpTime(0x1122_3344_8000_0000),
        timestamp: 9,
        packet_count: 7,
        payload_bytes: 700,
    };

    /// The parts of a compound packet by their length fields.
    fn parts(packet: &[u8]) -> Vec<(u8, &[u8])> {
        let mut rest = packet;
        let mut parts = Vec::new();
        while let [first, kind, high, low, ..] = *rest {
            assert_eq!(first >> 6, 2);
            let bytes = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
            let (part, after) = rest.split_at(bytes);
            parts.push((kind, part));
            rest = after;
        }
        assert!(rest.is_empty());
        parts
    }

    #[test]
    fn a_report_is_whole_words_whatever_the_name() {
        for length in 0..300 {
            let packet = REPORT.to_packet(&"x".repeat(length));
            let parts = parts(&packet);
            assert_eq!([parts[0].0, parts[1].0], [SENDER_REPORT, DESCRIPTION]);
            assert_eq!(parts[1].1.last(), Some(&0), "an item ends with a zero");
        }
    }

    #[test]
    fn a_report_says_when_a_time_stamp_is() {
        let packet = REPORT.to_packet("tidegate");
        assert_eq!(packet[8..16], [0x11, 0x22, 0x33, 0x44, 0x80, 0, 0, 0]);
        assert_eq!(packet[16..20], 9_u32.to_be_bytes());
    }

    #[test]
    fn a_goodbye_names_its_stream() {
        let packet = goodbye(&REPORT, "tidegate");
        let parts = parts(&packet);
        assert_eq!(parts[2], (GOODBYE, &[0x81, 203, 0, 1, 1, 2, 3, 4][..]));
    }

    #[test]
    fn half_a_second_after_the_epoch() {
        let time = NtpTime::from_unix(Duration::from_millis(500));
        assert_eq!(time.0, 2_208_988_800 << 32 | 1 << 31);
    }
}
