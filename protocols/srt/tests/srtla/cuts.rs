use tidegate_netsim::{LinkConfig, Loss, Probability};
use tidegate_srt::srtla::LinkState;

use super::world::{MS, SECOND, World};

#[test]
fn a_feed_over_two_links_arrives_whole_and_both_carry_their_share() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    world.run_for(20 * SECOND);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
    for link in world.links() {
        assert_eq!(link.state, LinkState::Active);
        assert!(link.packets > 3000, "{link:?}");
    }
    for link in 0..2 {
        let figures = world.phones[0].sender.figures(link);
        assert!(figures.acknowledged + 20 > figures.sent, "{figures:?}");
        assert!(figures.keepalives > 15, "{figures:?}");
        assert!(figures.srt_acks > 1000, "{figures:?}");
    }
}

#[test]
fn a_phone_that_loses_one_of_two_links_keeps_the_feed_whole() {
    let mut world = World::publishing(&[30 * MS, 50 * MS], 2 * SECOND);
    world.run_for(5 * SECOND);
    world.phones[0].cut[1] = true;
    world.run_for(6 * SECOND);
    assert_eq!(world.states(), [LinkState::Active, LinkState::Silent]);
    world.run_for(9 * SECOND);
    assert_eq!(world.states(), [LinkState::Active, LinkState::Lost]);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
    assert_eq!(world.statistics().total.packets_dropped, 0);
    assert_eq!(world.server.counters().srtla.links_lost, 1);
}

#[test]
fn a_link_that_comes_back_at_another_address_carries_again() {
    let mut world = World::publishing(&[30 * MS, 50 * MS], 2 * SECOND);
    world.run_for(5 * SECOND);
    world.phones[0].cut[1] = true;
    world.run_for(12 * SECOND);
    let new = "203.0.113.9:61000".parse().unwrap();
    world.phones[0].addresses[1] = new;
    world.phones[0].cut[1] = false;
    let now = world.now;
    world.phones[0].sender.renew(now, 1);
    world.run_for(10 * SECOND);
    // The one that was lost is not shown beside its successor.
    assert_eq!(world.states(), [LinkState::Active, LinkState::Active]);
    let links = world.links();
    assert_eq!(links[1].address, new);
    assert!(links[1].packets > 500, "{links:?}");
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_link_whose_address_changes_on_the_way_joins_again_without_breaking_the_feed() {
    let mut world = World::publishing(&[30 * MS, 50 * MS], 2 * SECOND);
    world.run_for(5 * SECOND);
    // A router has given it another port; the sender does not know.
    let new = "10.20.0.2:55555".parse().unwrap();
    world.phones[0].addresses[1] = new;
    world.run_for(12 * SECOND);
    assert_eq!(world.states(), [LinkState::Active, LinkState::Active]);
    assert_eq!(world.links()[1].address, new);
    assert_eq!(world.phones[0].sender.refusals(), 0);
    assert_eq!(world.server.counters().srtla.bundles_opened, 1);
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_link_that_comes_back_at_another_address_at_once_leaves_no_loss_behind() {
    let mut world = World::publishing(&[30 * MS, 50 * MS], 2 * SECOND);
    world.run_for(5 * SECOND);
    world.phones[0].cut[1] = true;
    world.run_for(5 * SECOND);
    world.phones[0].addresses[1] = "203.0.113.9:61000".parse().unwrap();
    world.phones[0].cut[1] = false;
    let now = world.now;
    world.phones[0].sender.renew(now, 1);
    for _ in 0..10 {
        world.run_for(SECOND);
        assert_eq!(world.states(), [LinkState::Active, LinkState::Active]);
    }
    world.finish(3 * SECOND);
    world.assert_all_delivered();
}

#[test]
fn a_feed_survives_loss_on_both_links_while_one_is_cut() {
    let mut world = World::publishing(&[30 * MS, 80 * MS], 2 * SECOND);
    for (link, delay) in [(0, 30 * MS), (1, 80 * MS)] {
        let lossy = LinkConfig {
            loss: Loss::Random(Probability::percent(3.0)),
            ..LinkConfig::delayed(delay)
        };
        let address = world.phones[0].addresses[link];
        world
            .network
            .configure(address, super::world::SERVER, lossy.clone());
        world
            .network
            .configure(super::world::SERVER, address, lossy);
    }
    world.run_for(10 * SECOND);
    world.phones[0].cut[0] = true;
    world.run_for(10 * SECOND);
    world.finish(3 * SECOND);
    // Until the sender has given the dead link up it sends some repeats over it, too.
    let (sent, delivered) = (world.phones[0].sent, world.delivered.len() as u64);
    assert!(world.delivered.is_sorted());
    assert!(delivered + 5 >= sent, "{delivered} of {sent}");
}

#[test]
fn a_sender_whose_links_are_all_cut_is_forgotten() {
    let mut world = World::publishing(&[30 * MS, 30 * MS], 2 * SECOND);
    world.run_for(2 * SECOND);
    world.phones[0].cut = vec![true, true];
    world.run_for(12 * SECOND);
    let srtla = world.server.counters().srtla;
    assert_eq!((srtla.bundles, srtla.links), (0, 0));
    assert_eq!(world.server.connection_count(), 0);
}
