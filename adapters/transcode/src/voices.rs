use crate::intake::Intake;
use crate::limits::SAID;
use crate::line::Waiting;
use crate::voice::{Voice, described};
use serde_json::Value;
use tidegate_engine::{EventKind, EventSink, Subject};
use tidegate_ffmpeg::sound::{Place, Said, SoundFormat, Transcoder};
use tidegate_ffmpeg::{Ffmpeg, FfmpegError};
use tidegate_mpegts::AccessUnit;
use tokio::sync::mpsc;

/// All tracks of sound, at most [`tidegate_mpegts::MAX_SWAPPED`]: no others are demultiplexed.
#[derive(Debug)]
pub(crate) struct Voices {
    ffmpeg: Ffmpeg,
    format: SoundFormat,
    list: Vec<Voice>,
    /// Whose codec is not that of their track any more: they give back what they still have.
    leaving: Vec<Voice>,
    /// Numbers children, so that words of one that is gone are known as such.
    started: u64,
    said: mpsc::Sender<(u64, Said)>,
    events: EventSink,
    source: String,
}

impl Voices {
    pub(crate) fn new(
        ffmpeg: Ffmpeg,
        format: SoundFormat,
        events: EventSink,
        source: &str,
    ) -> (Self, mpsc::Receiver<(u64, Said)>) {
        let (said, heard) = mpsc::channel(SAID);
        let voices = Self {
            ffmpeg,
            format,
            list: Vec::new(),
            leaving: Vec::new(),
            started: 0,
            said,
            events,
            source: source.to_owned(),
        };
        (voices, heard)
    }

    /// Those whose tracks are gone end.
    pub(crate) fn follow(&mut self, intake: &Intake) {
        let map = intake.map();
        if map.is_complete() {
            self.list.retain(|voice| map.is_sound(voice.pid));
            self.leaving.retain(|voice| map.is_sound(voice.pid));
        }
    }

    /// A frame of the stream goes to its ffmpeg, which is started when there is none.
    pub(crate) fn push(&mut self, unit: AccessUnit, intake: &Intake) -> Result<(), FfmpegError> {
        let track = intake.track(unit.pid);
        let Some(config) = track.and_then(|track| track.config) else {
            return Ok(());
        };
        let known = self.list.iter().position(|voice| voice.pid == unit.pid);
        let changed = known.filter(|&at| self.list[at].codec != config.codec());
        let mut follows = None;
        if let Some(at) = changed {
            let mut gone = self.list.swap_remove(at);
            self.tell(format!(
                "The sound on PID {} changed from {} to {}, and ffmpeg begins anew with it.",
                unit.pid,
                gone.was,
                described(&config)
            ));
            follows = gone.ends_at();
            gone.transcoder.finish();
            self.leaving.retain(|voice| voice.pid != gone.pid);
            self.leaving.push(gone);
        }
        let known = known.filter(|_| changed.is_none());
        let at = match known {
            Some(at) => at,
            None => {
                self.started += 1;
                let (number, said) = (self.started, self.said.clone());
                let transcoder =
                    Transcoder::start(&self.ffmpeg, self.format, &config, number, said)?;
                let voice = Voice::new(unit.pid, &config, transcoder, follows);
                self.list.push(voice);
                self.list.len() - 1
            }
        };
        let voice = &mut self.list[at];
        voice.frames_in += 1;
        voice.was = described(&config);
        let place = Place {
            pts: unit.pts,
            arrived: unit.stamp.arrived,
            due: unit.stamp.due,
        };
        voice.transcoder.push(&config, place, unit.data)
    }

    /// What a child said; `None` if it is a child no more, or its sound is there already.
    pub(crate) fn hear(&mut self, number: u64, said: Said) -> Result<Option<Waiting>, FfmpegError> {
        let is_it = |voice: &Voice| voice.transcoder.number() == number;
        if let Some(at) = self.leaving.iter().position(is_it) {
            return Ok(self.hear_leaving(at, said));
        }
        let voice = self.list.iter_mut().find(|voice| is_it(voice));
        match (voice, said) {
            (None, _) => Ok(None),
            (Some(voice), Said::Frame(frame)) => {
                let heard = voice.hear(frame)?;
                // Two at a time would not be in order.
                self.leaving.retain(|other| other.pid != heard.pid);
                Ok(voice.begins_with(heard))
            }
            (Some(_), Said::Ended(exit)) => Err(FfmpegError::Failed(exit.words)),
        }
    }

    /// The end of what it was given. How it ends does not matter any more.
    fn hear_leaving(&mut self, at: usize, said: Said) -> Option<Waiting> {
        let heard = match said {
            Said::Frame(frame) => self.leaving[at].hear(frame).ok(),
            Said::Ended(_) => None,
        };
        let Some(heard) = heard else {
            self.leaving.swap_remove(at);
            return None;
        };
        let next = self.list.iter_mut().find(|voice| voice.pid == heard.pid);
        if let Some(next) = next {
            next.follows = self.leaving[at].ends_at();
        }
        Some(heard)
    }

    /// Whether every track of the stream has an ffmpeg that gives sound back.
    pub(crate) fn are_all_heard(&self, tracks: &[u16]) -> bool {
        tracks.iter().all(|pid| {
            let mut list = self.list.iter();
            let voice = list.find(|voice| voice.pid == *pid);
            voice.is_some_and(|voice| voice.transcoder.is_answered())
        })
    }

    pub(crate) fn shown(&self) -> Vec<Value> {
        self.list.iter().map(Voice::shown).collect()
    }

    pub(crate) fn tell(&self, message: String) {
        let subject = Subject::source(&*self.source);
        self.events.emit(subject, EventKind::Notice { message });
    }
}
