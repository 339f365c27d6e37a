//! A program of some inputs on a virtual clock, whose orders are carried out at once or by hand.

use std::sync::Arc;
use std::time::{Duration as Span, SystemTime};

use tidegate_units::{Duration, Instant};

use crate::decide::*;
use crate::order::{How, OnAir, Order};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(10);

pub(super) struct Show {
    pub(super) decide: Decide,
    pub(super) views: Vec<InputView>,
    pub(super) slate_ready: bool,
    pub(super) is_starved: bool,
    pub(super) is_over: bool,
    pub(super) on_air: OnAir,
    pub(super) now: Instant,
    /// How long an order takes until it is on air; `None`: for ever.
    pub(super) airs_after: Option<Duration>,
    pub(super) orders: Vec<Order>,
    pub(super) decisions: Vec<Decision>,
    pending: Option<(Instant, OnAir)>,
}

/// An input on which nothing is wrong.
pub(super) fn fine() -> InputView {
    InputView {
        connected: true,
        delivers: true,
        has_key_frame: true,
        enters_now: true,
        ..InputView::default()
    }
}

impl Show {
    /// Three inputs, `main`, `backup` and `phone`, that nobody sends to.
    pub(super) fn new(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules::new(["main", "backup", "phone"]);
        change(&mut rules);
        Self {
            decide: Decide::new(rules),
            views: vec![InputView::default(); 3],
            slate_ready: false,
            is_starved: false,
            is_over: false,
            on_air: OnAir::Nothing,
            now: Instant::from_millis(1_000_000),
            airs_after: Some(Duration::ZERO),
            orders: Vec::new(),
            decisions: Vec::new(),
            pending: None,
        }
    }

    /// All three are fine, for long, and the first is on air.
    pub(super) fn running(change: impl FnOnce(&mut Rules)) -> Self {
        let mut show = Self::new(change);
        show.views = vec![fine(); 3];
        show.run(60 * SECOND);
        assert_eq!(show.on_air, OnAir::Input(0));
        show.orders.clear();
        show.decisions.clear();
        show
    }

    pub(super) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Span::from_micros(self.now.as_micros())
    }

    /// One look, and what it leads to.
    pub(super) fn step(&mut self) {
        let scene = Scene {
            on_air: self.on_air,
            is_starved: self.is_starved,
            is_over: self.is_over,
            inputs: &self.views,
            slate_ready: self.slate_ready,
        };
        let wall = self.wall();
        self.decide.step(self.now, wall, scene);
        self.drain();
        if let Some((at, to)) = self.pending
            && at <= self.now
        {
            self.on_air = to;
            self.pending = None;
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.decide.poll() {
            match output {
                Output::Decision(decision) => self.decisions.push(*decision),
                Output::Order(order) => {
                    self.orders.push(order);
                    self.pending = match (order, self.airs_after) {
                        (Order::SwitchTo { to, .. }, Some(after)) => Some((self.now + after, to)),
                        _ => None,
                    };
                }
            }
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += TICK;
            self.step();
        }
    }

    pub(super) fn fires(&mut self, input: usize, code: &str, fault: Fault) {
        self.fires_as(input, code, fault, Severity::Switch, self.now);
    }

    pub(super) fn fires_as(
        &mut self,
        input: usize,
        code: &str,
        fault: Fault,
        severity: Severity,
        since: Instant,
    ) {
        self.views[input].fired.push(Fired {
            code: code.into(),
            severity,
            fault,
            present: true,
            since,
            text: code.replace('_', " ").into(),
            figure: None,
        });
        if severity == Severity::Switch && fault >= Fault::Silent {
            self.views[input].delivers = false;
        }
        if fault == Fault::Gone {
            self.views[input].connected = false;
        }
    }

    pub(super) fn dies(&mut self, input: usize) {
        self.fires(input, "no_packets", Fault::Silent);
    }

    pub(super) fn recovers(&mut self, input: usize) {
        self.views[input] = fine();
    }

    pub(super) fn take(&mut self, input: usize) -> Result<Accepted, Refusal> {
        let accepted = self
            .decide
            .take(self.now, OnAir::Input(input), false, by("ada"));
        self.drain();
        accepted
    }

    pub(super) fn aired(&self) -> Vec<(OnAir, &str)> {
        let aired = self.decisions.iter();
        let aired = aired.filter(|decision| decision.step == Step::Aired);
        aired
            .map(|decision| (decision.to, decision.why.as_str()))
            .collect()
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.decisions
            .iter()
            .map(|decision| decision.step)
            .collect()
    }

    pub(super) fn last(&self) -> &Decision {
        self.decisions.last().expect("something was decided")
    }
}

pub(super) fn by(name: &str) -> Option<Arc<str>> {
    Some(name.into())
}

pub(super) const fn to(input: usize, how: How) -> Order {
    let to = OnAir::Input(input);
    Order::SwitchTo { to, how }
}
