/// What a side of a rendezvous does in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeRole {
    /// It asks, as a caller does: its request, its key material, its stream ID count.
    Initiator,
    /// It answers, as a listener does, and decides the latencies.
    Responder,
}

/// Who of two sides that call each other asks and who answers, by their cookies.
///
/// `None`: a draw, and a cookie of zero is none at all. Both sides must come to opposite
/// conclusions, so this is libsrt's arithmetic with its overflow: the sign of the difference
/// in 32 bits decides, except where that says the same to both.
#[must_use]
pub fn contest(ours: u32, theirs: u32) -> Option<HandshakeRole> {
    let difference = ours.wrapping_sub(theirs);
    if ours == 0 || theirs == 0 || difference == 0 {
        return None;
    }
    let negative = difference.cast_signed() < 0;
    let negative_for_both = negative && difference.wrapping_neg().cast_signed() < 0;
    let greater = ours.cast_signed() > theirs.cast_signed();
    Some(if negative && !(negative_for_both && greater) {
        HandshakeRole::Responder
    } else {
        HandshakeRole::Initiator
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contest_ends_as_libsrts_does() {
        // Initiator, responder: the values of libsrt's test Common.CookieContest.
        let pairs: [(i32, i32); 6] = [
            (100, 50),
            (-1, -1000),
            (10_055, -10_000),
            (-1_480_577_720, 811_599_203),
            (i32::MIN, i32::MAX),
            (1, 0x8000_0001_u32.cast_signed()),
        ];
        for (initiator, responder) in pairs {
            let (one, other) = (initiator.cast_unsigned(), responder.cast_unsigned());
            assert_eq!(contest(one, other), Some(HandshakeRole::Initiator));
            assert_eq!(contest(other, one), Some(HandshakeRole::Responder));
        }
    }

    #[test]
    fn both_sides_always_disagree_about_who_they_are() {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 32) as u32
        };
        for _ in 0..100_000 {
            let (one, other) = (next(), next());
            if one != other && one != 0 && other != 0 {
                assert_ne!(contest(one, other), contest(other, one), "{one} {other}");
            }
        }
    }

    #[test]
    fn equal_cookies_are_a_draw_and_zero_is_no_cookie() {
        assert_eq!(contest(7, 7), None);
        assert_eq!(contest(0, 7), None);
        assert_eq!(contest(7, 0), None);
    }
}
