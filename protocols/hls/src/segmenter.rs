mod handover;

use std::sync::Arc;

use bytes::Bytes;
use tidegate_fmp4::Fragmenter;
use tidegate_units::Duration;

use handover::Handover;

use crate::open::Open;
use crate::playlist;
use crate::selection::{Role, Selection, Track};
use crate::window::{Init, Segment, Window};

const TICKS_PER_SECOND: i64 = 90_000;
/// The output's clock begins here, so that nothing has to lie before its zero.
const FIRST_TICKS: i64 = TICKS_PER_SECOND;
/// A step of the leading track's clock beyond this is a break of the timeline …
const LONGEST_STEP_TICKS: i64 = 2 * TICKS_PER_SECOND;
/// … and so is a step back beyond this; a smaller one is straightened.
const LONGEST_STEP_BACK_TICKS: i64 = TICKS_PER_SECOND / 2;
/// Sound further than this from the picture is of another timeline and left out.
const FARTHEST_AUDIO_TICKS: i64 = 10 * TICKS_PER_SECOND;
/// A key frame this much before the target is taken: the next may be far behind it.
const EARLY_CUT_QUARTERS: i64 = 3;

/// How to segment.
#[derive(Clone, Debug)]
pub struct SegmenterConfig {
    /// How long segments should be; they end at key frames near it.
    pub target: Duration,
    /// How long a segment may become where no key frame comes.
    pub longest: Duration,
    /// How many segments the playlist lists.
    pub window: usize,
    /// How many more can still be fetched after they left the list.
    pub keep: usize,
    /// How large a segment may become.
    pub max_segment_bytes: usize,
    /// The number of the first segment. A successor of an earlier segmenter of the same name
    /// must not begin at zero again: players and caches know the old names.
    pub first_sequence: u64,
}

impl Default for SegmenterConfig {
    fn default() -> Self {
        Self {
            target: Duration::from_secs(2),
            longest: Duration::from_secs(6),
            window: 6,
            keep: 4,
            max_segment_bytes: 64 * 1024 * 1024,
            first_sequence: 0,
        }
    }
}

/// One frame of the feed. Times are on a 90 kHz clock without wraps.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The track it belongs to.
    pub track: u16,
    /// Presentation time.
    pub pts: i64,
    /// Decoding time.
    pub dts: i64,
    /// Decoding can begin here.
    pub key: bool,
    /// Video in Annex B; audio as raw frames.
    pub data: Bytes,
}

/// Cuts the frames of a live feed into segments.
///
/// ```text
///             key frame (or sound alone)        key frame near the target, longest reached
///  WAITING ──────────────────────────────► OPEN ───────────────────────────────────────┐
///     ▲                                      │ ▲                                        │
///     │   another configuration, a break     │ └──────── segment finished ──────────────┘
///     └──── of the timeline, end() ──────────┘
///           segment finished, discontinuity
/// ```
///
/// Where only the configuration changes and the feed's clock goes on, late sound of the old one is
/// waited for ([`Handover`]), and nothing lacks between the two sides.
#[derive(Debug)]
pub struct Segmenter {
    config: SegmenterConfig,
    tracks: Vec<Track>,
    selection: Selection,
    /// What the present initialisation segment belongs to.
    session: Option<Session>,
    open: Option<Open>,
    /// Other tracks were told; what is open still lacks its last sound.
    handover: Option<Handover>,
    /// How the feed's clock maps to the output's; unknown while waiting.
    timeline: Option<Timeline>,
    /// Decoding time of the last video and the last audio frame taken.
    last_video: Option<i64>,
    last_audio: Option<i64>,
    /// The first sound since the last picture.
    still_since: Option<i64>,
    /// Where the output's clock has got to.
    output_end: i64,
    discontinuity: bool,
    next_sequence: u64,
    next_init: u64,
    window: Window,
    problem: Option<String>,
}

