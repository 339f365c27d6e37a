//! A bad network between a client's socket and its endpoint: what it loses and delays is
//! decided by a seed, each way for itself.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tidegate_netsim::{Chance, Link, LinkConfig, Probability};
use tidegate_units::Instant;

/// Datagrams under way in one direction: half a second of 200 Mbit/s. More are lost.
const UNDER_WAY_MAX: usize = 10_000;

/// Which share is lost each way, and for how long the rest is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conditions {
    pub(crate) loss_percent: f64,
    pub(crate) delay: Duration,
    pub(crate) seed: u64,
}

impl Conditions {
    /// Nothing is lost, nothing is delayed.
    pub(crate) fn is_clean(&self) -> bool {
        self.loss_percent <= 0.0 && self.delay.is_zero()
    }
}

/// Both directions of one client.
pub(crate) struct Impairment {
    pub(crate) incoming: Lane,
    pub(crate) outgoing: Lane,
}

impl Impairment {
    /// The client with this `number` has losses of its own.
    pub(crate) fn new(conditions: &Conditions, number: u64) -> Self {
        let lane = |direction| Lane::new(conditions, number * 2 + direction);
        Self {
            incoming: lane(0),
            outgoing: lane(1),
        }
    }

    /// When something arrives next.
    pub(crate) fn next_at(&self) -> Instant {
        self.incoming.next_at().min(self.outgoing.next_at())
    }
}

/// One direction.
pub(crate) struct Lane {
    link: Link,
    under_way: VecDeque<UnderWay>,
}

/// A datagram under way.
pub(crate) struct UnderWay {
    arrives: Instant,
    /// Whose it is: the sender where it comes in, the destination where it goes out.
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) bytes: Box<[u8]>,
}

impl Lane {
    fn new(conditions: &Conditions, stream: u64) -> Self {
        let loss = Probability::percent(conditions.loss_percent);
        let config = LinkConfig::delayed(conditions.delay).losing(loss);
        Self {
            link: Link::new(Chance::stream(conditions.seed, stream), config),
            under_way: VecDeque::new(),
        }
    }

    /// A datagram sets out.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        local: Option<IpAddr>,
        bytes: &[u8],
    ) {
        let arrival = self.link.send(now, bytes.len()).original;
        if let Some(arrival) = arrival
            && self.under_way.len() < UNDER_WAY_MAX
        {
            // All are delayed by the same, so they arrive in this order.
            self.under_way.push_back(UnderWay {
                arrives: arrival.at,
                peer,
                local,
                bytes: bytes.into(),
            });
        }
    }

    /// What has arrived by now.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<UnderWay> {
        self.under_way.pop_front_if(|first| first.arrives <= now)
    }

    fn next_at(&self) -> Instant {
        let first = self.under_way.front();
        first.map_or(Instant::FAR_FUTURE, |first| first.arrives)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(1_000_000);

    fn conditions(loss_percent: f64, delay_millis: u64) -> Conditions {
        Conditions {
            loss_percent,
            delay: Duration::from_millis(delay_millis),
            seed: 7,
        }
    }

    fn send(lane: &mut Lane, packets: usize) {
        for _ in 0..packets {
            lane.send(START, ([127, 0, 0, 1], 9).into(), None, &[1; 100]);
        }
    }

    fn arrived(lane: &mut Lane, now: Instant) -> usize {
        std::iter::from_fn(|| lane.arrived(now)).count()
    }

    #[test]
    fn a_delay_holds_everything_back_for_as_long_and_loses_nothing() {
        let mut impairment = Impairment::new(&conditions(0.0, 30), 0);
        send(&mut impairment.outgoing, 10);
        let due = START + Duration::from_millis(30);
        assert_eq!(impairment.next_at(), due);
        assert_eq!(arrived(&mut impairment.outgoing, START), 0);
        assert_eq!(arrived(&mut impairment.outgoing, due), 10);
        assert_eq!(impairment.next_at(), Instant::FAR_FUTURE);
    }

    #[test]
    fn losses_come_from_the_seed_and_differ_between_clients_and_directions() {
        let survivors = |number| {
            let mut impairment = Impairment::new(&conditions(20.0, 0), number);
            send(&mut impairment.incoming, 1000);
            send(&mut impairment.outgoing, 1000);
            let incoming = arrived(&mut impairment.incoming, START);
            (incoming, arrived(&mut impairment.outgoing, START))
        };
        let first = survivors(1);
        assert_eq!(first, survivors(1));
        assert_ne!(first, survivors(2));
        assert_ne!(first.0, first.1);
        assert!((700..900).contains(&first.0), "{first:?} of 1000");
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut impairment = Impairment::new(&conditions(0.0, 30), 0);
        send(&mut impairment.incoming, UNDER_WAY_MAX + 5);
        let all = arrived(&mut impairment.incoming, START + Duration::from_secs(1));
        assert_eq!(all, UNDER_WAY_MAX);
    }
}
