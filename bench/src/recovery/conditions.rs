//! The conditions under which recovery is measured: those of the simulator's tables.

use std::time::Duration;
use tidegate_netsim::{LinkConfig, Probability};

const ONE_WAY: Duration = Duration::from_millis(50);
/// Every real link has this much jitter; without any, libsrt's timers fall in step with the
/// round trip. It does not reorder: srt-live-transmit sends packets back to back.
const STEADY_JITTER: Duration = Duration::from_micros(500);
const WILD_JITTER: Duration = Duration::from_millis(20);

/// One row of the table.
pub(crate) struct Conditions {
    pub(crate) name: &'static str,
    pub(crate) link: LinkConfig,
    pub(crate) latency: Duration,
}

/// The path while a connection is made.
pub(crate) fn calm() -> LinkConfig {
    LinkConfig::delayed(ONE_WAY)
}

/// Every row.
pub(crate) fn all() -> Vec<Conditions> {
    let steady = || LinkConfig {
        jitter: STEADY_JITTER,
        ..calm()
    };
    let wild = || LinkConfig::delayed(ONE_WAY - WILD_JITTER / 2).jittering(WILD_JITTER);
    let mut rows = Vec::new();
    let mut row = |name, link, millis| {
        rows.push(Conditions {
            name,
            link,
            latency: Duration::from_millis(millis),
        });
    };
    for (name, percent) in [
        ("10 % random", 10.0),
        ("20 % random", 20.0),
        ("30 % random", 30.0),
    ] {
        for millis in [200, 300, 400] {
            row(name, steady().losing(Probability::percent(percent)), millis);
        }
    }
    let bursts = steady().losing_in_bursts(Probability::percent(10.0), 5.0);
    row("10 % in bursts of 5", bursts, 300);
    let lossy = wild().losing(Probability::percent(5.0));
    row("0–20 ms reordering jitter, 5 % loss", lossy, 300);
    row("0–20 ms reordering jitter, no loss", wild(), 300);
    rows
}
