//! On which shard a new connection comes to live.
//!
//! ```text
//!  conclusion, cookie ok ─▶ kernel's hash ─▶ some shard ─┬─ best for one more itself: stays
//!                                                        └─ else: handed over, and repeats
//!                                                           of it follow
//!  everything later ──────▶ names our socket ID, and with it the shard
//! ```
//!
//! The kernel spreads strangers by a hash of their addresses, unevenly when they are few; and
//! callers that share a socket, as another Tidegate's pushes do, all land on one shard. The
//! answer's socket ID steers what follows, so the one moment to choose is the conclusion.
//!
//! The first few share a shard while it is not busy: a stream that is passed on from one to
//! another wakes both for every packet. Those after them go where the fewest are.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_srt::SocketId;
use tidegate_units::Instant;

use super::door::Door;

/// Callers of one port and shard that have been sent elsewhere lately; beyond that they stay.
pub const PLACED_MAX: usize = 4096;
/// How much longer repeats of a conclusion follow the first than a request waits for its
/// decision: for the way there, and for a caller to understand the answer.
const PLACED_LONGER: Duration = Duration::from_secs(4);

/// What tells one caller from another before there is a connection.
type Caller = (SocketAddr, SocketId);

/// Where a datagram belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) shard: usize,
    /// It is one connection more, which the shard has been told to expect.
    pub(super) is_expected: bool,
}

impl Owner {
    /// The shard that has its connection, or what becomes one, already.
    pub(super) const fn settled(shard: usize) -> Self {
        Self {
            shard,
            is_expected: false,
        }
    }
}

/// Callers of one port that this shard has sent to others.
#[derive(Debug)]
pub(super) struct Placement {
    placed_for: Duration,
    placed: HashMap<Caller, u8>,
    /// In the order they were placed, with the moment they are forgotten.
    order: VecDeque<(Instant, Caller)>,
}

impl Placement {
    /// For a port whose requests wait this long for their decision.
    pub(super) fn new(request_lifetime: Duration) -> Self {
        Self {
            placed_for: request_lifetime + PLACED_LONGER,
            placed: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The shard for a caller that `here` has not got: the one it was placed on before, or
    /// the best for one more now.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        caller: Caller,
        here: &Door,
        doors: &[Arc<Door>],
    ) -> Owner {
        while let Some((_, caller)) = self.order.pop_front_if(|(end, _)| *end <= now) {
            self.placed.remove(&caller);
        }
        if let Some(shard) = self.placed.get(&caller) {
            return Owner::settled(usize::from(*shard));
        }
        let best = best_for_one_more(doors, usize::from(here.index()));
        let stays = best.index() == here.index() || self.placed.len() >= PLACED_MAX;
        let owner = if stays { here } else { best };
        owner.expect_one();
        if !stays {
            self.placed.insert(caller, owner.index());
            self.order.push_back((now + self.placed_for, caller));
        }
        Owner {
            shard: usize::from(owner.index()),
            is_expected: true,
        }
    }
}

/// The first shard that takes company, else the one with the fewest connections; of several,
/// the first from `first` on.
pub(crate) fn best_for_one_more(doors: &[Arc<Door>], first: usize) -> &Arc<Door> {
    if let Some(company) = doors.iter().find(|door| door.takes_company()) {
        return company;
    }
    let rotated = (0..doors.len()).map(|step| &doors[(first + step) % doors.len()]);
    rotated.min_by_key(|door| door.load()).unwrap_or(&doors[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST_LIFETIME: Duration = Duration::from_secs(11);

    fn doors(loads: &[usize]) -> Vec<Arc<Door>> {
        packing(0, loads)
    }

    fn packing(packed_connections: usize, loads: &[usize]) -> Vec<Arc<Door>> {
        let door = |(index, load): (usize, &usize)| {
            let door = Door::new(index, packed_connections).expect("a door");
            door.set_load(*load, 0);
            door
        };
        loads.iter().enumerate().map(door).collect()
    }

    fn caller(number: u16) -> Caller {
        (([192, 0, 2, 1], 4000).into(), SocketId::new(number.into()))
    }

    #[test]
    fn callers_go_where_the_fewest_connections_are_and_stay_if_that_is_here() {
        let doors = doors(&[2, 2, 0]);
        let mut placement = Placement::new(REQUEST_LIFETIME);
        let mut placed = |number| {
            placement
                .choose(Instant::ZERO, caller(number), &doors[0], &doors)
                .shard
        };
        // Those on their way count: a burst is spread although nobody has taken it in yet.
        assert_eq!([placed(1), placed(2)], [2, 2]);
        assert_eq!(placed(3), 0, "all the same: no need to move");
        assert_eq!(
            [placed(4), placed(5)],
            [1, 2],
            "those that stay count as well"
        );
    }

    #[test]
    fn the_first_few_share_a_shard_and_the_others_are_spread() {
        let doors = packing(3, &[0, 0]);
        let mut placement = Placement::new(REQUEST_LIFETIME);
        let mut placed = |number| {
            placement
                .choose(Instant::ZERO, caller(number), &doors[1], &doors)
                .shard
        };
        assert_eq!([1, 2, 3].map(&mut placed), [0, 0, 0]);
        assert_eq!([4, 5, 6].map(&mut placed), [1, 1, 1]);
        let mut others = [7, 8, 9, 10].map(&mut placed);
        others.sort_unstable();
        assert_eq!(others, [0, 0, 1, 1]);
    }

    #[test]
    fn a_shard_that_carries_much_takes_no_company_until_its_connections_have_gone() {
        let doors = packing(12, &[2, 0]);
        let chosen = || best_for_one_more(&doors, 0).index();
        doors[0].set_rate(30_000);
        assert_eq!(chosen(), 0);
        doors[0].set_rate(30_001);
        assert_eq!(chosen(), 1);
        doors[0].set_load(0, 0);
        assert_eq!(chosen(), 0, "what it carried went with them");
    }

    #[test]
    fn a_repeated_conclusion_goes_where_the_first_went() {
        let doors = doors(&[1, 0]);
        let mut placement = Placement::new(REQUEST_LIFETIME);
        let mut placed = |millis, number| {
            placement
                .choose(
                    Instant::from_millis(millis),
                    caller(number),
                    &doors[0],
                    &doors,
                )
                .shard
        };
        assert_eq!(placed(0, 1), 1);
        doors[1].set_load(9, 1);
        assert_eq!(placed(250, 1), 1);
        assert_eq!(placed(250, 2), 0);
        assert_eq!(placed(11_000, 1), 1, "there it may still wait");
        assert_eq!(placed(15_000, 1), 0, "the first is long over");
    }

    #[test]
    fn when_too_many_are_on_their_way_callers_stay_where_they_are() {
        let doors = doors(&[1_000_000, 0]);
        let mut placement = Placement::new(REQUEST_LIFETIME);
        let mut placed = |number| {
            placement
                .choose(Instant::ZERO, caller(number), &doors[0], &doors)
                .shard
        };
        let limit = u16::try_from(PLACED_MAX).expect("a small number");
        assert!((0..limit).all(|number| placed(number) == 1));
        assert_eq!(placed(limit), 0);
        assert_eq!(placement.order.len(), PLACED_MAX);
    }
}
