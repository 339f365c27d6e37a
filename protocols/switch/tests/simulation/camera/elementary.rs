//! Bytes of pictures and sound frames, each with its number in it, made anew whenever asked for.

/// What an access unit is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Decoding begins here.
    Key,
    /// A picture that others refer to.
    Reference,
    /// A picture that nobody refers to.
    Between,
    /// A frame of sound.
    Sound,
}

/// How an encoder writes its pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Macroblocks across and down.
    pub size: (u32, u32),
    /// Ticks of 90 kHz from picture to picture.
    pub frame_ticks: i64,
    /// Pictures shown before one that was decoded earlier.
    pub reordered: u32,
    /// An access unit delimiter before every picture.
    pub delimits: bool,
    /// Parameter sets before every key frame, not only before the first.
    pub repeats_sets: bool,
    /// Key frames are no IDR: pictures shown before them come behind them.
    pub open: bool,
}

/// The digits of a number, without zeros that would need escaping.
fn number(id: u64) -> [u8; 16] {
    core::array::from_fn(|digit| 0x40 | (id >> (60 - digit * 4)) as u8 & 0x0F)
}

/// The number that begins here.
fn read_number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.get(..16)?;
    let mut id = 0;
    for digit in digits {
        if digit & 0xF0 != 0x40 {
            return None;
        }
        id = id << 4 | u64::from(digit & 0x0F);
    }
    Some(id)
}

fn noise(id: u64, bytes: usize) -> impl Iterator<Item = u8> {
    let mut state = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..bytes).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        0x80 | (state >> 40) as u8
    })
}

/// An access unit: whether `with_sets` says so, with the parameter sets.
pub fn picture(look: &Look, kind: Kind, id: u64, bytes: usize, with_sets: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 80);
    if look.delimits {
        out.extend([0, 0, 0, 1, 0x09, 0xF0]);
    }
    if with_sets {
        out.extend([0, 0, 0, 1]);
        out.extend(sequence_set(look));
        out.extend([0, 0, 0, 1, 0x68, 0xEE, 0x3C, 0x80]);
    }
    let (header, slice) = match kind {
        Kind::Key if look.open => (0x61, 0b1000_1000),
        Kind::Key => (0x65, 0b1000_1000),
        Kind::Reference => (0x41, 0b1001_1010),
        Kind::Between | Kind::Sound => (0x01, 0b1001_1110),
    };
    if kind == Kind::Key && look.open {
        // A recovery point: exact from here on.
        out.extend([0, 0, 0, 1, 0x06, 0x06, 0x01, 0xC4, 0x80]);
    }
    out.extend([0, 0, 0, 1, header, slice, 0x84]);
    out.extend(number(id));
    out.extend(noise(id, bytes));
    out
}

/// The number of the access unit that these bytes are.
pub fn picture_number(unit: &[u8]) -> Option<u64> {
    let mut at = 0;
    while let Some(found) = unit[at..].windows(4).position(|four| four == [0, 0, 0, 1]) {
        at += found + 4;
        let kind = unit.get(at)? & 0x1F;
        if kind == 1 || kind == 5 {
            return read_number(unit.get(at + 3..)?);
        }
    }
    None
}

/// A frame of AAC sound in its ADTS header, stereo.
pub fn sound(id: u64, rate_index: u8, bytes: usize) -> Vec<u8> {
    let length = 7 + 16 + bytes;
    let mut out = vec![0xFF, 0xF1, 0x40 | rate_index << 2, 0x80];
    out[3] |= (length >> 11) as u8;
    out.push((length >> 3) as u8);
    out.push((length << 5) as u8 | 0x1F);
    out.push(0xFC);
    out.extend(number(id));
    out.extend(noise(id, bytes));
    out
}

/// The frames of sound in a payload: the number and the bytes of each. An error tells where none is.
pub fn sounds(mut payload: &[u8]) -> Result<Vec<(u64, &[u8])>, String> {
    let mut frames = Vec::new();
    while !payload.is_empty() {
        let [0xFF, 0xF1, _, high, middle, low, _, rest @ ..] = payload else {
            return Err(format!("{} bytes of sound are no frame", payload.len()));
        };
        let length =
            usize::from(high & 3) << 11 | usize::from(*middle) << 3 | usize::from(low >> 5);
        let id = read_number(rest).ok_or("sound without a number")?;
        let frame = payload.get(..length).ok_or("a frame of sound is cut off")?;
        frames.push((id, frame));
        payload = &payload[length..];
    }
    Ok(frames)
}

/// A sequence parameter set of Main profile with size, rate and reordering.
fn sequence_set(look: &Look) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0x4D_00_28, 24);
    // Identifier, frame numbers, picture order of type 0, reference frames.
    bits.exp_golombs(&[0, 0, 0, 4, 4]);
    bits.put(0, 1);
    bits.exp_golombs(&[look.size.0 - 1, look.size.1 - 1]);
    // Frames only, direct inference, no cropping, usability information with only timing.
    bits.put(0b1_1_0_1, 4);
    bits.put(0b0_0_0_0_1, 5);
    let ticks = u32::try_from(look.frame_ticks).unwrap_or_default();
    bits.put(ticks, 32);
    bits.put(180_000, 32);
    bits.put(0b1_0_0_0_1, 5);
    bits.put(1, 1);
    bits.exp_golombs(&[0, 0, 16, 16, look.reordered, 4]);
    bits.put(1, 1);
    let mut out = vec![0x67];
    for byte in bits.bytes() {
        if byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(byte);
    }
    out
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        let bits = (0..count).rev().map(|bit| value >> bit & 1 == 1);
        self.0.extend(bits);
    }

    fn exp_golombs(&mut self, values: &[u32]) {
        for value in values {
            let count = 32 - (value + 1).leading_zeros();
            self.put(0, count - 1);
            self.put(value + 1, count);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |eight: &[bool]| {
            let bits = eight.iter().enumerate();
            bits.fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at))
        };
        self.0.chunks(8).map(byte).collect()
    }
}
