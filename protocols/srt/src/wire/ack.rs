use super::WireError;
use super::body::ControlBody;
use super::header::ControlHeader;
use super::numbers::SequenceNumber;
use super::word::{put_word, put_words, word};

/// An acknowledgement: every packet before [`Ack::next`] has arrived or was given up.
///
/// ```text
///  light 4 bytes   next
///  small 16 bytes  + RTT, RTT variance, available buffer
///  full  28 bytes  + packets/s, link capacity packets/s, bytes/s
/// ```
/// A full ACK of 24 bytes (without bytes/s) comes from UDT and from SRT before 1.0.3, one
/// of 32 bytes from SRT 1.0.2: the last word is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ack {
    /// What the ACKACK repeats. The first is 1; a light ACK has 0.
    pub number: u32,
    /// The next sequence number the receiver expects.
    pub next: SequenceNumber,
    /// Missing from a light ACK, which asks for no ACKACK.
    pub report: Option<AckReport>,
}

/// What a small or a full ACK says about the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckReport {
    /// Smoothed round-trip time.
    pub rtt_micros: u32,
    /// Its mean deviation.
    pub rtt_variance_micros: u32,
    /// Packets that still fit into the receive buffer.
    pub available_packets: u32,
    /// Missing from a small ACK.
    pub rates: Option<AckRates>,
}

/// What only a full ACK says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckRates {
    /// Receive rate in packets per second.
    pub receive_packets: u32,
    /// Estimated link capacity in packets per second.
    pub capacity_packets: u32,
    /// Receive rate in bytes per second, unknown to the oldest peers.
    pub receive_bytes: Option<u32>,
}

const LIGHT_BYTES: usize = 4;
const SMALL_BYTES: usize = 16;
const UDT_BYTES: usize = 24;
const FULL_BYTES: usize = 28;

impl Ack {
    /// A light ACK.
    #[must_use]
    pub const fn light(next: SequenceNumber) -> Self {
        Self {
            number: 0,
            next,
            report: None,
        }
    }

    /// Whether the receiver of this ACK answers with an ACKACK.
    #[must_use]
    pub const fn asks_for_ackack(&self) -> bool {
        self.report.is_some()
    }
}

impl<'a> ControlBody<'a> for Ack {
    const KIND: u16 = 2;

    fn parse(header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        WireError::need("ACK", body, LIGHT_BYTES)?;
        let next = word(body, 0);
        if next >> 31 != 0 {
            return Err(WireError::Forbidden {
                what: "ACK's sequence number",
                value: next,
            });
        }
        Ok(Self {
            number: header.specific,
            next: SequenceNumber::new(next),
            report: (body.len() >= SMALL_BYTES).then(|| AckReport::parse(body)),
        })
    }

    fn specific(&self) -> u32 {
        self.number
    }

    fn body_bytes(&self) -> usize {
        match self.report {
            None => LIGHT_BYTES,
            Some(AckReport { rates: None, .. }) => SMALL_BYTES,
            Some(AckReport {
                rates:
                    Some(AckRates {
                        receive_bytes: None,
                        ..
                    }),
                ..
            }) => UDT_BYTES,
            Some(_) => FULL_BYTES,
        }
    }

    fn emit_body(&self, out: &mut [u8]) {
        put_word(out, 0, self.next.value());
        let Some(report) = self.report else { return };
        put_words(
            &mut out[LIGHT_BYTES..],
            &[
                report.rtt_micros,
                report.rtt_variance_micros,
                report.available_packets,
            ],
        );
        let Some(rates) = report.rates else { return };
        put_words(
            &mut out[SMALL_BYTES..],
            &[rates.receive_packets, rates.capacity_packets],
        );
        if let Some(bytes) = rates.receive_bytes {
            put_word(&mut out[UDT_BYTES..], 0, bytes);
        }
    }
}

impl AckReport {
    fn parse(body: &[u8]) -> Self {
        Self {
            rtt_micros: word(body, 1),
            rtt_variance_micros: word(body, 2),
            available_packets: word(body, 3),
            rates: (body.len() >= UDT_BYTES).then(|| AckRates {
                receive_packets: word(body, 4),
                capacity_packets: word(body, 5),
                receive_bytes: (body.len() >= FULL_BYTES).then(|| word(body, 6)),
            }),
        }
    }
}
