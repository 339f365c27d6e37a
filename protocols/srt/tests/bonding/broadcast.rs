use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{CloseReason, Event, GroupKind, LegEnd, LegState};

use super::world::{MS, SECOND, Setup};

fn lossy(delay_millis: u32, loss: f64) -> LinkConfig {
    LinkConfig::delayed(delay_millis * MS).losing(Probability::new(loss))
}

fn setup(links: &[LinkConfig]) -> Setup {
    Setup::new(GroupKind::Broadcast, links, 300 * MS)
}

/// Every leg repeats its own losses, and the one that is left bears its own.
#[test]
fn nothing_is_lost_when_lossy_legs_lose_one_of_them_for_good() {
    for seed in 1..=5 {
        let mut world = Setup {
            seed,
            ..setup(&[lossy(20, 0.05), lossy(30, 0.10)])
        }
        .connect();
        world.publish();
        world.run_for(4 * SECOND);
        assert_eq!(world.states(), [LegState::Active; 2]);
        world.cut[0] = true;
        world.run_for(10 * SECOND);
        assert_eq!(world.states(), [LegState::Down, LegState::Active]);
        world.finish();
        assert_eq!(world.statistics().total.packets_send_dropped, 0);
    }
}

#[test]
fn both_legs_carry_every_packet_with_the_same_numbers() {
    let mut world = setup(&[lossy(20, 0.0), lossy(20, 0.0)]).connect();
    world.deliver_all(2 * SECOND);
    assert_eq!(world.data, [world.sent; 2]);
    let figures = world.server_statistics().total;
    assert_eq!(figures.packets_duplicate, world.sent);
    let total = world.statistics().total;
    assert_eq!(total.packets_sent_unique, world.sent);
    assert_eq!(total.packets_sent, 2 * world.sent);
    assert_eq!(total.bytes_acknowledged, world.sent * 1316);
}

#[test]
fn a_leg_that_was_cut_is_called_again_and_takes_part_from_where_the_stream_is() {
    let mut world = setup(&[lossy(20, 0.02), lossy(20, 0.0)]).connect();
    world.publish();
    world.run_for(2 * SECOND);
    world.cut[0] = true;
    world.run_until(10 * SECOND, |world| world.states()[0] == LegState::Down);
    let ended = world.legs()[0].ended;
    assert_eq!(ended, Some(LegEnd::Closed(CloseReason::Idle)));
    world.cut[0] = false;
    world.run_until(40 * SECOND, |world| world.states()[0] == LegState::Active);
    // The other leg may go now.
    let sent = world.sent;
    world.run_for(2 * SECOND);
    world.cut[1] = true;
    world.run_for(8 * SECOND);
    world.finish();
    let first = &world.server_legs()[0];
    assert!(first.statistics.total.packets_received_unique >= world.sent - sent - 100);
    let joined = |event: &&Event| matches!(event, Event::LegJoined { .. });
    assert_eq!(world.caller_events.iter().filter(joined).count(), 3);
    assert_eq!(world.closed(), None);
}

/// Nobody else has what the stalled leg took with it, and without too-late drop nothing else
/// ever lets go of it.
#[test]
fn without_too_late_drop_a_leg_that_comes_back_brings_what_a_stalled_one_still_owes() {
    let mut world = Setup {
        too_late_drop: false,
        ..setup(&[lossy(20, 0.0), lossy(20, 0.0)])
    }
    .connect();
    world.publish();
    world.run_for(2 * SECOND);
    world.cut[1] = true;
    world.run_until(10 * SECOND, |world| world.states()[1] == LegState::Down);
    world.cut = vec![true, false];
    world.run_until(4 * SECOND, |world| world.states()[1] == LegState::Active);
    assert_ne!(world.states()[0], LegState::Down, "not seen yet");
    world.run_until(10 * SECOND, |world| world.states()[0] == LegState::Down);
    // More than the group has room for.
    world.run_for(30 * SECOND);
    world.stop_publishing();
    world.run_for(3 * SECOND);
    assert_eq!(world.refused_sends, 0);
    assert!(
        world.delivered.iter().copied().eq(0..world.sent),
        "{:?}",
        world.missing()
    );
    assert_eq!(world.statistics().total.packets_send_dropped, 0);
}

