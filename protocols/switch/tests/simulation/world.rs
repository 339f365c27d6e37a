//! Cameras, rules and a program on one virtual clock.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tidegate_netsim::Chance;
use tidegate_switch::decide::{
    Decide, Decision, Fault, Fired, InputView, Output, Refusal, Rules, Scene, Severity, Step,
};
use tidegate_switch::drill::Shadow;
use tidegate_switch::{Event, OnAir, Options, Piece, Program, Switched};
use tidegate_units::{Duration, Instant};

use crate::camera::make::Make;
use crate::camera::{Arrival, Camera, REMEMBERED, Registry, Trouble, What};
use crate::checker::Checker;

/// One turn of whoever drives a program.
pub const TICK: Duration = Duration::from_millis(5);
/// Arrivals stay away for so long until that is a reason.
pub const SILENT_AFTER: Duration = Duration::from_millis(150);

pub struct World {
    pub now: Instant,
    pub cameras: Vec<Camera>,
    pub program: Program,
    pub decide: Decide,
    pub checker: Checker,
    pub shadow: Option<Shadow>,
    pub decisions: Vec<Decision>,
    pub switches: Vec<Switched>,
    pub averted: u64,
    /// The most bytes that were held of one input.
    pub worst_queue: usize,
    registry: Registry,
    lines: Vec<Line>,
    log: Vec<(Instant, String)>,
    turns: u64,
}

/// What is known of an input's line.
#[derive(Default)]
struct Line {
    last_arrival: Option<Instant>,
    gone_since: Option<Instant>,
    last_key: Option<Instant>,
    /// Packets of it were lost, which are played out until then.
    lossy_until: Instant,
}

impl World {
    pub fn new(seed: u64, makes: Vec<Make>, rules: impl FnOnce(&mut Rules)) -> Self {
        let registry = Registry::default();
        let count = makes.len();
        let names = (0..count).map(|number| format!("camera{number}"));
        let mut all = Rules::new(names);
        rules(&mut all);
        let cameras = makes.into_iter().enumerate().map(|(number, make)| {
            let chance = Chance::stream(seed, number as u64);
            Camera::new(number, make, chance, registry.clone())
        });
        Self {
            now: Instant::from_millis(1_000),
            cameras: cameras.collect(),
            program: Program::new(&Options {
                inputs: count,
                delay: Duration::ZERO,
            }),
            decide: Decide::new(all),
            checker: Checker::new(registry.clone()),
            shadow: None,
            decisions: Vec::new(),
            switches: Vec::new(),
            averted: 0,
            worst_queue: 0,
            registry,
            lines: (0..count).map(|_| Line::default()).collect(),
            log: Vec::new(),
            turns: 0,
        }
    }

    pub fn on_air(&self) -> OnAir {
        self.program.status(self.now).on_air
    }

    pub fn take(&mut self, input: usize) -> Result<(), Refusal> {
        let taken = self.decide.take(self.now, OnAir::Input(input), false, None);
        self.carry_out();
        taken.map(drop)
    }

