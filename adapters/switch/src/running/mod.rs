//! A switch at work, on a thread of its own.
//!
//! ```text
//!  inputs' feeds ─► Input ─► Program ─► FeedWriter        every turn, when something comes or is due
//!                     │         ▲
//!                   Checks      │ orders
//!                     ▼         │
//!                  InputView ─► Decide ◄── commands       every LOOK_INTERVAL
//!                                 │
//!                                 └─► Told: events, alarms, answers   (a task says them)
//! ```

mod alarms;
mod change;
mod commands;
mod darkness;
mod decisions;
mod format;
mod input;
mod rehearsal;
mod restore;
mod show;
mod slate;
mod view;

use crate::desk::{Ask, Desk};
use crate::limits::{
    BATCHES_PER_TURN, CHUNK_BYTES, DARK_AFTER, LOOK_INTERVAL, SHOW_INTERVAL, SLATE_AT_START, TURN,
};
use crate::remember::Remembered;
use crate::settings::{Merge, OnMismatch, ReturnMode, SLATE, SourceSettings};
use crate::slate::Ends;
use crate::status::{LastDrill, LastSwitch};
use crate::told::Teller;
use alarms::Alarms;
use format::Format;
use input::Input;
use rehearsal::Rehearsal;
use restore::Restore;
use slate::Slate;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::SystemTime;
use tidegate_engine::{
    Clock, Ended, FeedWriter, Parking, RunError, SourceContext, Switched, TriggerKind, TsChunk,
};
use tidegate_switch::decide::{Decide, InputView, Return, Rules, Scene, ScheduledTake};
use tidegate_switch::twins::PrintKey;
use tidegate_switch::{Emitted, OnAir, Options, Program};
use tidegate_units::{Duration, Instant};

/// A switch at work.
pub(crate) struct Running {
    settings: SourceSettings,
    clock: Clock,
    context: SourceContext,
    desk: Arc<Desk>,
    teller: Teller,
    restore: Restore,
    /// What is to be known after a restart, as it was told last.
    remembered: Remembered,
    alarms: Alarms,
    /// What is known of a cut until the decision that it follows from is known too.
    cut: Option<tidegate_switch::Switched>,
    last_switch: Option<LastSwitch>,
    last_drill: Option<LastDrill>,
    /// The cut of the drill on air that is under way.
    drill_cut: Option<Switched>,
    /// What viewers of the program were given.
    format: Option<Format>,
    /// What the input on air has of it now; nothing while none is, or none has anything.
    seen: Format,
    last_media: Option<Instant>,
    carries: bool,
    /// Why it does not, as it was told last.
    dark_because: Option<Arc<str>>,
    slate: Slate,
    began: Instant,
    next_look: Instant,
    next_show: Instant,
}

/// What moves media.
struct Machine {
    program: Program,
    decide: Decide,
    /// In order of preference.
    inputs: Vec<Input>,
    asks: Receiver<Ask>,
    /// A test of the backup, on a copy of the program.
    rehearsal: Option<Rehearsal>,
    writer: FeedWriter<TsChunk>,
    views: Vec<InputView>,
    emitted: Vec<Emitted>,
}

impl Running {
    pub(crate) fn new(
        context: &SourceContext,
        settings: SourceSettings,
        desk: Arc<Desk>,
        teller: Teller,
        remembered: Option<Remembered>,
        slate: Ends,
    ) -> Self {
        let now = context.clock.now();
        Self {
            remembered: remembered.clone().unwrap_or_default(),
            restore: Restore::new(remembered, &settings),
            settings,
            clock: context.clock,
            context: context.clone(),
            desk,
            teller,
            alarms: Alarms::new(now),
            cut: None,
            last_switch: None,
            last_drill: None,
            drill_cut: None,
            format: None,
            seen: Format::default(),
            last_media: None,
            carries: false,
            dark_because: None,
            slate: Slate::new(slate),
            began: now,
            next_look: now,
            next_show: now,
        }
    }

    /// Runs until it must stop.
    pub(crate) fn run(mut self, parking: &Parking) -> Result<Ended, RunError> {
        let mut machine = self.machine();
        while !parking.must_stop() {
            let began = self.clock.now();
            self.answer(&mut machine, began);
            take_in(&mut machine);
            self.look(&mut machine, began);
            self.emit(&mut machine);
            self.show(&mut machine);
            parking.wait(self.pause(&machine));
            // Woken for every batch: several are taken at once.
            let took = self.clock.now().saturating_since(began);
            if let Some(rest) = TURN.checked_sub(took) {
                std::thread::sleep(rest);
            }
        }
        self.desk.close();
        Ok(Ended::Stopped)
    }

