use super::scene::{MS, SECOND, Show, by, fine, to};
use crate::decide::*;
use crate::order::{How, OnAir, Order};

#[test]
fn a_take_goes_to_the_next_key_frame_of_what_was_taken() {
    let mut show = Show::running(|_| {});
    assert_eq!(show.take(1), Ok(Accepted::Ordered(OnAir::Input(1))));
    assert_eq!(show.orders, [to(1, How::Alive)]);
    show.run(100 * MS);
    let decision = show.last();
    assert_eq!(
        (decision.step, decision.why.as_str()),
        (Step::Aired, "take")
    );
    assert_eq!(
        (decision.automatic, decision.by.clone()),
        (false, by("ada"))
    );
    let counts = show.decide.counts();
    assert_eq!((counts.switches, counts.automatic_switches), (1, 0));
}

#[test]
fn taking_what_is_on_air_changes_nothing_but_takes_an_order_back() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.take(1).expect("it is ready");
    assert_eq!(show.take(0), Ok(Accepted::AlreadyOnAir(OnAir::Input(0))));
    assert_eq!(show.orders, [to(1, How::Alive), Order::Drop]);
    assert_eq!(show.take(0), Ok(Accepted::AlreadyOnAir(OnAir::Input(0))));
    assert_eq!(show.orders.len(), 2);
}

#[test]
fn a_take_of_an_input_that_is_not_ready_is_refused_with_the_reason_unless_forced() {
    let mut show = Show::running(|_| {});
    show.fires(1, "continuity", Fault::Damaged);
    show.step();
    let refusal = show.take(1).expect_err("it is damaged");
    assert_eq!(refusal.code(), "not_ready");
    assert_eq!(
        refusal.to_string(),
        "backup is not ready: continuity; with force it is taken all the same"
    );
    let forced = show.decide.take(show.now, OnAir::Input(1), true, None);
    assert_eq!(forced, Ok(Accepted::Ordered(OnAir::Input(1))));
}

#[test]
fn not_even_force_shows_an_input_that_has_nothing_to_show() {
    let mut show = Show::running(|_| {});
    show.fires(1, "disconnect", Fault::Gone);
    show.step();
    let refusal = show.decide.take(show.now, OnAir::Input(1), true, None);
    let refusal = refusal.expect_err("there is nothing");
    assert_eq!(refusal.code(), "nothing_to_show");
    assert!(refusal.to_string().contains("nobody sends"), "{refusal}");
}

#[test]
fn an_input_in_another_format_that_is_refused_says_so_and_not_that_it_is_dark() {
    let mut show = Show::running(|_| {});
    show.views[1] = InputView {
        unfit: Some("format differs: h265 instead of h264".into()),
        ..fine()
    };
    show.step();
    for force in [false, true] {
        let refusal = show.decide.take(show.now, OnAir::Input(1), force, None);
        let refusal = refusal.expect_err("it is refused");
        assert_eq!(refusal.code(), "other_format");
        assert!(
            refusal.to_string().contains("h265 instead of h264"),
            "{refusal}"
        );
    }
}

#[test]
fn what_was_forced_is_not_left_for_the_damage_it_had() {
    let mut show = Show::running(|_| {});
    show.fires(1, "continuity", Fault::Damaged);
    show.step();
    let forced = show.decide.take(show.now, OnAir::Input(1), true, None);
    forced.expect("force");
    show.drain();
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    // New damage is another matter, and silence always is.
    show.fires(1, "pts_stall", Fault::Damaged);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn there_is_no_such_input_and_no_slate() {
    let mut show = Show::running(|_| {});
    assert_eq!(show.take(3), Err(Refusal::NoSuchInput));
    let slate = show.decide.take(show.now, OnAir::Slate, true, None);
    assert_eq!(slate, Err(Refusal::NoSlate));
}

#[test]
fn a_slate_that_was_taken_stays_until_something_else_is_taken() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.step();
    let taken = show.decide.take(show.now, OnAir::Slate, false, None);
    taken.expect("there is a slate");
    show.drain();
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.decide
        .return_home(show.now, None)
        .expect("main is ready");
    show.drain();
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_take_is_given_up_when_the_input_dies_before_its_key_frame() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.take(1).expect("it is ready");
    show.dies(1);
    show.step();
    assert_eq!(show.orders.last(), Some(&Order::Drop));
    assert_eq!(show.last().text, "backup has nothing to show any more");
}

