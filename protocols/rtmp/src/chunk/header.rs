use super::EXTENDED;

/// What the first bytes of a chunk say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How much it says: 0 everything … 3 nothing.
    pub(super) format: u8,
    pub(super) chunk_stream: u32,
    /// The time, or the time since the message before; absent in format 3.
    pub(super) time: Option<u32>,
    /// Whether that took 32 bits.
    pub(super) is_extended: bool,
    /// Length and type of the message; absent in formats 2 and 3.
    pub(super) shape: Option<(usize, u8)>,
    /// Present in format 0 only.
    pub(super) stream_id: Option<u32>,
    /// How many bytes it took.
    pub(super) byte_count: usize,
}

/// The header at the start of `bytes`, or how many bytes are needed to say more.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, usize> {
    let first = *bytes.first().ok_or(1_usize)?;
    let format = first >> 6;
    let (chunk_stream, basic) = match first & 0x3F {
        0 => (64 + u32::from(*bytes.get(1).ok_or(2_usize)?), 2),
        1 => {
            let [low, high] = *bytes
                .get(1..3)
                .and_then(<[u8]>::first_chunk)
                .ok_or(3_usize)?;
            (64 + u32::from(low) + 256 * u32::from(high), 3)
        }
        small => (u32::from(small), 1),
    };
    let message = match format {
        0 => 11,
        1 => 7,
        2 => 3,
        _ => 0,
    };
    let mut header = Header {
        format,
        chunk_stream,
        time: None,
        is_extended: false,
        shape: None,
        stream_id: None,
        byte_count: basic + message,
    };
    let needed = header.byte_count;
    let fields = bytes.get(basic..needed).ok_or(needed)?;
    if let [a, b, c, rest @ ..] = fields {
        let time = u32::from_be_bytes([0, *a, *b, *c]);
        header.is_extended = time == EXTENDED;
        header.time = Some(time);
        if let [a, b, c, kind, id @ ..] = rest {
            header.shape = Some((u32::from_be_bytes([0, *a, *b, *c]) as usize, *kind));
            // The only number of RTMP with its bytes the other way round.
            header.stream_id = id.first_chunk().map(|id| u32::from_le_bytes(*id));
        }
    }
    if header.is_extended {
        let needed = needed + 4;
        let time = bytes.get(needed - 4..needed).and_then(<[u8]>::first_chunk);
        header.time = Some(u32::from_be_bytes(*time.ok_or(needed)?));
        header.byte_count = needed;
    }
    Ok(header)
}
