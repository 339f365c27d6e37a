use tidegate_units::Duration;

use super::scene::{MS, SECOND, Show, fine, to};
use crate::decide::*;
use crate::order::{How, OnAir, Order};

#[test]
fn the_first_of_the_order_goes_on_air_as_soon_as_it_has_a_picture() {
    let mut show = Show::new(|_| {});
    show.views[0] = fine();
    show.step();
    assert_eq!(show.orders, [to(0, How::Alive)]);
    show.step();
    assert_eq!(show.aired(), [(OnAir::Input(0), "start")]);
    assert_eq!(show.decide.counts(), Counts::default());
}

#[test]
fn another_goes_on_air_at_the_start_once_it_was_ready_for_as_long_as_a_candidate() {
    let mut show = Show::new(|_| {});
    show.views[1] = fine();
    show.run(3 * SECOND);
    assert!(show.orders.is_empty());
    show.run(20 * MS);
    assert_eq!(show.orders, [to(1, How::Alive)]);
}

#[test]
fn an_input_without_a_key_frame_or_that_does_not_fit_is_not_begun_with() {
    let mut show = Show::new(|_| {});
    show.views[0] = InputView {
        has_key_frame: false,
        ..fine()
    };
    show.views[1] = InputView {
        unfit: Some("format differs: h265, the program is h264".into()),
        ..fine()
    };
    show.run(10 * SECOND);
    assert!(show.orders.is_empty());
    let reasons = show.decide.reasons(show.now, 1);
    assert_eq!(&*reasons[0].code, "format");
}

#[test]
fn an_input_that_delivers_nothing_is_left_for_the_best_candidate_when_its_queue_is_dry() {
    let mut show = Show::running(|_| {});
    let last_packet = show.now;
    show.now += 152 * MS;
    show.fires_as(
        0,
        "no_packets",
        Fault::Silent,
        Severity::Switch,
        last_packet,
    );
    show.step();
    assert_eq!(show.orders, [to(1, How::Starved)]);
    let decision = show.last();
    assert_eq!(decision.step, Step::Ordered);
    assert_eq!(decision.decided_after, 152 * MS);
    assert_eq!(decision.text, "main: no packets");
    assert_eq!(decision.evidence.len(), 3);
    assert_eq!(decision.evidence[1].rank, Rank::Candidate);
    assert_eq!(decision.evidence[0].reasons[0].code, "no_packets".into());
    show.step();
    assert_eq!(show.aired(), [(OnAir::Input(1), "no_packets")]);
}

#[test]
fn an_input_whose_sender_left_is_not_waited_for() {
    let mut show = Show::running(|_| {});
    show.fires(0, "disconnect", Fault::Gone);
    show.step();
    assert_eq!(show.orders, [to(1, How::Gone)]);
}

#[test]
fn a_silence_that_turns_out_to_be_a_disconnect_hurries_the_order_it_led_to() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.dies(0);
    show.step();
    show.fires(0, "disconnect", Fault::Gone);
    show.step();
    assert_eq!(show.orders, [to(1, How::Starved), to(1, How::Gone)]);
    assert_eq!(show.steps(), [Step::Ordered]);
}

#[test]
fn a_silence_that_ends_before_the_cut_has_changed_nothing() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.dies(0);
    show.step();
    show.views[0].delivers = true;
    // The hold time of the trigger still runs on.
    show.views[0].fired[0].present = false;
    show.step();
    assert_eq!(show.orders, [to(1, How::Starved), Order::Drop]);
    assert_eq!(show.steps(), [Step::Ordered, Step::Averted]);
    let counts = show.decide.counts();
    assert_eq!((counts.switches, counts.averted), (0, 1));
    show.recovers(0);
    show.run(SECOND);
    assert_eq!(show.orders.len(), 2);
}

#[test]
fn a_thousand_silences_that_the_latency_heals_are_no_switch_and_no_latch() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    for _ in 0..1000 {
        show.dies(0);
        show.run(100 * MS);
        show.recovers(0);
        show.run(100 * MS);
    }
    assert_eq!(show.on_air, OnAir::Input(0));
    let counts = show.decide.counts();
    assert_eq!((counts.switches, counts.averted), (0, 1000));
    assert!(!show.decide.is_latched());
}

