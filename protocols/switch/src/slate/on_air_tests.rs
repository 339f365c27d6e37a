//! The slate as an input of a program.

use super::tests::{clip, moving, rate, sound};
use super::*;
use crate::{Event, How, OnAir, Options, Order, Piece, Program, Switched};
use tidegate_units::{Duration, Instant};

/// One input, the slate, and the program of both.
struct World {
    program: Program,
    input: SlateLoop,
    slate: SlateLoop,
    latency: Duration,
    now: Instant,
    alive: bool,
    switched: Vec<Switched>,
    /// When packets went out.
    emitted: Vec<Instant>,
}

impl World {
    /// Its input is on air since some seconds; its times are far from the slate's.
    fn on_air(latency: Duration) -> Self {
        let now = Instant::from_millis(50_000);
        let mut input = SlateLoop::new(clip(rate(30_000, 1001), vec![sound(48, false)]));
        input.begin(now);
        let options = Options {
            inputs: 1,
            delay: Duration::ZERO,
        };
        let mut world = Self {
            program: Program::new(&options),
            input,
            slate: SlateLoop::new(moving()),
            latency,
            now,
            alive: true,
            switched: Vec::new(),
            emitted: Vec::new(),
        };
        world.order(OnAir::Input(0), How::Alive);
        world.run(5_000);
        assert_eq!(world.program.status(world.now).on_air, OnAir::Input(0));
        world
    }

    fn order(&mut self, to: OnAir, how: How) {
        self.program.order(Order::SwitchTo { to, how });
    }

    fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += Duration::from_millis(1);
            let now = self.now;
            while let Some(chunk) = self.input.poll(now) {
                if !self.alive {
                    continue;
                }
                let piece = Piece {
                    bytes: chunk.bytes,
                    arrived: chunk.due,
                    due: chunk.due + self.latency,
                    lost_before: 0,
                };
                self.program.push(OnAir::Input(0), piece, false);
            }
            self.feed();
            let mut out = Vec::new();
            self.program.poll(now, &mut out);
            if !out.is_empty() {
                self.emitted.push(now);
            }
            while let Some(event) = self.program.next_event() {
                if let Event::Switched(switched) = event {
                    self.switched.push(switched);
                }
            }
        }
    }

    /// As a switch does it.
    fn feed(&mut self) {
        let Some(from) = self.program.status(self.now).slate_wanted else {
            if self.slate.is_running() {
                self.slate.end();
                self.program.ended(OnAir::Slate);
            }
            return;
        };
        let mut restarted = !self.slate.is_running();
        if restarted {
            self.slate.begin(from);
        }
        while let Some(chunk) = self.slate.poll(self.now + AHEAD) {
            let piece = Piece {
                bytes: chunk.bytes,
                arrived: self.now,
                due: chunk.due,
                lost_before: 0,
            };
            self.program
                .push(OnAir::Slate, piece, core::mem::take(&mut restarted));
        }
    }

    fn longest_silence(&self) -> Duration {
        let steps = self.emitted.windows(2);
        let silences = steps.map(|pair| pair[1].saturating_since(pair[0]));
        silences.max().unwrap_or_default()
    }
}

#[test]
fn an_input_without_latency_is_followed_by_the_slate_without_a_leap_of_the_times() {
    let mut world = World::on_air(Duration::ZERO);
    world.alive = false;
    world.run(154);
    world.order(OnAir::Slate, How::Starved);
    world.run(3_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Slate);
    let gap = world.switched[1].gap;
    assert!(gap <= Duration::from_millis(250), "{gap:?}");
    assert!(world.longest_silence() <= Duration::from_millis(250));
}

#[test]
fn an_input_with_latency_is_followed_by_the_slate_without_a_gap() {
    let mut world = World::on_air(Duration::from_millis(500));
    world.alive = false;
    world.run(154);
    world.order(OnAir::Slate, How::Starved);
    world.run(3_000);
    assert_eq!(world.program.status(world.now).on_air, OnAir::Slate);
    assert_eq!(world.switched[1].gap, Duration::ZERO);
    assert!(world.longest_silence() <= Duration::from_millis(40));
}

#[test]
fn the_slate_gives_way_at_a_key_frame_again_and_again() {
    let mut world = World::on_air(Duration::from_millis(300));
    for round in 0..20 {
        world.order(OnAir::Slate, How::Alive);
        world.run(700 + round * 37);
        assert_eq!(world.program.status(world.now).on_air, OnAir::Slate);
        world.order(OnAir::Input(0), How::Alive);
        world.run(900 + round * 13);
        assert_eq!(world.program.status(world.now).on_air, OnAir::Input(0));
    }
    assert!(world.switched.iter().all(|it| it.gap == Duration::ZERO));
    assert!(world.longest_silence() <= Duration::from_millis(40));
    let late = world.switched.iter().map(|it| it.delay).max();
    assert!(late <= Some(Duration::from_millis(250)), "{late:?}");
}
