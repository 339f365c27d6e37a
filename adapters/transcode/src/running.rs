use crate::failure;
use crate::intake::Intake;
use crate::limits::{HELD_BYTES, HOLD, LOOK_INTERVAL, START_WAIT, TURN};
use crate::line::{Line, Next};
use crate::outlet::Outlet;
use crate::voices::Voices;
use serde_json::json;
use std::sync::Arc;
use tidegate_codecs::Codec;
use tidegate_engine::{
    Batch, Connection, Ended, Reader, ReaderOptions, RunError, SourceContext, TsChunk, limits,
};
use tidegate_ffmpeg::slate::AudioCodec;
use tidegate_ffmpeg::sound::{Said, SoundFormat};
use tidegate_ffmpeg::{Ffmpeg, FfmpegError};
use tidegate_mpegts::{Event, NewSound};
use tidegate_units::Instant;
use tokio::sync::mpsc;

/// One run.
///
/// ```text
///            something comes            every track is heard, or START_WAIT
/// SILENT ─────────────────────► BEGINS ─────────────────────────────────────► FLOWS
///    ▲                            │ nothing for MEDIA_GONE                      │
///    └────────────────────────────┴─────────────────────────────────────────────┘
/// ```
pub(crate) struct Running {
    context: SourceContext,
    source: String,
    format: SoundFormat,
    version: String,
    reader: Reader<TsChunk>,
    intake: Intake,
    voices: Voices,
    line: Line,
    outlet: Outlet,
    stage: Stage,
    last_came: Instant,
    next_look: Instant,
    /// What was said of its sound last: the PIDs that stay as they are, and whether there is any.
    told: Option<(Vec<u16>, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Silent,
    Begins { since: Instant },
    Flows,
}

impl Running {
    pub(crate) fn new(
        context: SourceContext,
        source: &str,
        format: SoundFormat,
        ffmpeg: Ffmpeg,
        version: String,
    ) -> (Self, mpsc::Receiver<(u64, Said)>) {
        let (voices, heard) = Voices::new(ffmpeg, format, context.events.clone(), &context.name);
        let reader = context.feeds.get(source).read_ts(ReaderOptions::default());
        let now = context.clock.now();
        let outlet = Outlet::new(context.feed.clone(), context.clock, new_sound(format));
        let running = Self {
            context,
            source: source.to_owned(),
            format,
            version,
            reader,
            intake: Intake::default(),
            voices,
            line: Line::default(),
            outlet,
            stage: Stage::Silent,
            last_came: now,
            next_look: now,
            told: None,
        };
        (running, heard)
    }

