use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{
    CallerConfig, ConnectError, ConnectionConfig, Event, GroupCall, GroupKind, LegCall, LegEnd,
    LegState, RejectReason,
};

use super::world::{MS, SECOND, SERVER, Setup, World};

fn setup(legs: usize) -> Setup {
    let link = LinkConfig::delayed(20 * MS);
    Setup::new(GroupKind::Broadcast, &vec![link; legs], 200 * MS)
}

fn refusals(world: &World) -> Vec<RejectReason> {
    let refused = |event: &Event| match event {
        Event::Refused { reason, .. } => Some(*reason),
        _ => None,
    };
    world.caller_events.iter().filter_map(refused).collect()
}

#[test]
fn the_group_is_connected_with_its_first_leg_and_the_others_may_come_later() {
    let mut world = World::silent(setup(2));
    world.cut[0] = true;
    world.call();
    world.run_until(2 * SECOND, |world| world.states()[1] != LegState::Down);
    world.publish();
    world.run_for(4 * SECOND);
    let first = &world.legs()[0];
    assert_eq!(first.state, LegState::Down);
    assert_eq!(first.ended, Some(LegEnd::Refused(RejectReason::Timeout)));
    world.cut[0] = false;
    world.run_until(40 * SECOND, |world| world.states() == [LegState::Active; 2]);
    world.finish();
}

#[test]
fn a_group_that_reaches_nobody_is_refused_once_and_gone() {
    let mut world = World::silent(setup(3));
    world.cut = vec![true; 3];
    world.call();
    world.run_for(20 * SECOND);
    assert_eq!(refusals(&world), [RejectReason::Timeout]);
    assert_eq!(world.caller.connection_count(), 0);
    assert_eq!(world.caller.poll_timeout(), None);
}

#[test]
fn the_reason_that_says_most_is_given() {
    let mut world = World::silent(setup(2));
    world.cut[0] = true;
    world.refuses = Some(RejectReason::WrongPassphrase);
    world.call();
    world.run_for(20 * SECOND);
    assert_eq!(refusals(&world).len(), 1);
    assert_ne!(refusals(&world), [RejectReason::Timeout]);
}

#[test]
fn pauses_between_calls_of_a_lost_leg_grow() {
    let mut world = setup(2).connect();
    world.publish();
    world.cut[0] = true;
    world.run_for(120 * SECOND);
    let refused = |event: &&Event| matches!(event, Event::LegRefused { .. });
    let calls = world.caller_events.iter().filter(refused).count();
    // Pauses of 1, 2, 4, 8, 16 and 30 s, and 3 s of ringing each.
    assert!((5..=8).contains(&calls), "{calls}");
    world.finish();
}

#[test]
fn closing_before_anybody_answered_ends_it_at_once() {
    let mut world = World::silent(setup(2));
    world.cut = vec![true; 2];
    world.call();
    world.run_for(100 * MS);
    let group = world.group.unwrap();
    world.caller.close(world.now, group);
    world.run_for(MS);
    assert!(world.closed().is_some());
    assert_eq!(world.caller.connection_count(), 0);
}

#[test]
fn a_leg_that_a_second_server_answers_is_not_taken() {
    let mut world = setup(2).connect();
    world.publish();
    world.run_for(SECOND);
    // A server that was restarted does not know the group any more.
    let mut fresh = World::silent(setup(2));
    std::mem::swap(&mut world.server, &mut fresh.server);
    world.run_for(2 * SECOND);
    let joined = |event: &&Event| matches!(event, Event::LegJoined { .. });
    assert_eq!(world.caller_events.iter().filter(joined).count(), 2);
    world.run_until(10 * SECOND, |world| world.closed().is_some());
}

#[test]
fn what_no_group_can_be_is_refused_at_once() {
    let mut world = World::silent(setup(1));
    let leg = LegCall {
        remote: SERVER,
        weight: 0,
        way: 0,
    };
    let mut connect = |legs: usize, caller| {
        let call = GroupCall::new(GroupKind::Backup, vec![leg; legs], caller);
        world.caller.connect_group(world.now, call)
    };
    let count = |legs| Err(ConnectError::LegCount { legs, limit: 8 });
    assert_eq!(connect(0, CallerConfig::default()), count(0));
    assert_eq!(connect(9, CallerConfig::default()), count(9));
    let rendezvous = CallerConfig {
        rendezvous: true,
        ..CallerConfig::default()
    };
    assert_eq!(connect(1, rendezvous), Err(ConnectError::NotInGroup));
    let filter = CallerConfig {
        connection: ConnectionConfig {
            packet_filter: Some("fec,cols:5".parse().unwrap()),
            ..ConnectionConfig::default()
        },
        ..CallerConfig::default()
    };
    assert_eq!(connect(1, filter), Err(ConnectError::NotInGroup));
}

#[test]
fn handshakes_that_get_lost_are_repeated() {
    let link = LinkConfig::delayed(20 * MS).losing(Probability::new(0.3));
    for seed in 1..=10 {
        let mut world = Setup {
            seed,
            ..Setup::new(
                GroupKind::Broadcast,
                &[link.clone(), link.clone()],
                1200 * MS,
            )
        }
        .connect();
        world.publish();
        world.run_for(SECOND);
        assert_eq!(world.closed(), None);
    }
}
