use std::time::Duration;

use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{GroupKind, LegState};

use super::world::{MS, SECOND, Setup, World};

fn lossy(delay_millis: u32, loss: f64) -> LinkConfig {
    LinkConfig::delayed(delay_millis * MS).losing(Probability::new(loss))
}

fn setup(links: &[LinkConfig], latency: Duration) -> Setup {
    Setup::new(GroupKind::Backup, links, latency)
}

/// A group whose first leg carries the stream and is stable.
fn settled(setup: Setup) -> World {
    let mut world = setup.connect();
    world.publish();
    world.run_for(2 * SECOND);
    world
}

#[test]
fn only_the_heaviest_leg_carries_the_stream() {
    let links = [lossy(20, 0.0), lossy(20, 0.0), lossy(20, 0.0)];
    let weights = vec![1, 50, 7];
    let mut world = settled(Setup {
        weights,
        ..setup(&links, 400 * MS)
    });
    use LegState::{Active, Idle};
    assert_eq!(world.states(), [Idle, Active, Idle]);
    world.finish();
    assert_eq!(world.data, [0, world.sent, 0]);
}

#[test]
fn nothing_is_lost_when_the_active_leg_is_cut() {
    for seed in 1..=5 {
        let links = [lossy(20, 0.0), lossy(40, 0.0)];
        let mut world = settled(Setup {
            seed,
            ..setup(&links, 400 * MS)
        });
        world.run_for(seed as u32 * 37 * MS);
        world.cut[0] = true;
        world.run_for(200 * MS);
        assert_eq!(world.states(), [LegState::Unstable, LegState::Active]);
        world.run_for(6 * SECOND);
        assert_eq!(world.states(), [LegState::Down, LegState::Active]);
        world.finish();
        assert_eq!(world.server_statistics().total.packets_dropped, 0);
    }
}

/// Silence shows after 60 ms on a short way; then what was lost goes over the other.
#[test]
fn the_standby_is_active_sixty_milliseconds_after_the_last_answer() {
    let mut world = settled(setup(&[lossy(5, 0.0), lossy(5, 0.0)], 400 * MS));
    world.cut[0] = true;
    let cut_at = world.now;
    world.run_until(SECOND, |world| world.data[1] > 0);
    let took = world.now.saturating_since(cut_at);
    // The last answer was up to an acknowledgement's interval and the way before.
    assert!((45 * MS..=65 * MS).contains(&took), "{took:?}");
    world.finish();
}

#[test]
fn lossy_legs_of_long_delay_lose_nothing_at_twice_the_latency() {
    for seed in 1..=5 {
        let links = [lossy(60, 0.05), lossy(80, 0.05)];
        let mut world = settled(Setup {
            seed,
            ..setup(&links, 1000 * MS)
        });
        world.cut[0] = true;
        world.run_for(8 * SECOND);
        world.finish();
    }
}

#[test]
fn the_heavier_leg_takes_over_again_and_the_other_falls_silent() {
    let mut world = settled(setup(&[lossy(20, 0.0), lossy(20, 0.0)], 400 * MS));
    world.cut[0] = true;
    world.run_until(10 * SECOND, |world| world.states()[0] == LegState::Down);
    world.cut[0] = false;
    use LegState::{Active, Idle};
    world.run_until(40 * SECOND, |world| world.states() == [Active, Idle]);
    let (data, sent) = (world.data.clone(), world.sent);
    world.run_for(3 * SECOND);
    assert_eq!(world.data[1], data[1]);
    assert_eq!(world.data[0] - data[0], world.sent - sent);
    // The peer sees the same.
    let mut seen = world.server_legs();
    seen.sort_by_key(|leg| core::cmp::Reverse(leg.weight));
    let seen: Vec<_> = seen.iter().map(|leg| leg.state).collect();
    assert_eq!(seen, [Active, Idle]);
    world.finish();
}

#[test]
fn a_leg_that_stalls_for_a_moment_is_trusted_again_after_four_latencies() {
    let mut world = settled(setup(&[lossy(20, 0.0), lossy(20, 0.0)], 400 * MS));
    world.cut[0] = true;
    world.run_for(300 * MS);
    world.cut[0] = false;
    world.run_for(SECOND);
    // Both carry the stream meanwhile.
    use LegState::{Active, Idle};
    assert_eq!(world.states(), [Active, Active]);
    world.run_until(3 * SECOND, |world| world.states() == [Active, Idle]);
    world.run_for(SECOND);
    assert_eq!(world.states(), [Active, Idle]);
    world.finish();
    assert_eq!(world.server_legs().len(), 2);
}

#[test]
fn flapping_legs_cost_nothing() {
    let mut world = settled(setup(&[lossy(20, 0.01), lossy(30, 0.01)], 800 * MS));
    for round in 0..30 {
        let leg = round % 2;
        world.cut[leg] = true;
        world.run_for(500 * MS);
        world.cut[leg] = false;
        world.run_for(900 * MS);
    }
    world.finish();
    assert_eq!(world.closed(), None);
}

#[test]
fn the_sequence_wraps_while_a_leg_takes_over() {
    for before in [5, 60, 700, 1005, 1040] {
        let mut world = settled(Setup {
            first_sequence: Some((1 << 31) - before),
            passphrase: Some(b"correct horse battery"),
            ..setup(&[lossy(20, 0.02), lossy(40, 0.02)], 600 * MS)
        });
        world.cut[0] = true;
        world.run_for(7 * SECOND);
        world.cut[0] = false;
        world.run_for(10 * SECOND);
        world.finish();
        assert_eq!(world.server_statistics().total.packets_undecrypted, 0);
    }
}

#[test]
fn a_stream_that_pauses_does_not_make_its_leg_look_dead() {
    let mut world = settled(setup(&[lossy(20, 0.0), lossy(20, 0.0)], 400 * MS));
    for _ in 0..5 {
        world.stop_publishing();
        world.run_for(1500 * MS);
        world.publish();
        world.run_for(500 * MS);
    }
    world.finish();
    assert_eq!(world.data[1], 0);
}

#[test]
fn legs_of_one_weight_take_turns_only_when_one_fails() {
    let mut world = settled(Setup {
        weights: vec![3, 3],
        ..setup(&[lossy(20, 0.0), lossy(20, 0.0)], 400 * MS)
    });
    assert_eq!(world.data[1], 0);
    world.cut[0] = true;
    world.run_for(10 * SECOND);
    world.cut[0] = false;
    world.run_for(20 * SECOND);
    let before = world.data[0];
    world.run_for(5 * SECOND);
    assert_eq!(world.data[0], before);
    world.finish();
}

/// The leg that is closed owes answers, and nobody judges it for that any more.
#[test]
fn a_group_that_is_closed_while_its_leg_is_dead_sleeps_until_it_ends() {
    let mut world = settled(setup(&[lossy(20, 0.0), lossy(20, 0.0)], 400 * MS));
    world.cut = vec![true; 2];
    world.run_for(50 * MS);
    world.stop_publishing();
    let group = world.group.unwrap();
    world.caller.close(world.now, group);
    world.run_for(20 * SECOND);
    assert!(world.closed().is_some());
    assert_eq!(world.caller.connection_count(), 0);
}