    fn machine(&mut self) -> Machine {
        let wake = Parking::waker();
        let asks = self.desk.open(Arc::clone(&wake));
        let triggers = &self.settings.triggers;
        let inputs = self.settings.inputs.iter().enumerate().map(|(lane, name)| {
            let feeds = &self.context.feeds;
            Input::new(name, lane, feeds, triggers.clone(), Arc::clone(&wake))
        });
        let mut decide = Decide::new(self.rules());
        self.restore.begin(self.clock.now(), &mut decide);
        if let Some(seen) = self.remembered.schedule_seen {
            // Where the clock was set back, what is to come is still to come.
            decide.resume_schedule(seen.min(SystemTime::now()));
        }
        Machine {
            program: self.program(),
            decide,
            inputs: inputs.collect(),
            asks,
            rehearsal: None,
            writer: self.context.feed.ts_writer(),
            views: Vec::new(),
            emitted: Vec::new(),
        }
    }

    fn program(&self) -> Program {
        let mut program = Program::new(&Options {
            inputs: tidegate_switch::MAX_INPUTS,
            delay: self.settings.delay.0,
        });
        program.set_merging(self.merging());
        program
    }

    /// Whether inputs with the same packets complete each other, and the key for it: without
    /// randomness nobody could be kept from making packets that look alike.
    fn merging(&self) -> Option<PrintKey> {
        let mut random = [[0; 8]; 4];
        let is_random = getrandom::fill(random.as_flattened_mut()).is_ok();
        let key = is_random.then(|| PrintKey::new(random.map(u64::from_le_bytes)));
        key.filter(|_| self.settings.merge == Merge::Auto)
    }

    fn rules(&self) -> Rules {
        let settings = &self.settings;
        let mut rules = Rules::new(settings.inputs.iter().map(String::as_str));
        rules.return_to = match settings.return_mode {
            ReturnMode::Manual => Return::Manual,
            ReturnMode::Auto => Return::Auto,
        };
        rules.return_after = settings.return_after.0;
        rules.dwell = settings.dwell.0;
        rules.ready_after = settings.ready_after.0;
        rules.silent_after = self.silent_after();
        let takes = settings.schedule.iter().filter_map(|entry| {
            let take = match entry.take.as_str() {
                SLATE => OnAir::Slate,
                name => OnAir::Input(settings.input(name)?),
            };
            Some(ScheduledTake { at: entry.at, take })
        });
        rules.schedule = takes.collect();
        rules
    }

    fn silent_after(&self) -> Duration {
        let trigger = self.settings.triggers.get(TriggerKind::NoPackets);
        trigger.map_or(DARK_AFTER, |trigger| trigger.after)
    }