    pub fn trouble(&mut self, input: usize, what: What, after: Duration, length: Duration) {
        let from = self.now + after;
        let until = from + length;
        let said = format!("camera{input}: {what:?} until {until}");
        self.log.push((from, said));
        let trouble = Trouble { from, until, what };
        self.cameras[input].troubles.push(trouble);
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += TICK;
            self.turn();
        }
    }

    /// Until this is on air; whether it came to that.
    pub fn run_until_on_air(&mut self, input: usize, at_most: Duration) -> bool {
        let end = self.now + at_most;
        while self.now < end && self.on_air() != OnAir::Input(input) {
            self.run(TICK);
        }
        self.on_air() == OnAir::Input(input)
    }

    /// Everything that was wrong, in one panic, with what happened around the first of it.
    pub fn must_be_fine(&self, what: &str) {
        let problems = &self.checker.problems;
        let Some((first, _)) = problems.first() else {
            return;
        };
        let is_near = |at: Instant| at.micros_from(*first).abs() < 3_000_000;
        let switches = self.switches.iter().filter(|switched| is_near(switched.at));
        let switches = switches.map(|switched| format!("{switched:?}"));
        let decisions = self
            .decisions
            .iter()
            .filter(|decision| is_near(decision.at));
        let decisions = decisions.map(|decision| {
            let (at, step, to) = (decision.at, decision.step, decision.to);
            format!("{at} {step:?} to {to:?}: {}", decision.text)
        });
        let log = self.log.iter().filter(|(at, _)| is_near(*at));
        let log = log.map(|(at, what)| format!("{at} {what}"));
        let around: Vec<String> = switches.chain(decisions).chain(log).collect();
        panic!(
            "{what}: {} problems, the first: {:#?}\naround: {around:#?}\n{:#?}",
            problems.len(),
            &problems[..problems.len().min(8)],
            self.checker.figures,
        );
    }

    fn turn(&mut self) {
        self.arrive();
        let views: Vec<_> = (0..self.cameras.len())
            .map(|input| self.view(input))
            .collect();
        let status = self.program.status(self.now);
        let scene = Scene {
            on_air: status.on_air,
            is_starved: status.is_starved,
            is_over: status.is_over,
            inputs: &views,
            slate_ready: false,
        };
        self.decide.step(self.now, SystemTime::UNIX_EPOCH, scene);
        self.carry_out();
        self.play_out();
        self.turns += 1;
        if self.turns.is_multiple_of(1000) {
            let now = self.now;
            let mut registry = self.registry.borrow_mut();
            registry.retain(|_, unit| unit.due + REMEMBERED > now);
        }
    }

    fn arrive(&mut self) {
        let mut arrivals: Vec<Arrival> = Vec::new();
        for (input, camera) in self.cameras.iter_mut().enumerate() {
            let line = &mut self.lines[input];
            if camera.is_in(What::Gone, self.now) {
                if line.gone_since.is_none() {
                    line.gone_since = Some(self.now);
                    self.program.ended(OnAir::Input(input));
                    if let Some(shadow) = &mut self.shadow {
                        shadow.ended(OnAir::Input(input));
                    }
                }
            } else {
                line.gone_since = None;
            }
            camera.poll(self.now, &mut arrivals);
            for arrival in arrivals.drain(..) {
                line.last_arrival = Some(self.now);
                if arrival.lost_before > 0 {
                    line.lossy_until = arrival.due + 3 * SILENT_AFTER;
                }
                let piece = Piece {
                    bytes: arrival.bytes,
                    arrived: arrival.arrived,
                    due: arrival.due,
                    lost_before: arrival.lost_before,
                };
                let from = OnAir::Input(input);
                if let Some(shadow) = &mut self.shadow {
                    shadow.push(from, piece.clone(), arrival.restarted);
                }
                self.program.push(from, piece, arrival.restarted);
            }
        }
    }

    fn view(&mut self, input: usize) -> InputView {
        let now = self.now;
        let lane = self.program.lane(OnAir::Input(input), now);
        self.worst_queue = self.worst_queue.max(lane.queue_bytes);
        let line = &mut self.lines[input];
        if lane.key_frame_age.is_some() {
            line.last_key = Some(now);
        }
        let silent = line.last_arrival.map(|last| now.saturating_since(last));
        let mut fired = Vec::new();
        if let (Some(silent), Some(last)) = (silent, line.last_arrival)
            && silent >= SILENT_AFTER
        {
            fired.push(reason("no_packets", Fault::Silent, last));
        }
        if let Some(since) = line.gone_since {
            fired.push(reason("disconnect", Fault::Gone, since));
        }
        let key_wait = self.cameras[input].make().gop_time() * 3;
        InputView {
            connected: line.gone_since.is_none(),
            delivers: silent.is_some_and(|silent| silent < SILENT_AFTER),
            has_key_frame: line.last_key.is_some_and(|last| last + key_wait > now),
            enters_now: lane.key_frame_age.is_some(),
            unfit: None,
            fired,
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.decide.poll() {
            match output {
                Output::Order(order) => self.program.order(order),
                Output::Decision(decision) => self.decisions.push(*decision),
            }
        }
    }

    fn play_out(&mut self) {
        if let Some(shadow) = &mut self.shadow {
            shadow.poll(self.now);
        }
        self.excuse_losses();
        let mut out = Vec::new();
        self.program.poll(self.now, &mut out);
        // It may be on air only now.
        self.excuse_losses();
        while let Some(event) = self.program.next_event() {
            match event {
                Event::Switched(switched) | Event::Rejoined(switched) => {
                    self.checker.switched(self.now, &switched);
                    self.switches.push(switched);
                }
                Event::Averted { .. } => self.averted += 1,
            }
        }
        for emitted in &out {
            self.checker.emitted(self.now, emitted);
        }
    }

    /// What was lost of the input on air is missed when it is played out, which its delay puts off.
    fn excuse_losses(&mut self) {
        let status = self.program.status(self.now);
        if let Some(input) = status.on_air.input()
            && self.now < self.lines[input].lossy_until + status.delay
        {
            self.checker.lossy_until = self.now + 3 * SILENT_AFTER;
        }
    }

    /// How often each kind of decision was told.
    pub fn steps(&self) -> BTreeMap<&'static str, usize> {
        let mut steps = BTreeMap::new();
        for decision in &self.decisions {
            *steps.entry(decision.step.as_str()).or_default() += 1;
        }
        steps
    }

    /// The last decision that is on air.
    pub fn aired(&self) -> Option<&Decision> {
        let mut decisions = self.decisions.iter().rev();
        decisions.find(|decision| decision.step == Step::Aired)
    }
}

fn reason(code: &str, fault: Fault, since: Instant) -> Fired {
    Fired {
        code: code.into(),
        severity: Severity::Switch,
        fault,
        present: true,
        since,
        text: code.into(),
        figure: None,
    }
}
