/// The 64-bit number nearest to `reference` whose low `bits` bits are `wire`.
///
/// Wire counters wrap (31-bit sequence numbers, 32-bit microseconds, 33-bit PTS). They
/// are unwrapped once, where they enter, and everything behind the door counts in plain
/// 64-bit numbers. A result that would be negative is moved up by one period.
///
/// # Panics
/// If `bits` is 0 or above 63.
#[must_use]
pub const fn unwrap_near(reference: u64, wire: u64, bits: u32) -> u64 {
    assert!(bits > 0 && bits < 64, "a wire counter has 1 to 63 bits");
    let period = 1_u64 << bits;
    let mask = period - 1;
    let ahead = wire.wrapping_sub(reference) & mask;
    if ahead < period / 2 {
        return reference.wrapping_add(ahead);
    }
    let behind = period - ahead;
    if behind > reference {
        reference.wrapping_add(ahead)
    } else {
        reference - behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_a_counter_over_its_wrap_and_back() {
        let before = (1_u64 << 31) - 2;
        assert_eq!(unwrap_near(before, 1, 31), (1_u64 << 31) + 1);
        assert_eq!(unwrap_near((1_u64 << 31) + 1, 0x7FFF_FFFE, 31), before);
    }

    #[test]
    fn it_never_goes_below_zero() {
        assert_eq!(unwrap_near(3, 0x7FFF_FFFF, 31), 0x7FFF_FFFF);
    }
}