#[test]
fn a_take_is_given_up_when_no_key_frame_comes() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.take(1).expect("it is ready");
    show.run(KEY_FRAME_WAIT_MAX + SECOND);
    assert_eq!(show.last().step, Step::GivenUp);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn a_take_waits_as_long_as_there_is_something_queued_to_play() {
    let mut show = Show::running(|_| {});
    show.airs_after = Some(20 * SECOND);
    show.take(1).expect("it is ready");
    show.dies(0);
    show.run(100 * MS);
    assert_eq!(show.orders, [to(1, How::Alive), to(1, How::Starved)]);
    show.run(21 * SECOND);
    assert_eq!(show.aired(), [(OnAir::Input(1), "take")]);
}

#[test]
fn a_return_goes_to_the_best_ready_input_before_the_one_on_air() {
    let mut show = Show::running(|_| {});
    show.take(2).expect("it is ready");
    show.run(SECOND);
    show.dies(0);
    show.step();
    let returned = show.decide.return_home(show.now, by("ada"));
    assert_eq!(returned, Ok(Accepted::Ordered(OnAir::Input(1))));
    show.drain();
    show.run(SECOND);
    let refusal = show
        .decide
        .return_home(show.now, None)
        .expect_err("main is dead");
    assert_eq!(refusal.code(), "none_to_return_to");
    show.recovers(0);
    show.run(SECOND);
    show.decide
        .return_home(show.now, None)
        .expect("main is back");
    show.drain();
    show.run(SECOND);
    let refusal = show.decide.return_home(show.now, None);
    assert_eq!(refusal, Err(Refusal::AlreadyFirst("main".into())));
}

#[test]
fn what_an_unlock_lets_on_air_is_told_with_the_unlock() {
    let mut show = Show::running(|_| {});
    show.slate_ready = true;
    show.decide.lock(show.now, None);
    show.dies(0);
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Slate);
    show.decide.unlock(show.now, by("ada"));
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(1));
    let last = show.last();
    assert_eq!(last.text, "the program was unlocked, and backup delivers");
    assert_eq!(
        (last.why.as_str(), last.by.as_deref()),
        ("unlock", Some("ada"))
    );
}

#[test]
fn what_was_long_dead_when_the_program_was_let_go_was_not_decided_late() {
    for (locked, text) in [
        (true, "the program was unlocked (main: no packets)"),
        (false, "the automatic was let go (main: no packets)"),
    ] {
        let mut show = Show::running(|_| {});
        if locked {
            show.decide.lock(show.now, None);
        } else {
            show.decide.hold(show.now, true, None);
        }
        show.dies(0);
        show.run(60 * SECOND);
        assert_eq!(show.on_air, OnAir::Input(0));
        if locked {
            show.decide.unlock(show.now, by("ada"));
        } else {
            show.decide.hold(show.now, false, by("ada"));
        }
        show.run(100 * MS);
        let last = show.last();
        assert_eq!((show.on_air, &*last.text), (OnAir::Input(1), text));
        assert!(last.decided_after <= 20 * MS, "{last:?}");
    }
}

#[test]
fn an_unlock_that_moves_nothing_explains_nothing_later() {
    let mut show = Show::running(|_| {});
    show.decide.lock(show.now, None);
    show.run(SECOND);
    show.decide.unlock(show.now, None);
    show.run(SECOND);
    show.dies(0);
    show.run(SECOND);
    assert_eq!(show.last().text, "main: no packets");
}

#[test]
fn a_return_that_an_unlock_let_happen_is_given_up_as_one() {
    let mut show = Show::running(|rules| rules.return_to = Return::Auto);
    show.dies(0);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    show.decide.lock(show.now, None);
    show.recovers(0);
    show.run(60 * SECOND);
    show.airs_after = None;
    show.decide.unlock(show.now, by("ada"));
    show.run(100 * MS);
    assert_eq!(show.last().why, Why::Unlock);
    show.fires(0, "continuity", Fault::Damaged);
    show.run(100 * MS);
    assert_eq!(show.last().text, "main is not ready any more");
    assert_eq!(show.decide.counts().averted, 0);
}

#[test]
fn nor_does_an_unlock_that_found_nothing_better() {
    let mut show = Show::running(|_| {});
    show.decide.lock(show.now, None);
    (0..3).for_each(|input| show.dies(input));
    show.run(SECOND);
    show.decide.unlock(show.now, None);
    show.run(60 * SECOND);
    assert_eq!(show.on_air, OnAir::Input(0));
    show.recovers(1);
    show.run(SECOND);
    assert_eq!(show.on_air, OnAir::Input(1));
    assert_eq!(show.last().text, "main: no packets");
}
