//! One transport packet (ISO/IEC 13818-1, section 2.4.3).

/// Bytes of a transport packet.
pub const PACKET_BYTES: usize = 188;
/// The first byte of every packet.
pub const SYNC_BYTE: u8 = 0x47;
/// The PID of the program association table.
pub const PAT_PID: u16 = 0;
/// The PID of packets that only fill.
pub const NULL_PID: u16 = 0x1FFF;

const HEADER_BYTES: usize = 4;
/// Bytes of payload where there is no adaptation field.
pub(crate) const PAYLOAD_BYTES: usize = PACKET_BYTES - HEADER_BYTES;

/// A view of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a [u8; PACKET_BYTES]);

/// The flags and clock of an adaptation field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adaptation {
    /// The continuity counter or the clock is allowed to jump here.
    pub discontinuity: bool,
    /// Decoding can begin with the unit that starts here.
    pub random_access: bool,
    /// The program clock reference.
    pub pcr: Option<Pcr>,
}

/// A program clock reference: ticks of 27 MHz, wrapping at [`Pcr::PERIOD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pcr(pub u64);

impl Pcr {
    /// Where the clock wraps: 33 bits of 90 kHz, each of 300 ticks.
    pub const PERIOD: u64 = (1 << 33) * 300;
    /// Ticks per second.
    pub const HERTZ: u64 = 27_000_000;

    /// Ticks from `earlier` to this, across the wrap.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        (self.0 + Self::PERIOD - earlier.0 % Self::PERIOD) % Self::PERIOD
    }

    /// Puts this clock in the place of the one that `packet` has in its adaptation field.
    pub(crate) fn write(self, packet: &mut [u8; PACKET_BYTES]) {
        let (base, extension) = (self.0 / 300, self.0 % 300);
        // Six bits between the two are reserved, and set.
        let field = base << 15 | 0x7E00 | extension;
        packet[6..12].copy_from_slice(&field.to_be_bytes()[2..]);
    }
}

impl<'a> Packet<'a> {
    /// A view of these bytes; `None` if they do not begin with the sync byte.
    #[must_use]
    pub fn new(bytes: &'a [u8; PACKET_BYTES]) -> Option<Self> {
        (bytes[0] == SYNC_BYTE).then_some(Self(bytes))
    }

    /// All of it.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8; PACKET_BYTES] {
        self.0
    }

    /// The packet identifier.
    #[must_use]
    pub const fn pid(self) -> u16 {
        (self.0[1] as u16 & 0x1F) << 8 | self.0[2] as u16
    }

    /// Whether a device on the way marked the packet as damaged.
    #[must_use]
    pub const fn transport_error(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    /// Whether a PES packet or a section begins in the payload.
    #[must_use]
    pub const fn unit_start(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// Whether the payload is scrambled.
    #[must_use]
    pub const fn scrambled(self) -> bool {
        self.0[3] & 0xC0 != 0
    }

    /// Whether there is a payload.
    #[must_use]
    pub const fn has_payload(self) -> bool {
        self.0[3] & 0x10 != 0
    }

    /// Whether there is an adaptation field.
    #[must_use]
    pub const fn has_adaptation(self) -> bool {
        self.0[3] & 0x20 != 0
    }

    /// The continuity counter, 0 to 15.
    #[must_use]
    pub const fn continuity(self) -> u8 {
        self.0[3] & 0x0F
    }

    /// The adaptation field, where there is one that says anything.
    #[must_use]
    pub fn adaptation(self) -> Option<Adaptation> {
        let length = usize::from(self.0[4]);
        if !self.has_adaptation() || length == 0 || length >= PACKET_BYTES - HEADER_BYTES {
            return None;
        }
        let flags = self.0[5];
        Some(Adaptation {
            discontinuity: flags & 0x80 != 0,
            random_access: flags & 0x40 != 0,
            pcr: (flags & 0x10 != 0 && length >= 7).then(|| read_pcr(&self.0[6..12])),
        })
    }

    /// The payload of a packet that has nothing else: no adaptation field, nothing scrambled.
    #[must_use]
    pub(crate) const fn only_payload(self) -> Option<&'a [u8; PAYLOAD_BYTES]> {
        if self.0[3] & 0xF0 == 0x10 {
            self.0.last_chunk()
        } else {
            None
        }
    }

    /// Whether it is filled up in front of its payload, because there was no more of that.
    #[must_use]
    pub fn filled_up(self) -> bool {
        if !self.has_adaptation() || !self.has_payload() {
            return false;
        }
        let length = usize::from(self.0[4]);
        let field = self.0.get(5..5 + length).unwrap_or_default();
        let Some((&flags, rest)) = field.split_first() else {
            return length == 0;
        };
        let mut used = 0;
        for (flag, bytes) in [(0x10, 6), (0x08, 6), (0x04, 1)] {
            used += if flags & flag != 0 { bytes } else { 0 };
        }
        // Private data and the extension tell their own length.
        for flag in [0x02, 0x01] {
            if flags & flag != 0 {
                used += 1 + usize::from(rest.get(used).copied().unwrap_or_default());
            }
        }
        used < rest.len()
    }

    /// The payload; empty where there is none or the adaptation field overruns it.
    #[must_use]
    pub fn payload(self) -> &'a [u8] {
        if !self.has_payload() {
            return &[];
        }
        let begin = if self.has_adaptation() {
            HEADER_BYTES + 1 + usize::from(self.0[4])
        } else {
            HEADER_BYTES
        };
        self.0.get(begin..).unwrap_or_default()
    }
}