#[test]
fn darkness_does_not_wait_for_the_dwell() {
    let mut show = Show::running(|_| {});
    show.dies(0);
    show.run(100 * MS);
    show.dies(1);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
}

#[test]
fn an_input_that_is_back_for_a_moment_is_better_than_darkness_but_not_than_a_candidate() {
    let mut show = Show::running(|_| {});
    show.dies(1);
    show.run(SECOND);
    show.recovers(1);
    show.run(SECOND);
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
    show.dies(2);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn a_damaged_input_is_better_than_none() {
    let mut show = Show::running(|_| {});
    show.dies(2);
    show.fires(1, "continuity", Fault::Damaged);
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn the_slate_comes_only_when_no_input_has_media() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.dies(2);
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.dies(1);
    show.step();
    let slate = Order::SwitchTo {
        to: OnAir::Slate,
        how: How::Starved,
    };
    assert_eq!(show.orders.last(), Some(&slate));
    show.step();
    assert_eq!(show.on_air, OnAir::Slate);
}

#[test]
fn the_slate_goes_when_an_input_has_delivered_for_a_second() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    (0..3).for_each(|input| show.dies(input));
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.recovers(2);
    show.run(900 * MS);
    assert_eq!(show.on_air, OnAir::Slate);
    show.run(200 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
    assert_eq!(show.last().why, Why::MediaBack);
}

#[test]
fn the_slate_goes_although_what_was_lost_in_the_silence_still_counts() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    (0..3).for_each(|input| show.dies(input));
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.recovers(0);
    // Packets that were lost count for five seconds.
    show.fires(0, "unrecovered_loss", Fault::Damaged);
    show.run(1_100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn an_input_that_stutters_does_not_alternate_with_the_slate() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    (1..3).for_each(|input| show.dies(input));
    for _ in 0..10 {
        show.dies(0);
        show.run(500 * MS);
        show.recovers(0);
        show.run(2 * SECOND);
    }
    assert_eq!(show.on_air, OnAir::Slate);
    // Once it has left the slate, and come back to it.
    assert_eq!(show.decide.counts().switches, 3, "{:?}", show.aired());
    show.run(1_100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn the_slate_covers_the_time_until_the_key_frame_of_an_input_that_began_anew() {
    for locked in [false, true] {
        let mut show = Show::running(|_| {});
        show.slate_ready = true;
        if locked {
            show.decide.lock(show.now, None);
        }
        // It was away for less than a silence takes to be one.
        (show.is_starved, show.is_over) = (true, true);
        show.step();
        assert_eq!(show.on_air, OnAir::Slate);
        let text = "main began anew, and its key frame has not come yet";
        assert_eq!(show.last().text, text);
        (show.is_starved, show.is_over) = (false, false);
        show.run(100 * MS);
        let aired = [(OnAir::Slate, "no_media"), (OnAir::Input(0), "media_back")];
        assert_eq!(show.aired(), aired, "back at its next key frame");
    }
}

#[test]
fn a_damaged_input_ends_the_slate_when_there_is_no_other() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    (0..3).for_each(|input| show.dies(input));
    show.run(SECOND);
    show.recovers(1);
    show.fires(1, "continuity", Fault::Damaged);
    show.run(1_100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn slates_count_neither_as_automatic_switches_nor_towards_the_latch() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    (1..3).for_each(|input| show.dies(input));
    for _ in 0..5 {
        show.dies(0);
        show.run(SECOND);
        assert_eq!(show.on_air, OnAir::Slate);
        show.recovers(0);
        show.run(4 * SECOND);
        assert_eq!(show.on_air, OnAir::Input(0));
    }
    assert!(!show.decide.is_latched());
    let counts = show.decide.counts();
    assert_eq!((counts.switches, counts.automatic_switches), (10, 0));
}

#[test]
fn without_any_trigger_a_slate_still_covers_what_runs_dry() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.views[0].delivers = false;
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Slate);
    assert_eq!(show.last().why, Why::NoMedia);
    // Others were not asked: nothing says that the first is to be left for them.
    show.views[0].delivers = true;
    show.run(4 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn an_order_goes_to_another_input_when_the_chosen_one_dies_before_the_cut() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.dies(0);
    show.step();
    show.dies(1);
    show.step();
    assert_eq!(show.orders, [to(1, How::Starved), to(2, How::Starved)]);
    show.dies(2);
    show.step();
    assert_eq!(show.orders.last(), Some(&Order::Drop));
    assert_eq!(
        show.steps()[2..],
        [Step::GivenUp, Step::Stayed],
        "{:?}",
        show.decisions
    );
}

#[test]
fn the_slate_fills_in_until_the_key_frame_of_the_input_that_takes_over() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.slate_ready = true;
    (1..3).for_each(|input| show.views[input].enters_now = false);
    show.dies(0);
    show.step();
    assert_eq!(show.orders, [to(1, How::Starved)]);
    show.airs_after = Some(Duration::ZERO);
    show.is_starved = true;
    show.step();
    let slate = Order::SwitchTo {
        to: OnAir::Slate,
        how: How::Starved,
    };
    assert_eq!(show.orders.last(), Some(&slate));
    show.is_starved = false;
    show.run(100 * MS);
    assert_eq!(
        show.aired(),
        [
            (OnAir::Slate, "no_packets"),
            (OnAir::Input(1), "media_back")
        ]
    );
}

#[test]
fn the_slate_fills_in_until_the_key_frame_of_what_was_taken() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.slate_ready = true;
    show.views[2].enters_now = false;
    show.take(2).expect("it is ready");
    show.dies(0);
    show.step();
    show.airs_after = Some(Duration::ZERO);
    show.is_starved = true;
    show.step();
    show.is_starved = false;
    show.run(100 * MS);
    assert_eq!(
        show.aired(),
        [(OnAir::Slate, "no_media"), (OnAir::Input(2), "take")]
    );
}

