use super::scene::{MS, SECOND, Show};
use crate::decide::*;
use crate::order::{OnAir, Order};

fn reordered() -> Rules {
    Rules::new(["phone", "main", "extra", "backup"])
}

#[test]
fn other_rules_keep_what_is_known_of_inputs_by_their_names() {
    let mut show = Show::running(|_| {});
    show.take(1).expect("it is ready");
    show.run(SECOND);
    show.decide.lock(show.now, None);
    show.decide.set_rules(reordered());
    assert_eq!(show.decide.on_air(), OnAir::Input(3));
    assert_eq!(show.decide.rank(show.now, 0), Some(Rank::Candidate));
    assert_eq!(show.decide.rank(show.now, 2), Some(Rank::Nothing));
    assert!(show.decide.is_locked());
    assert_eq!(show.decide.counts().switches, 1);
    show.decide.unlock(show.now, None);
    show.on_air = OnAir::Input(3);
    show.views.push(show.views[0].clone());
    show.dies(3);
    show.run(100 * MS);
    assert_eq!(show.on_air, OnAir::Input(0));
}

#[test]
fn an_order_follows_its_input_or_goes_with_it() {
    let mut show = Show::running(|_| {});
    show.airs_after = None;
    show.take(1).expect("it is ready");
    show.decide.set_rules(reordered());
    assert_eq!(show.decide.next(), Some(OnAir::Input(3)));
    show.decide.set_rules(Rules::new(["main"]));
    assert_eq!(show.decide.next(), None);
    show.drain();
    assert_eq!(show.orders.last(), Some(&Order::Drop));
}