/// A stretch of the feed without a break.
#[derive(Clone, Copy, Debug)]
struct Timeline {
    /// The feed's time where it begins to be seen or heard.
    start: i64,
    /// The feed's time of the output's zero.
    epoch: i64,
    /// How long before it is shown a key frame is decoded.
    reordering: i64,
}

#[derive(Debug)]
struct Session {
    fragmenter: Fragmenter,
    init: Arc<Init>,
    selection: Selection,
}

impl Segmenter {
    /// A segmenter that has seen nothing.
    #[must_use]
    pub fn new(config: SegmenterConfig) -> Self {
        Self {
            window: Window::new(config.window, config.keep, config.target),
            next_sequence: config.first_sequence,
            // Initialisation segments are named apart from an earlier segmenter's, too.
            next_init: config.first_sequence,
            config,
            tracks: Vec::new(),
            selection: Selection::default(),
            session: None,
            open: None,
            handover: None,
            timeline: None,
            last_video: None,
            last_audio: None,
            still_since: None,
            output_end: FIRST_TICKS,
            discontinuity: false,
            problem: None,
        }
    }

    /// Tells the tracks of the feed; call whenever they change, before the first frame they
    /// apply to.
    pub fn set_tracks(&mut self, tracks: &[Track]) {
        if self.tracks == tracks {
            return;
        }
        self.tracks = tracks.to_vec();
        let selection = Selection::of(tracks);
        if selection == *self.coming() {
            return;
        }
        if let Some(handover) = &mut self.handover {
            if handover.is_of_the_same_picture(&selection) {
                handover.sound_changes(selection);
                if handover.is_over() {
                    self.hand_over();
                }
                return;
            }
            self.hand_over();
        }
        self.change(selection);
    }

    /// The selection changes from the next frame on.
    fn change(&mut self, selection: Selection) {
        let has_picture = self
            .open
            .as_ref()
            .is_some_and(|open| !open.video.is_empty());
        let picture_changes = self.selection.video != selection.video;
        if self.session.is_some() || (picture_changes && has_picture) {
            if has_picture && selection.video.is_some() {
                return self.begin_handover(selection);
            }
            self.end();
            self.session = None;
        } else if self.selection.audio != selection.audio
            && let Some(open) = &mut self.open
        {
            // Nothing was published yet: better sound only came to be known.
            open.audio.clear();
        }
        self.selection = selection;
    }

    /// Takes a frame; whether a segment was finished by it.
    pub fn push(&mut self, frame: Frame) -> bool {
        let before = self.next_sequence;
        if self.handover.is_some() {
            self.push_while_handing_over(frame);
        } else {
            self.take(frame);
        }
        self.next_sequence != before
    }

    fn take(&mut self, frame: Frame) {
        match self.selection.role(frame.track) {
            Some(Role::Video) => self.push_video(frame),
            Some(Role::Audio) => self.push_audio(frame),
            None => {}
        }
    }

    /// The feed has ended or broken off: what is open is finished, and what may come later
    /// does not continue it.
    pub fn end(&mut self) {
        self.hand_over();
        let end = self.open.as_ref().map(Open::natural_end);
        self.finish_side(end);
    }

    /// Finishes what is open; what follows is behind a discontinuity.
    fn finish_side(&mut self, end: Option<i64>) {
        if let Some(open) = &mut self.open {
            open.is_last = true;
        }
        if let Some(end) = end {
            self.cut(end);
        }
        self.open = None;
        self.timeline = None;
        self.last_video = None;
        self.last_audio = None;
        self.discontinuity = !self.window.is_empty();
        if let Some(session) = &mut self.session {
            session.fragmenter.restart();
        }
    }

    /// The media playlist; `None` before the first segment.
    #[must_use]
    pub fn playlist(&self) -> Option<String> {
        playlist::media(&self.window)
    }

