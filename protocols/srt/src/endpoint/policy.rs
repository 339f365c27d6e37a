use super::limiter::{AddressBuckets, Bucket, Rate};
use crate::config::EndpointLimits;
use core::net::IpAddr;
use std::collections::BTreeMap;
use tidegate_units::Instant;

/// Oddities reported to the journal per second, and at once.
const ODD: Rate = Rate {
    per_second: 5,
    burst: 20,
};
/// Failures forgiven at once, as a multiple of the rate.
const FAILURE_BURST: u32 = 4;

/// What strangers may cost, by address and in sum.
#[derive(Debug)]
pub(crate) struct Policy {
    inductions: Bucket,
    induction_rate: Rate,
    inductions_by_address: AddressBuckets,
    requests: Bucket,
    request_rate: Rate,
    requests_by_address: AddressBuckets,
    failures_by_address: AddressBuckets,
    registrations: Bucket,
    registration_rate: Rate,
    registrations_by_address: AddressBuckets,
    odd: Bucket,
    connections_by_address: BTreeMap<IpAddr, usize>,
}

const fn one_second(per_second: u32) -> Rate {
    Rate {
        per_second,
        burst: per_second,
    }
}

impl Policy {
    pub(crate) fn new(now: Instant, limits: &EndpointLimits, key: (u64, u64)) -> Self {
        let induction_rate = one_second(limits.inductions_per_second);
        let request_rate = one_second(limits.requests_per_second);
        let failures = limits.failures_per_second_per_address;
        let failure_rate = Rate {
            per_second: failures,
            burst: failures * FAILURE_BURST,
        };
        let inductions_by_address = one_second(limits.inductions_per_second_per_address);
        let requests_by_address = one_second(limits.requests_per_second_per_address);
        let registration_rate = one_second(limits.registrations_per_second);
        let registrations_by_address = one_second(limits.registrations_per_second_per_address);
        Self {
            registrations: Bucket::full(now, registration_rate),
            registration_rate,
            registrations_by_address: AddressBuckets::new(registrations_by_address, key),
            inductions: Bucket::full(now, induction_rate),
            induction_rate,
            inductions_by_address: AddressBuckets::new(inductions_by_address, key),
            requests: Bucket::full(now, request_rate),
            request_rate,
            requests_by_address: AddressBuckets::new(requests_by_address, key),
            failures_by_address: AddressBuckets::new(failure_rate, key),
            odd: Bucket::full(now, ODD),
            connections_by_address: BTreeMap::new(),
        }
    }

    /// Whether an induction may be answered.
    pub(crate) fn admit_induction(&mut self, now: Instant, address: IpAddr) -> bool {
        self.inductions_by_address.take(now, address)
            && self.inductions.take(now, self.induction_rate)
    }

    /// Whether a new request may be handed on.
    pub(crate) fn admit_request(&mut self, now: Instant, address: IpAddr) -> bool {
        self.failures_by_address.has(now, address)
            && self.requests_by_address.take(now, address)
            && self.requests.take(now, self.request_rate)
    }

    /// Whether an SRTLA registration may be answered: not for an address whose requests keep
    /// failing.
    pub(crate) fn admit_registration(&mut self, now: Instant, address: IpAddr) -> bool {
        self.failures_by_address.has(now, address)
            && self.registrations_by_address.take(now, address)
            && self.registrations.take(now, self.registration_rate)
    }

    /// A request from this (proved) address was refused.
    pub(crate) fn on_failure(&mut self, now: Instant, address: IpAddr) {
        // Any number may have been under way at once, so this may go into debt.
        self.failures_by_address.charge(now, address);
    }

    /// Whether an oddity may go to the journal.
    pub(crate) fn admit_odd(&mut self, now: Instant) -> bool {
        self.odd.take(now, ODD)
    }

    pub(crate) fn connections(&self, address: IpAddr) -> usize {
        self.connections_by_address
            .get(&address)
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn on_connected(&mut self, address: IpAddr) {
        *self.connections_by_address.entry(address).or_default() += 1;
    }

    pub(crate) fn on_ended(&mut self, address: IpAddr) {
        if let Some(count) = self.connections_by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.connections_by_address.remove(&address);
            }
        }
    }
}