/// It cannot be brought any more, however long the peer would wait for it.
#[test]
fn what_only_a_lost_leg_carried_is_let_go_of_with_it() {
    let mut world = Setup {
        latency: 20 * SECOND,
        ..setup(&[lossy(20, 0.0), lossy(20, 0.0)])
    }
    .connect();
    world.publish();
    world.run_for(2 * SECOND);
    world.cut[1] = true;
    world.run_until(10 * SECOND, |world| world.states()[1] == LegState::Down);
    world.cut = vec![true, false];
    world.run_until(4 * SECOND, |world| world.states()[1] == LegState::Active);
    world.run_until(10 * SECOND, |world| world.states()[0] == LegState::Down);
    let after = world.statistics();
    let dropped = after.total.packets_send_dropped;
    assert!(dropped > 100, "{dropped}");
    // The other leg still has all the rest to bring.
    let acknowledged = after.total.bytes_acknowledged / 1316;
    let waiting = after.instant.send_buffer_packets;
    assert_eq!(acknowledged + dropped + waiting, world.sent);
    let last = world.legs()[1].statistics.instant.send_buffer_packets;
    assert_eq!(waiting, last);
}

#[test]
fn legs_of_very_different_delay_make_one_stream() {
    let mut world = Setup {
        latency: 1200 * MS,
        ..setup(&[lossy(5, 0.10), lossy(120, 0.05)])
    }
    .connect();
    world.publish();
    world.run_for(3 * SECOND);
    world.cut[0] = true;
    world.run_for(8 * SECOND);
    world.cut[0] = false;
    world.run_for(15 * SECOND);
    world.finish();
}

#[test]
fn the_sequence_wraps_while_a_leg_is_away() {
    let mut world = Setup {
        first_sequence: Some((1 << 31) - 2000),
        passphrase: Some(b"correct horse battery"),
        ..setup(&[lossy(20, 0.05), lossy(30, 0.05)])
    }
    .connect();
    world.publish();
    world.run_for(2 * SECOND);
    world.cut[1] = true;
    world.run_until(10 * SECOND, |world| world.states()[1] == LegState::Down);
    world.cut[1] = false;
    world.run_until(40 * SECOND, |world| world.states()[1] == LegState::Active);
    world.run_for(SECOND);
    world.cut[0] = true;
    world.run_for(8 * SECOND);
    assert!(world.sent > 5000);
    world.finish();
    assert_eq!(world.server_statistics().total.packets_undecrypted, 0);
}

#[test]
fn legs_that_flap_in_turn_cost_nothing() {
    let mut world = setup(&[lossy(20, 0.02), lossy(40, 0.02), lossy(60, 0.02)]).connect();
    world.publish();
    for round in 0..40 {
        let leg = round % 3;
        world.cut[leg] = true;
        world.run_for(700 * MS);
        world.cut[leg] = false;
        world.run_for(300 * MS);
    }
    world.finish();
    assert_eq!(world.closed(), None);
}

#[test]
fn the_group_ends_with_its_last_leg() {
    let mut world = setup(&[lossy(20, 0.0), lossy(20, 0.0)]).connect();
    world.publish();
    world.run_for(SECOND);
    world.cut = vec![true; 2];
    world.run_until(10 * SECOND, |world| world.closed().is_some());
    assert_eq!(world.closed(), Some(CloseReason::Idle));
    // Its figures can still be asked for.
    assert!(world.statistics().total.packets_sent_unique > 400);
}

#[test]
fn closing_delivers_what_was_sent_and_tells_every_leg() {
    let mut world = setup(&[lossy(50, 0.05), lossy(50, 0.05)]).connect();
    world.publish();
    world.run_for(SECOND);
    world.stop_publishing();
    let group = world.group.unwrap();
    world.caller.close(world.now, group);
    world.run_until(5 * SECOND, |world| world.closed().is_some());
    assert_eq!(world.closed(), Some(CloseReason::Local));
    world.run_for(SECOND);
    assert!(world.delivered.iter().copied().eq(0..world.sent));
    let left = |event: &&Event| {
        let peer = CloseReason::Peer;
        matches!(event, Event::LegLeft { reason, .. } if *reason == peer)
    };
    assert_eq!(world.server_events.iter().filter(left).count(), 2);
    world.run_for(10 * SECOND);
    assert_eq!(world.caller.connection_count(), 0);
}