    pub(crate) async fn run(
        mut self,
        mut heard: mpsc::Receiver<(u64, Said)>,
    ) -> Result<Ended, RunError> {
        self.fall_silent();
        let stop = self.context.stop.clone();
        loop {
            let pause = self.pause();
            let turn = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Ended::Stopped),
                Some((number, said)) = heard.recv() => self.hear(number, said),
                batch = self.reader.next() => self.take(&batch),
                () = tokio::time::sleep(pause) => Ok(()),
            };
            turn.map_err(|error| failure::of_ffmpeg(&error))?;
            self.pass_on();
            self.look();
        }
    }

    fn take(&mut self, batch: &Arc<Batch<TsChunk>>) -> Result<(), FfmpegError> {
        let now = self.context.clock.now();
        self.last_came = now;
        if self.stage == Stage::Silent {
            self.stage = Stage::Begins { since: now };
            let reason = Some("ffmpeg starts".to_owned());
            self.context
                .report
                .connection(Connection::Connecting, reason);
        }
        let gap = self.reader.gap();
        let mut restarted = gap.restarted;
        let mut lost = u32::try_from(gap.lost).unwrap_or(u32::MAX);
        if restarted {
            self.intake.restart();
        }
        for chunk in batch.iter() {
            if lost > 0 || chunk.lost_before > 0 {
                self.intake.lost();
            }
            if let Some(mut held) = self.intake.take(chunk, now) {
                held.lost_before = held.lost_before.saturating_add(core::mem::take(&mut lost));
                held.restarted = core::mem::take(&mut restarted);
                self.line.hold(held);
            }
            while let Some(event) = self.intake.next_event() {
                match event {
                    Event::Tracks(_) => self.voices.follow(&self.intake),
                    Event::Unit(unit) => self.voices.push(unit, &self.intake)?,
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, number: u64, said: Said) -> Result<(), FfmpegError> {
        if let Some(frame) = self.voices.hear(number, said)? {
            self.line.wait(frame);
        }
        Ok(())
    }

    fn pass_on(&mut self) {
        let now = self.context.clock.now();
        if let Stage::Begins { since } = self.stage {
            let map = self.intake.map();
            let is_heard = map.is_complete() && self.voices.are_all_heard(map.sound());
            if !is_heard && now < since + START_WAIT {
                self.line.pass_over(now);
                return;
            }
            self.line.begin();
            self.outlet.restart();
            self.stage = Stage::Flows;
            self.context.report.connected(Some(self.source.clone()));
        }
        while let Some(next) = self.line.next(now) {
            match next {
                Next::Sound(frame) => self.outlet.sound(frame),
                Next::Packets(held) => {
                    if held.restarted {
                        self.outlet.restart();
                    }
                    self.outlet.packets(&held);
                }
            }
        }
        self.outlet.end_of_turn();
    }

    /// How long nothing is to be done unless something comes.
    fn pause(&self) -> core::time::Duration {
        let now = self.context.clock.now();
        let due = self.line.due().filter(|_| self.stage != Stage::Silent);
        let next = due.map_or(self.next_look, |due| due.min(self.next_look));
        next.saturating_since(now).max(TURN)
    }

    fn look(&mut self) {
        let now = self.context.clock.now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_INTERVAL;
        let is_silent = now.saturating_since(self.last_came) >= limits::MEDIA_GONE;
        if is_silent && self.stage != Stage::Silent {
            self.stage = Stage::Silent;
            self.fall_silent();
        }
        self.tell();
        self.show();
    }

    fn fall_silent(&self) {
        let reason = format!("the source {:?} carries nothing", self.source);
        let report = &self.context.report;
        report.connection(Connection::Disconnected, Some(reason));
    }

    /// Says once what of the sound is not transcoded.
    fn tell(&mut self) {
        let map = self.intake.map();
        if !map.is_complete() {
            return;
        }
        let now = (map.left_out().to_vec(), map.sound().is_empty());
        if self.told.as_ref() == Some(&now) {
            return;
        }
        let (left_out, is_mute) = &now;
        if !left_out.is_empty() {
            let codec = |pid: &u16| self.intake.track(*pid).map_or("sound", |t| t.codec.name());
            let named: Vec<String> = left_out
                .iter()
                .map(|pid| format!("{} on PID {pid}", codec(pid)))
                .collect();
            let named = named.join(", ");
            self.voices
                .tell(format!("Not transcoded, but passed on as it is: {named}."));
        } else if *is_mute {
            let source = &self.source;
            let message = format!("The source {source:?} has no sound; all else is passed on.");
            self.voices.tell(message);
        }
        self.told = Some(now);
    }

    fn show(&self) {
        let map = self.intake.map();
        let details = json!({
            "source": self.source,
            "audio": self.format.to_string(),
            "ffmpeg": self.version,
            "has_sound": map.is_complete().then(|| !map.sound().is_empty()),
            "tracks": self.voices.shown(),
            "left_as_they_are": map.left_out(),
            "hold_ms": HOLD.as_millis() as u64,
            "held_bytes": self.line.held_bytes(),
            "held_bytes_max": HELD_BYTES,
            "went_early": self.line.early(),
            "late_frames": self.line.late(),
            "lost_packets": self.reader.lost(),
        });
        self.context.report.detail("transcode", details);
    }
}

fn new_sound(format: SoundFormat) -> NewSound {
    let codec = match format.codec {
        AudioCodec::Aac => Codec::Aac,
        AudioCodec::Opus => Codec::Opus,
        AudioCodec::Mp2 | AudioCodec::Mp3 => Codec::MpegAudio,
        AudioCodec::Ac3 => Codec::Ac3,
        AudioCodec::Eac3 => Codec::Eac3,
    };
    NewSound::of(codec, format.channels as u8)
}