#[test]
fn a_slate_that_filled_in_for_a_take_that_failed_is_left_for_any_input() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.airs_after = None;
    show.views[1].enters_now = false;
    show.take(1).expect("it is ready");
    show.fires(0, "disconnect", Fault::Gone);
    show.step();
    show.airs_after = Some(Duration::ZERO);
    show.is_starved = true;
    show.step();
    show.airs_after = None;
    show.is_starved = false;
    show.step();
    assert_eq!(show.on_air, OnAir::Slate);
    show.dies(1);
    show.step();
    assert!(show.steps().contains(&Step::GivenUp), "{:?}", show.steps());
    show.airs_after = Some(Duration::ZERO);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
}

#[test]
fn a_slate_that_came_without_a_trigger_goes_for_another_once_one_fires() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.views[0].delivers = false;
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Slate);
    show.fires(0, "disconnect", Fault::Gone);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn a_slate_that_came_without_a_trigger_does_not_keep_a_ready_input_off_air_for_ever() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.views[0].delivers = false;
    show.run(2_900 * MS);
    assert_eq!(show.on_air, OnAir::Slate);
    show.run(200 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn nor_does_an_input_that_comes_and_goes_behind_the_slate() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.views[0].delivers = false;
    show.run(100 * MS);
    for _ in 0..3 {
        show.recovers(0);
        show.run(SECOND);
        show.views[0].delivers = false;
        show.run(SECOND);
    }
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn without_a_slate_another_input_fills_in_until_the_key_frame_of_what_was_taken() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.views[2].enters_now = false;
    show.take(2).expect("it is ready");
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.orders, [to(2, How::Alive), to(2, How::Starved)]);
    show.airs_after = Some(Duration::ZERO);
    show.is_starved = true;
    show.step();
    show.is_starved = false;
    assert_eq!(show.decide.next(), Some(OnAir::Input(2)));
    show.run(100 * MS);
    assert_eq!(
        show.aired(),
        [(OnAir::Input(1), "no_media"), (OnAir::Input(2), "take")]
    );
}

#[test]
fn an_order_that_fills_in_goes_when_its_input_dies_too() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.views[2].enters_now = false;
    show.take(2).expect("it is ready");
    show.dies(0);
    show.is_starved = true;
    show.step();
    show.step();
    assert_eq!(show.orders.last(), Some(&to(1, How::Starved)));
    show.dies(1);
    show.step();
    assert_eq!(show.orders.last(), Some(&to(2, How::Starved)));
}
