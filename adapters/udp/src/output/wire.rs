//! What goes around seven packets.

use std::net::SocketAddr;
use tidegate_mpegts::pacing::DATAGRAM_PACKETS;
use tidegate_rtp::fec::{Encoder, Matrix};
use tidegate_rtp::{HEADER_BYTES, Header};
use tidegate_units::Instant;

/// MPEG-TS (RFC 3551).
const PAYLOAD_TYPE: u8 = 33;

/// Bytes of the largest datagram.
const DATAGRAM_BYTES: usize = HEADER_BYTES + DATAGRAM_PACKETS * 188;

/// Makes datagrams of packets.
#[derive(Debug)]
pub(super) struct Wire {
    datagram: Vec<u8>,
    rtp: Option<Rtp>,
}

#[derive(Debug)]
struct Rtp {
    sequence: u16,
    /// What is added to times, so that they begin anywhere.
    timestamp: u32,
    ssrc: u32,
    fec: Option<Encoder>,
}

impl Wire {
    /// Nothing around them.
    pub(super) fn plain() -> Self {
        Self {
            datagram: Vec::with_capacity(DATAGRAM_BYTES),
            rtp: None,
        }
    }

    /// RTP, with random first numbers.
    pub(super) fn rtp(random: &[u8; 10], fec: Option<Matrix>) -> Self {
        let [s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *random;
        let sequence = u16::from_be_bytes([s0, s1]);
        Self {
            datagram: Vec::with_capacity(DATAGRAM_BYTES),
            rtp: Some(Rtp {
                sequence,
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
                fec: fec.map(|matrix| Encoder::new(matrix, sequence ^ 0x5555)),
            }),
        }
    }

    /// An empty datagram to fill with packets.
    pub(super) fn begin(&mut self) -> &mut Vec<u8> {
        self.datagram.clear();
        if self.rtp.is_some() {
            self.datagram.resize(HEADER_BYTES, 0);
        }
        &mut self.datagram
    }

    /// The datagram that was filled, to leave `at` its time.
    pub(super) fn seal(&mut self, at: Instant) -> &[u8] {
        if let Some(rtp) = &mut self.rtp {
            // The time it leaves by the stream's own clock: 90 kHz is 9 ticks in 100 µs.
            let ticks = u128::from(at.as_micros()) * 9 / 100;
            let header = Header {
                marker: false,
                payload_type: PAYLOAD_TYPE,
                sequence: rtp.sequence,
                timestamp: rtp.timestamp.wrapping_add((ticks & 0xFFFF_FFFF) as u32),
                ssrc: rtp.ssrc,
            };
            rtp.sequence = rtp.sequence.wrapping_add(1);
            self.datagram[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
            if let Some(fec) = &mut rtp.fec {
                fec.on_packet(&self.datagram);
            }
        }
        &self.datagram
    }

    /// The next sum that the datagrams so far make, and where it goes when they go to `to`.
    pub(super) fn poll_sum(&mut self, to: SocketAddr) -> Option<(SocketAddr, Vec<u8>)> {
        let fec = self.rtp.as_mut()?.fec.as_mut()?;
        let (stream, sum) = fec.poll()?;
        // The settings leave room for these ports.
        let port = to.port().saturating_add(stream.port_offset());
        let mut to = to;
        to.set_port(port);
        Some((to, sum))
    }
}
