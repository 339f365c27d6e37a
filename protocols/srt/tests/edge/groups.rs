use crate::handmade::{cookie, induction, leg};
use crate::link::{endpoint, sent};
use std::net::SocketAddr;
use tidegate_srt::wire::GroupExtension;
use tidegate_srt::{ConnectionConfig, Decision, Endpoint, EndpointLimits, Event, GroupCounters};
use tidegate_units::{Duration, Instant};

const GROUPS_MAX: u64 = 4096;
const LEGS_MAX: u64 = 8;

/// A listener that is called by many groups of one leg, and later by more legs.
struct Crowd {
    listener: Endpoint,
    now: Instant,
    callers: u32,
}

impl Crowd {
    fn new() -> Self {
        Self {
            listener: endpoint(true, 0, EndpointLimits::default()),
            now: Instant::from_millis(1000),
            callers: 0,
        }
    }

    /// Somebody new asks to be a leg of this group.
    fn call(&mut self, group: u32, joins: bool) {
        self.callers += 1;
        let [.., high, low] = self.callers.to_be_bytes();
        let from = SocketAddr::from(([198, 18, high, low], 9000));
        self.now += Duration::from_millis(2);
        let listener = &mut self.listener;
        listener.handle_datagram(self.now, from, None, &induction(self.callers));
        let cookie = cookie(&sent(listener, self.now).last().unwrap().1);
        let group = GroupExtension {
            group: GroupExtension::ID_BIT | group,
            kind: GroupExtension::BROADCAST,
            flags: 0,
            weight: 0,
        };
        let conclusion = leg(self.callers, cookie, group);
        listener.handle_datagram(self.now, from, None, &conclusion);
        while let Some(event) = listener.poll_event() {
            if let Event::Request(request) = event {
                let (keys, config) = (None, patient());
                let decision = if joins {
                    Decision::Join { keys, config }
                } else {
                    Decision::Accept { keys, config }
                };
                listener.decide(self.now, request.id, decision);
            }
        }
        sent(listener, self.now);
    }

    fn counters(&self) -> GroupCounters {
        self.listener.counters().groups
    }
}

fn patient() -> ConnectionConfig {
    ConnectionConfig {
        idle_timeout: Duration::from_secs(3600),
        ..ConnectionConfig::default()
    }
}

#[test]
fn groups_beyond_the_limit_are_refused_and_counted() {
    let mut crowd = Crowd::new();
    for group in 0..4100 {
        crowd.call(group, false);
    }
    let counters = crowd.counters();
    assert_eq!((counters.groups, counters.legs), (GROUPS_MAX, GROUPS_MAX));
    assert_eq!(counters.groups_refused, 4);
    assert_eq!(crowd.listener.connection_count() as u64, GROUPS_MAX);
    // Those that are there may still grow.
    crowd.call(0, true);
    assert_eq!(crowd.counters().legs, GROUPS_MAX + 1);
}

#[test]
fn legs_beyond_the_limit_are_refused_and_counted() {
    let mut crowd = Crowd::new();
    crowd.call(7, false);
    for _ in 1..LEGS_MAX + 3 {
        crowd.call(7, true);
    }
    let expected = GroupCounters {
        groups: 1,
        legs: LEGS_MAX,
        groups_refused: 0,
        legs_refused: 3,
    };
    assert_eq!(crowd.counters(), expected);
}