    /// The multivariant playlist, which names the media playlist `media_uri`; `None` before
    /// the first segment.
    #[must_use]
    pub fn master(&self, media_uri: &str) -> Option<String> {
        let selection = self
            .session
            .as_ref()
            .map_or(&self.selection, |s| &s.selection);
        playlist::multivariant(&self.window, selection, media_uri)
    }

    /// The bytes of a segment or an initialisation segment, by its name in the playlist.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<Bytes> {
        self.window.find(name)
    }

    /// Tracks that are in the feed but not in the segments, by the names of their codecs.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let taken = |track: &&Track| self.coming().role(track.id).is_none();
        let media = self
            .tracks
            .iter()
            .filter(|track| track.codec.kind() != tidegate_codecs::Kind::Data);
        media.filter(taken).map(playlist::track_name).collect()
    }

    /// Why no segments come although frames do.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn push_video(&mut self, mut frame: Frame) {
        if let Some(last) = self.last_video {
            let step = frame.dts.saturating_sub(last);
            if !(-LONGEST_STEP_BACK_TICKS..=LONGEST_STEP_TICKS).contains(&step) {
                self.end();
            } else if step <= 0 {
                frame.dts = last + 1;
            }
        }
        let begins = self.timeline.map(|timeline| timeline.start);
        if !frame.key && begins.is_some_and(|begins| frame.pts < begins) {
            return; // it leads the first key frame, and lacks what it refers to
        }
        frame.pts = frame.pts.max(frame.dts);
        let elapsed = self
            .open
            .as_ref()
            .map(|open| frame.dts.saturating_sub(open.start));
        let due = elapsed.is_some_and(|elapsed| {
            frame.key && elapsed >= ticks(self.config.target) * EARLY_CUT_QUARTERS / 4
                || elapsed >= ticks(self.config.longest)
        });
        if due || self.is_full() {
            self.cut(frame.dts);
            self.open = self.timeline.map(|_| Open::new(frame.dts, frame.key));
        }
        if self.open.is_none() {
            if !frame.key {
                return;
            }
            self.begin(&mut frame);
        }
        self.last_video = Some(frame.dts);
        self.still_since = None;
        self.add(Role::Video, frame);
    }

    fn push_audio(&mut self, mut frame: Frame) {
        frame.dts = frame.pts;
        if self.selection.video.is_some() {
            self.push_sound_of_picture(frame);
            return;
        }
        if Selection::is_waiting_for_video(&self.tracks) && self.session.is_none() {
            let since = *self.still_since.get_or_insert(frame.pts);
            if (0..ticks(self.config.longest)).contains(&frame.pts.saturating_sub(since)) {
                return; // the picture announced may yet come
            }
        }
        if let Some(last) = self.last_audio {
            let step = frame.pts.saturating_sub(last);
            if !(-LONGEST_STEP_BACK_TICKS..=LONGEST_STEP_TICKS).contains(&step) {
                self.end();
            } else if step <= 0 {
                return; // said already
            }
        }
        let elapsed = self
            .open
            .as_ref()
            .map(|open| frame.pts.saturating_sub(open.start));
        if elapsed.is_some_and(|elapsed| elapsed >= ticks(self.config.target)) || self.is_full() {
            self.cut(frame.pts);
            self.open = self.timeline.map(|_| Open::new(frame.pts, true));
        }
        if self.open.is_none() {
            self.begin(&mut frame);
        }
        self.last_audio = Some(frame.pts);
        self.add(Role::Audio, frame);
    }

    /// Sound follows the picture: it goes into whatever segment the picture has open.
    fn push_sound_of_picture(&mut self, frame: Frame) {
        let (Some(_), Some(timeline), Some(video)) = (&self.open, self.timeline, self.last_video)
        else {
            return; // nothing to be heard before something is to be seen
        };
        let since = *self.still_since.get_or_insert(frame.pts);
        if frame.pts.saturating_sub(since) > ticks(self.config.longest) || self.is_full() {
            // The picture stands still; all begins anew with its next key frame.
            self.still_since = None;
            self.end();
            return;
        }
        let far = frame.pts.saturating_sub(video).saturating_abs() > FARTHEST_AUDIO_TICKS;
        let early = frame.pts < timeline.start;
        if far || early || self.last_audio.is_some_and(|last| frame.pts <= last) {
            return;
        }
        self.last_audio = Some(frame.pts);
        self.add(Role::Audio, frame);
    }

    fn add(&mut self, role: Role, frame: Frame) {
        if let Some(open) = &mut self.open {
            open.push(role, frame);
        }
    }

    fn is_full(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.bytes >= self.config.max_segment_bytes)
    }

    /// Opens a segment that does not continue another: the time at which this frame is shown or
    /// heard becomes the output's next.
    ///
    /// Players join what follows a discontinuity by its first decoding time to the last moment shown
    /// before it. So the first picture is decoded when it is shown, and those behind it, which were to
    /// be decoded before that, at once. (Moving all decoding times alike would make offsets negative:
    /// ffmpeg and GStreamer then show pictures later, and leave the sound where it is.)
    fn begin(&mut self, frame: &mut Frame) {
        let reordering = frame.pts.saturating_sub(frame.dts);
        let is_plausible = (0..LONGEST_STEP_BACK_TICKS).contains(&reordering);
        let reordering = if is_plausible { reordering } else { 0 };
        self.open = Some(Open::new(frame.dts, true));
        frame.dts = frame.dts.saturating_add(reordering);
        self.timeline = Some(Timeline {
            start: frame.dts,
            epoch: frame.dts.saturating_sub(self.output_end),
            reordering,
        });
    }

    /// Finishes the open segment at `end`.
    fn cut(&mut self, end: i64) {
        let (Some(mut open), Some(timeline)) = (self.open.take(), self.timeline) else {
            return;
        };
        let epoch = timeline.epoch;
        if open.video.is_empty() && open.audio.is_empty() {
            return;
        }
        let session = match self.session.take().map_or_else(|| self.new_session(), Ok) {
            Ok(session) => self.session.insert(session),
            Err(problem) => {
                self.problem = Some(problem);
                self.timeline = None;
                return;
            }
        };
        // Segments follow one another by decoding times, up to the end of what is shown.
        let ahead = if open.is_last { timeline.reordering } else { 0 };
        let length = end.saturating_sub(ahead).saturating_sub(open.start).max(1);
        open.settle(end, epoch);
        let mut samples = Vec::new();
        samples.extend(session.selection.video.is_some().then_some(&open.video[..]));
        samples.extend(session.selection.audio.is_some().then_some(&open.audio[..]));
        let init = Arc::clone(&session.init);
        match session.fragmenter.fragment(&samples) {
            Ok(bytes) => self.finish(&open, length, init, bytes),
            Err(error) => self.problem = Some(error.to_string()),
        }
        self.output_end = end.saturating_sub(epoch);
    }

    fn finish(&mut self, open: &Open, length: i64, init: Arc<Init>, bytes: Bytes) {
        self.problem = None;
        let micros = length.unsigned_abs().saturating_mul(100) / 9;
        self.window.push(Segment {
            sequence: self.next_sequence,
            duration: Duration::from_micros(micros),
            discontinuity: core::mem::take(&mut self.discontinuity),
            independent: open.independent,
            init,
            bytes,
        });
        self.next_sequence += 1;
    }

    /// An initialisation segment for the chosen tracks.
    fn new_session(&mut self) -> Result<Session, String> {
        let fragmenter =
            Fragmenter::new(self.selection.specs()).map_err(|error| error.to_string())?;
        let init = Arc::new(Init {
            number: self.next_init,
            bytes: fragmenter.init_segment(),
        });
        self.next_init += 1;
        Ok(Session {
            fragmenter,
            init,
            selection: self.selection.clone(),
        })
    }
}

fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros() * 9 / 100).unwrap_or(i64::MAX)
}
