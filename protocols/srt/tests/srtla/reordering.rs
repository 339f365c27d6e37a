use std::time::Duration;

use super::world::{MS, SECOND, World};

/// Packets repeated needlessly, per hundred, over links with these delays and no loss.
fn needless_percent(delays: &[Duration], latency: Duration) -> f64 {
    let mut world = World::publishing(delays, latency);
    world.run_for(30 * SECOND);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
    let total = world.statistics().total;
    let repeated = total.packets_received_retransmitted as f64;
    100.0 * repeated / world.phones[0].sent as f64
}

#[test]
fn links_30_and_80_ms_away_cause_almost_no_needless_repeats() {
    assert!(needless_percent(&[30 * MS, 80 * MS], 2 * SECOND) < 0.5);
}

#[test]
fn links_that_differ_by_200_ms_cause_almost_no_needless_repeats() {
    assert!(needless_percent(&[30 * MS, 230 * MS], 2 * SECOND) < 2.0);
}

#[test]
fn three_links_at_half_a_second_of_latency_stay_calm() {
    assert!(needless_percent(&[20 * MS, 45 * MS, 70 * MS], 500 * MS) < 1.0);
}
