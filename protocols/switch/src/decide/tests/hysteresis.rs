use super::scene::{MS, SECOND, Show, fine, to};
use crate::decide::*;
use crate::order::{How, OnAir};

fn auto(rules: &mut Rules) {
    rules.return_to = Return::Auto;
}

#[test]
fn a_damaged_input_is_left_for_the_first_candidate_in_the_order() {
    let mut show = Show::running(|_| {});
    show.fires(1, "continuity", Fault::Damaged);
    show.fires(0, "continuity", Fault::Damaged);
    show.step();
    assert_eq!(show.orders, [to(2, How::Damaged)]);
}

#[test]
fn a_standby_must_have_been_ready_for_its_time_to_take_over_from_a_damaged_one() {
    let mut show = Show::running(|_| {});
    show.dies(2);
    show.dies(1);
    show.run(SECOND);
    show.recovers(1);
    show.run(10 * MS);
    show.fires(0, "continuity", Fault::Damaged);
    show.run(2_900 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.run(200 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
}

#[test]
fn the_hold_time_of_a_trigger_keeps_a_standby_from_being_ready() {
    let mut show = Show::running(|_| {});
    show.fires(1, "continuity", Fault::Damaged);
    show.views[1].fired[0].present = false;
    show.run(10 * SECOND);
    assert_eq!(show.decide.rank(show.now, 1), Some(Rank::Damaged));
}

#[test]
fn both_bad_stays_where_it_is_and_says_so_once() {
    let mut show = Show::running(|_| {});
    (0..3).for_each(|input| show.fires(input, "continuity", Fault::Damaged));
    show.run(10 * SECOND);
    assert!(show.orders.is_empty());
    assert_eq!(show.steps(), [Step::Stayed]);
    assert_eq!(
        show.last().text,
        "main stays on air: continuity, but no other input is better"
    );
}

#[test]
fn an_alarm_moves_nothing() {
    let mut show = Show::running(|_| {});
    let now = show.now;
    show.fires_as(0, "continuity", Fault::Damaged, Severity::Alarm, now);
    show.fires_as(0, "no_packets", Fault::Silent, Severity::Alarm, now);
    show.run(10 * SECOND);
    assert!(show.orders.is_empty() && show.decisions.is_empty());
}

#[test]
fn a_damaged_input_is_not_left_before_the_dwell_is_over() {
    let mut show = Show::running(|_| {});
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.fires(1, "continuity", Fault::Damaged);
    show.run(4_800 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert_eq!(show.last().step, Step::Stayed);
    show.run(200 * MS);
    assert_eq!(show.on_air, OnAir::Input(2));
}

#[test]
fn no_better_input_is_gone_back_to_by_itself_unless_that_is_asked_for() {
    let mut show = Show::running(|_| {});
    show.dies(0);
    show.run(SECOND);
    show.recovers(0);
    show.run(600 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert_eq!(show.decide.next_return_in(show.now), None);
}

#[test]
fn a_better_input_is_gone_back_to_once_it_was_clean_for_its_time() {
    let mut show = Show::running(auto);
    show.dies(0);
    show.run(SECOND);
    show.recovers(0);
    show.run(10 * SECOND);
    let rest = show.decide.next_return_in(show.now).expect("a return");
    assert!(rest <= 20_010 * MS && rest > 19 * SECOND, "{rest:?}");
    show.run(19_900 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.run(200 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
    assert_eq!(show.last().why, Why::Return);
    assert_eq!(show.orders.last(), Some(&to(0, How::Alive)));
}

#[test]
fn any_reason_even_an_alarm_begins_the_clean_time_anew() {
    let mut show = Show::running(auto);
    show.dies(0);
    show.run(SECOND);
    show.recovers(0);
    show.run(25 * SECOND);
    let now = show.now;
    show.fires_as(0, "bitrate", Fault::Damaged, Severity::Alarm, now);
    show.run(10 * MS);
    show.recovers(0);
    show.run(29 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.run(2 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_return_is_given_up_when_the_better_input_stumbles_before_the_cut() {
    let mut show = Show::running(auto);
    show.dies(0);
    show.run(SECOND);
    show.recovers(0);
    show.airs_after = None;
    show.run(31 * SECOND);
    assert_eq!(show.decide.next(), Some(OnAir::Input(0)));
    show.dies(0);
    show.step();
    assert_eq!(show.last().step, Step::GivenUp);
    assert_eq!(show.decide.next(), None);
    assert_eq!(show.decide.counts().averted, 0);
}

#[test]
fn a_return_goes_only_to_inputs_before_the_one_on_air() {
    let mut show = Show::running(auto);
    show.run(600 * SECOND);
    assert!(show.orders.is_empty());
}

#[test]
fn an_input_that_operators_took_is_not_returned_from() {
    let mut show = Show::running(auto);
    show.take(1).expect("it is ready");
    show.run(600 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert_eq!(show.decide.next_return_in(show.now), None);
    // Once it was left for a reason, the order counts again.
    show.dies(1);
    show.dies(0);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(2));
    show.recovers(0);
    show.run(31 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn what_twins_do_among_themselves_is_no_decision() {
    let mut show = Show::running(|_| {});
    show.on_air = OnAir::Input(1);
    show.run(SECOND);
    assert!(show.orders.is_empty() && show.decisions.is_empty());
    assert_eq!(show.decide.on_air(), OnAir::Input(1));
    assert_eq!(show.decide.counts().automatic_switches, 0);
}

#[test]
fn an_input_that_was_never_seen_is_no_candidate() {
    let mut show = Show::new(|_| {});
    show.views = vec![fine()];
    show.run(10 * SECOND);
    show.fires(0, "continuity", Fault::Damaged);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn what_twins_do_among_themselves_begins_no_dwell_and_keeps_what_was_taken() {
    let mut show = Show::running(auto);
    show.take(2).expect("it is ready");
    show.run(SECOND);
    show.on_air = OnAir::Input(1);
    show.run(60 * SECOND);
    // Whoever took the one took what the other carries: it is not returned from.
    assert_eq!(show.on_air, OnAir::Input(1));
    show.on_air = OnAir::Input(2);
    show.step();
    show.fires(2, "continuity", Fault::Damaged);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_take_begins_no_dwell() {
    let mut show = Show::running(|_| {});
    show.take(1).expect("it is ready");
    show.run(100 * MS);
    show.fires(1, "continuity", Fault::Damaged);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}