fn read_pcr(field: &[u8]) -> Pcr {
    let [a, b, c, d, e, f] = *field else {
        return Pcr(0);
    };
    let base = u64::from(u32::from_be_bytes([a, b, c, d])) << 1 | u64::from(e >> 7);
    let extension = u64::from(e & 1) << 8 | u64::from(f);
    Pcr((base * 300 + extension) % Pcr::PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(header: &[u8]) -> [u8; PACKET_BYTES] {
        let mut bytes = [0xFF; PACKET_BYTES];
        bytes[..header.len()].copy_from_slice(header);
        bytes
    }

    #[test]
    fn header_fields_are_read() {
        let bytes = packet(&[0x47, 0x41, 0x23, 0x37, 7, 0x50, 0, 0, 0, 1, 0x80, 0x05]);
        let packet = Packet::new(&bytes).expect("a sync byte");
        assert_eq!(packet.pid(), 0x123);
        assert!(packet.unit_start() && packet.has_payload() && !packet.scrambled());
        assert_eq!(packet.continuity(), 7);
        let adaptation = packet.adaptation().expect("an adaptation field");
        assert!(adaptation.random_access && !adaptation.discontinuity);
        assert_eq!(adaptation.pcr, Some(Pcr(3 * 300 + 5)));
        assert_eq!(packet.payload().len(), 188 - 4 - 8);
    }

    #[test]
    fn a_clock_that_is_written_is_read() {
        let mut bytes = packet(&[0x47, 0x41, 0x23, 0x37, 7, 0x10, 0, 0, 0, 0, 0, 0]);
        for clock in [0, 299, 300, Pcr::PERIOD - 1, 0x1_2345_6789] {
            Pcr(clock).write(&mut bytes);
            let packet = Packet::new(&bytes).expect("a sync byte");
            assert_eq!(
                packet.adaptation().and_then(|field| field.pcr),
                Some(Pcr(clock))
            );
        }
    }

    #[test]
    fn an_adaptation_field_longer_than_the_packet_leaves_no_payload() {
        let bytes = packet(&[0x47, 0x01, 0x23, 0x30, 200]);
        let packet = Packet::new(&bytes).expect("a sync byte");
        assert_eq!(packet.adaptation(), None);
        assert!(packet.payload().is_empty());
    }

    #[test]
    fn the_clock_is_compared_across_its_wrap() {
        assert_eq!(Pcr(5).since(Pcr(Pcr::PERIOD - 5)), 10);
    }
}
