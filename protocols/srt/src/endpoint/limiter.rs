use core::hash::Hasher;
use core::net::IpAddr;
use siphasher::sip::SipHasher13;
use tidegate_units::Instant;

/// Addresses whose rates are tracked at once, two places for each hash value.
const TRACKED: usize = 4096;
const WAYS: usize = 2;
/// Tokens are counted in millionths, so that a microsecond at one per second is one.
const TOKEN: i64 = 1_000_000;
/// Debt beyond what is earned in this time is forgiven.
const DEBT_SECONDS: i64 = 10;

/// Allows `per_second` events on average and `burst` at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    /// Below zero: what happened that could no longer be prevented.
    tokens: i64,
    at: Instant,
}

/// The size of a bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
}

impl Bucket {
    pub(crate) const fn full(now: Instant, rate: Rate) -> Self {
        Self {
            tokens: rate.burst as i64 * TOKEN,
            at: now,
        }
    }

    fn refill(&mut self, now: Instant, rate: Rate) {
        let micros = now.saturating_since(self.at).as_micros();
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        let earned = micros.saturating_mul(i64::from(rate.per_second));
        self.tokens = self
            .tokens
            .saturating_add(earned)
            .min(i64::from(rate.burst) * TOKEN);
        self.at = self.at.max(now);
    }

    /// Whether a token is there; it is left in place.
    pub(crate) fn has(&mut self, now: Instant, rate: Rate) -> bool {
        self.refill(now, rate);
        self.tokens >= TOKEN
    }

    /// Takes a token; false if there is none.
    pub(crate) fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let has = self.has(now, rate);
        if has {
            self.tokens -= TOKEN;
        }
        has
    }

    /// Takes a token that may not be there any more.
    pub(crate) fn charge(&mut self, now: Instant, rate: Rate) {
        self.refill(now, rate);
        let floor = -DEBT_SECONDS * i64::from(rate.per_second) * TOKEN;
        self.tokens = (self.tokens - TOKEN).max(floor);
    }
}

/// One bucket per address (IPv6: per /64 prefix) in a table of fixed size.
///
/// The table is keyed by a secret, so nobody can aim at a neighbour's place. An address
/// that finds both its places taken by others that are still being limited shares one.
#[derive(Debug)]
pub(crate) struct AddressBuckets {
    rate: Rate,
    key: (u64, u64),
    places: Vec<Option<(u64, Bucket)>>,
}

impl AddressBuckets {
    pub(crate) const fn new(rate: Rate, key: (u64, u64)) -> Self {
        Self {
            rate,
            key,
            places: Vec::new(),
        }
    }

    /// Takes a token of this address; false if there is none.
    pub(crate) fn take(&mut self, now: Instant, address: IpAddr) -> bool {
        let rate = self.rate;
        self.bucket(now, address).take(now, rate)
    }

    /// Takes a token of this address for what has happened already.
    pub(crate) fn charge(&mut self, now: Instant, address: IpAddr) {
        let rate = self.rate;
        self.bucket(now, address).charge(now, rate);
    }

    /// Whether this address has a token left.
    pub(crate) fn has(&mut self, now: Instant, address: IpAddr) -> bool {
        let rate = self.rate;
        self.bucket(now, address).has(now, rate)
    }

    fn bucket(&mut self, now: Instant, address: IpAddr) -> &mut Bucket {
        if self.places.is_empty() {
            self.places.resize(TRACKED * WAYS, None);
        }
        let hash = self.hash(address);
        let first = usize::try_from(hash % TRACKED as u64).unwrap_or(0) * WAYS;
        let rate = self.rate;
        let ways = &mut self.places[first..first + WAYS];
        let chosen = ways
            .iter()
            .position(|place| place.is_some_and(|(owner, _)| owner == hash))
            .or_else(|| ways.iter_mut().position(|place| is_free(place, now, rate)))
            .unwrap_or(0);
        let fresh = (hash, Bucket::full(now, rate));
        let place = &mut ways[chosen];
        if is_free(place, now, rate) {
            *place = Some(fresh);
        }
        &mut place.get_or_insert(fresh).1
    }

    fn hash(&self, address: IpAddr) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        match address {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => hasher.write(&v4.octets()),
                None => hasher.write(&v6.octets()[..8]),
            },
        }
        hasher.finish()
    }
}

/// A place nobody has used, or whose owner has all its tokens again.
fn is_free(place: &mut Option<(u64, Bucket)>, now: Instant, rate: Rate) -> bool {
    let Some((_, bucket)) = place else {
        return true;
    };
    bucket.refill(now, rate);
    bucket.tokens >= i64::from(rate.burst) * TOKEN
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 5,
        burst: 10,
    };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn taken(buckets: &mut AddressBuckets, now: Instant, from: IpAddr) -> usize {
        (0..100).filter(|_| buckets.take(now, from)).count()
    }

    #[test]
    fn an_address_gets_its_burst_and_then_its_rate() {
        let mut buckets = AddressBuckets::new(RATE, (1, 2));
        assert_eq!(taken(&mut buckets, Instant::ZERO, address(1)), 10);
        assert_eq!(
            taken(&mut buckets, Instant::from_millis(1000), address(1)),
            5
        );
    }

    #[test]
    fn what_could_not_be_prevented_is_paid_back_within_ten_seconds() {
        let mut buckets = AddressBuckets::new(RATE, (1, 2));
        for _ in 0..500 {
            buckets.charge(Instant::ZERO, address(1));
        }
        assert_eq!(
            taken(&mut buckets, Instant::from_millis(9_900), address(1)),
            0
        );
        assert_eq!(
            taken(&mut buckets, Instant::from_millis(10_200), address(1)),
            1
        );
    }

    #[test]
    fn a_busy_address_does_not_slow_its_neighbours() {
        let mut buckets = AddressBuckets::new(RATE, (1, 2));
        for last in 0..=255 {
            assert_eq!(
                taken(&mut buckets, Instant::ZERO, address(last)),
                10,
                "{last}"
            );
        }
    }

    #[test]
    fn a_whole_ipv6_prefix_is_one_address() {
        let mut buckets = AddressBuckets::new(RATE, (1, 2));
        let host = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        assert_eq!(taken(&mut buckets, Instant::ZERO, host(1)), 10);
        assert_eq!(taken(&mut buckets, Instant::ZERO, host(2)), 0);
    }
}