    /// Looks at all inputs, decides, and has the decisions carried out.
    fn look(&mut self, machine: &mut Machine, now: Instant) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_INTERVAL;
        for index in 0..machine.inputs.len() {
            let input = &mut machine.inputs[index];
            input.look(now);
            // While it is kept from the program that is told nothing, but afterwards.
            if machine.decide.muted() != Some(index) && input.has_just_ended() {
                let from = OnAir::Input(input.lane);
                machine.program.ended(from);
                if let Some(rehearsal) = &mut machine.rehearsal {
                    rehearsal.shadow.ended(from);
                }
            }
        }
        self.note_format(machine, now);
        self.slate.take_over(&self.teller);
        let mut views = core::mem::take(&mut machine.views);
        views.clear();
        views.extend((0..machine.inputs.len()).map(|index| self.view(machine, index, now)));
        machine.views = views;
        self.decide(machine, now);
        self.restore.follow(now, &mut machine.decide);
        self.obey(machine);
        self.alarms.follow(now, &machine.decide, &self.teller);
        self.tell_why_dark(machine, now);
        self.remember(machine);
    }

    /// Has it written down what is to be known after a restart, if that is something else now.
    fn remember(&mut self, machine: &Machine) {
        let set = self.restore.news(&machine.decide);
        let schedule_seen = machine.decide.schedule_seen();
        let seen = self.slate.news();
        let is_old = schedule_seen == self.remembered.schedule_seen;
        if set.is_none() && seen.is_none() && is_old {
            return;
        }
        let mut before = core::mem::take(&mut self.remembered);
        self.remembered = Remembered {
            schedule_seen,
            seen: seen.or_else(|| before.seen.take()),
            ..set.unwrap_or(before)
        };
        self.teller.remember(self.remembered.clone());
    }

    fn view(&self, machine: &Machine, index: usize, now: Instant) -> InputView {
        let input = &machine.inputs[index];
        let lane = machine.program.lane(OnAir::Input(input.lane), now);
        let unfit = self.unfit(machine, index);
        view::of(input, &lane, unfit, self.silent_after(), now)
    }

    /// Decides by what was seen last.
    fn decide(&self, machine: &mut Machine, now: Instant) {
        let status = machine.program.status(now);
        let scene = Scene {
            on_air: preferred(&machine.inputs, status.on_air),
            is_starved: status.is_starved,
            is_over: status.is_over,
            inputs: &machine.views,
            slate_ready: self.may_show_slate(machine, now),
        };
        machine.decide.step(now, SystemTime::now(), scene);
    }

    /// Whether the slate could be shown. Senders come back in a moment after a restart, and shall
    /// find nothing on air that they would have to wait behind.
    fn may_show_slate(&self, machine: &Machine, now: Instant) -> bool {
        let has_begun = machine.decide.on_air() != OnAir::Nothing;
        let is_time = now.saturating_since(self.began) >= SLATE_AT_START;
        self.slate.is_ready() && (has_begun || is_time)
    }

    fn note_format(&mut self, machine: &Machine, now: Instant) {
        self.seen = Format::default();
        let Some(index) = machine.decide.on_air().input() else {
            return;
        };
        let Some(media) = machine.inputs.get(index).and_then(Input::media) else {
            return;
        };
        self.slate.see(now, &media);
        let format = Format::of(&media);
        if format.is_known() {
            self.format = Some(format.upon(self.format));
            if !machine.program.status(now).is_starved {
                self.seen = format;
            }
        }
    }

    /// Why this input may not go on air whatever it carries.
    fn unfit(&self, machine: &Machine, index: usize) -> Option<Arc<str>> {
        if self.settings.on_mismatch == OnMismatch::Switch {
            return None;
        }
        let program = self.format.as_ref()?;
        let media = machine.inputs[index].media()?;
        let own = Format::of(&media);
        let differs = own.is_known() && !own.follows(program, &self.seen);
        differs.then(|| format!("format differs: {own} instead of {program}").into())
    }

    /// Hands on what is due.
    fn emit(&mut self, machine: &mut Machine) {
        let now = self.clock.now();
        self.slate.feed(&mut machine.program, now);
        machine.program.poll(now, &mut machine.emitted);
        // While nothing is left to be played, tables go out all the same.
        let status = machine.program.status(now);
        let has_media = status.on_air != OnAir::Nothing && !status.is_starved;
        if has_media && !machine.emitted.is_empty() {
            self.last_media = Some(now);
        }
        for Emitted { bytes, due } in machine.emitted.drain(..) {
            for at in (0..bytes.len()).step_by(CHUNK_BYTES) {
                machine.writer.push(TsChunk {
                    bytes: bytes.slice(at..bytes.len().min(at + CHUNK_BYTES)),
                    origin: due,
                    arrived: now,
                    due,
                    lost_before: 0,
                });
            }
        }
        machine.writer.seal();
        self.follow_program(machine, now);
        self.follow_rehearsal(machine, now);
        self.tell_whether_it_carries(machine, now);
    }

    /// How long nothing is to be done unless something comes.
    fn pause(&self, machine: &Machine) -> Duration {
        let now = self.clock.now();
        let due = machine.program.next_deadline();
        let times = [due, self.slate.next_feed()].into_iter().flatten();
        let next = times.fold(self.next_look, Instant::min);
        next.saturating_since(now)
    }

    /// Whether the status is to be shown anew.
    fn is_time_to_show(&mut self, now: Instant) -> bool {
        let is_time = now >= self.next_show;
        if is_time {
            self.next_show = now + SHOW_INTERVAL;
        }
        is_time
    }
}

/// Takes what came of all inputs.
fn take_in(machine: &mut Machine) {
    let Machine {
        program,
        decide,
        inputs,
        rehearsal,
        ..
    } = machine;
    let (on_air, muted) = (decide.on_air().input(), decide.muted());
    for (index, input) in inputs.iter_mut().enumerate() {
        // Whatever may be shown first is waited for.
        let is_awaited = on_air.is_none() || on_air == Some(index);
        if muted == Some(index) {
            let mut kept = (0..BATCHES_PER_TURN).map_while(|_| input.keep_from(is_awaited));
            kept.by_ref().for_each(drop);
            continue;
        }
        for _ in 0..BATCHES_PER_TURN {
            let Some(came) = input.next(is_awaited) else {
                break;
            };
            let mut restarted = came.restarted;
            for piece in came.pieces() {
                let from = OnAir::Input(input.lane);
                let restarted = core::mem::take(&mut restarted);
                if let Some(rehearsal) = rehearsal {
                    rehearsal.shadow.push(from, piece.clone(), restarted);
                }
                program.push(from, piece, restarted);
            }
        }
    }
}

/// What a program shows, with the place in the order of preference instead of the lane.
fn preferred(inputs: &[Input], on_air: OnAir) -> OnAir {
    let OnAir::Input(lane) = on_air else {
        return on_air;
    };
    let place = inputs.iter().position(|input| input.lane == lane);
    place.map_or(OnAir::Nothing, OnAir::Input)
}

/// The other way round.
fn lane_of(inputs: &[Input], wanted: OnAir) -> OnAir {
    let OnAir::Input(place) = wanted else {
        return wanted;
    };
    let lane = inputs.get(place).map(|input| input.lane);
    lane.map_or(OnAir::Nothing, OnAir::Input)
}
