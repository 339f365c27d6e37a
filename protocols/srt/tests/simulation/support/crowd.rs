use core::time::Duration;
use std::net::SocketAddr;

use tidegate_netsim::{Chance, LinkConfig};
use tidegate_srt::{ConnectionId, Endpoint, Event};
use tidegate_units::Instant;

use super::node::Node;
use super::pair::{Scenario, listener_address};
use super::world::World;

/// One listener and many callers, each with an address of its own.
pub struct Crowd {
    pub world: World,
    scenario: Scenario,
    callers: u32,
}

pub const LISTENER: usize = 0;

impl Crowd {
    /// Nobody has called yet. Node 0 is the listener, the callers follow.
    pub fn new(scenario: Scenario, callers: u32, address: fn(u32) -> SocketAddr) -> Self {
        let mut world = World::new(scenario.seed, scenario.to_listener.clone());
        let mut chance = Chance::stream(scenario.seed, u64::MAX);
        let admission = scenario.admission();
        for number in 0..=callers {
            let listens = number == 0;
            let at = if listens { address(0) } else { address(number) };
            let clock = if listens {
                scenario.listener_clock
            } else {
                scenario.caller_clock
            };
            let config = scenario.endpoint_config(&mut chance, listens);
            let endpoint = Endpoint::new(clock.local(Instant::ZERO), config);
            world.add(Node::new(at, clock, endpoint, admission.clone()));
        }
        Self {
            world,
            scenario,
            callers,
        }
    }

    /// Each caller calls, `apart` after the one before.
    pub fn call(&mut self, apart: Duration) {
        let to = self.world.nodes[LISTENER].address;
        for number in self.callers() {
            let config = self.scenario.caller_config(None);
            self.world.with(number, |node, now| {
                let id = node
                    .endpoint
                    .connect(now, to, config)
                    .expect("a call can be made");
                node.peers.push((id, to));
            });
            self.world.run_for(apart);
        }
    }

    pub fn callers(&self) -> core::ops::RangeInclusive<usize> {
        1..=self.callers as usize
    }

    /// A caller's end of its connection.
    pub fn id(&self, caller: usize) -> ConnectionId {
        let events = &self.world.nodes[caller].events;
        let connected = events.iter().find_map(|(_, event)| match event {
            Event::Connected { id, .. } => Some(*id),
            _ => None,
        });
        connected.expect("the caller is connected")
    }

    /// The listener's end of a caller's connection.
    pub fn listener_id(&self, caller: usize) -> ConnectionId {
        let address = self.world.nodes[caller].address;
        let peers = &self.world.nodes[LISTENER].peers;
        let found = peers.iter().find(|(_, peer)| *peer == address);
        found.expect("the listener knows the caller").0
    }

    pub fn set_link(&mut self, from: usize, to: usize, link: LinkConfig) {
        let (from, to) = (self.world.nodes[from].address, self.world.nodes[to].address);
        self.world.network.configure(from, to, link);
    }
}

pub fn ipv4(number: u32) -> SocketAddr {
    if number == 0 {
        return listener_address();
    }
    let [_, high, middle, low] = number.to_be_bytes();
    SocketAddr::from(([10, 1 + high, middle, low], 40_000))
}

pub fn ipv6(number: u32) -> SocketAddr {
    let [a, b] = [(number >> 16) as u16, number as u16];
    SocketAddr::from(([0x2001, 0xDB8, 0, 0, 0, 0, a, b], 9_000))
}
