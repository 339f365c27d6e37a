use bytes::Bytes;
use tidegate_netsim::Chance;

/// What a live sender puts in one packet: seven transport stream packets.
pub const PAYLOAD_BYTES: usize = 1316;
const POOL_BYTES: usize = 1 << 16;
/// Odd and far from a power of two, so that neighbours share no aligned part.
const STRIDE: u64 = 7919;

/// Makes numbered payloads that look random and can be recognised bit by bit.
#[derive(Debug)]
pub struct Payloads {
    pool: Vec<u8>,
}

impl Payloads {
    pub fn new(seed: u64) -> Self {
        let mut pool = vec![0; POOL_BYTES + PAYLOAD_BYTES];
        Chance::new(seed).fill(&mut pool);
        Self { pool }
    }

    /// The `number`-th payload.
    pub fn make(&self, number: u64) -> Bytes {
        let mut payload = number.to_be_bytes().to_vec();
        payload.extend_from_slice(self.rest(number));
        payload.into()
    }

    /// Which payload this is; none if even one bit differs.
    pub fn recognise(&self, payload: &[u8]) -> Option<u64> {
        let (stamp, rest) = payload.split_first_chunk::<8>()?;
        let number = u64::from_be_bytes(*stamp);
        (rest == self.rest(number)).then_some(number)
    }

    fn rest(&self, number: u64) -> &[u8] {
        let start = (number.wrapping_mul(STRIDE) % POOL_BYTES as u64) as usize;
        &self.pool[start..start + PAYLOAD_BYTES - 8]
    }
}
