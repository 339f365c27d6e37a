use super::SoundFormat;
use super::ledger::{Ledger, Place};
use crate::limits::{INPUT_FRAMES, READ_BYTES};
use crate::{Child, ChildStdin, ChildStdout, Exit, Ffmpeg, FfmpegError};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tidegate_codecs::StreamConfig;
use tidegate_mpegts::{Demux, Event, Mux, MuxTrack, MuxUnit, Stamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Its only track, on the way to ffmpeg.
const TRACK: u16 = 0;
/// What a frame is taken to last whose codec does not say: Opus' usual 20 ms.
const USUAL_TICKS: i64 = 1_800;
const TICKS_PER_SECOND: i64 = 90_000;

/// One track of sound on its way through a child of its own. Dropped, the child is killed.
#[derive(Debug)]
pub struct Transcoder {
    number: u64,
    child: Option<u32>,
    mux: Mux,
    config: Arc<StreamConfig>,
    ledger: Ledger,
    /// `None` once it was told to finish.
    input: Option<mpsc::Sender<Bytes>>,
    tasks: [JoinHandle<()>; 2],
}

/// What a child says.
#[derive(Debug)]
pub enum Said {
    /// A frame, on ffmpeg's own clock.
    Frame(Frame),
    /// It has ended, which it should not.
    Ended(Exit),
}

/// A frame of the new sound.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What a decoder needs.
    pub config: Arc<StreamConfig>,
    /// On ffmpeg's clock: [`Transcoder::place`] knows better.
    pub pts: i64,
    /// The frame, without framing.
    pub data: Bytes,
}

impl Transcoder {
    /// Starts a child for sound of `config`. What it says goes to `said`, with this number.
    ///
    /// # Errors
    /// If it cannot be started, or the sound cannot be handed to it.
    pub fn start(
        ffmpeg: &Ffmpeg,
        format: SoundFormat,
        config: &Arc<StreamConfig>,
        number: u64,
        said: mpsc::Sender<(u64, Said)>,
    ) -> Result<Self, FfmpegError> {
        let mut mux = Mux::new();
        announce(&mut mux, config)?;
        let mut child = ffmpeg.start(&format.job())?;
        let no_pipe = || FfmpegError::Failed("it has no pipes".into());
        let stdin = child.take_input().ok_or_else(no_pipe)?;
        let stdout = child.take_output().ok_or_else(no_pipe)?;
        let id = child.id();
        let (input, inputs) = mpsc::channel(INPUT_FRAMES);
        let tasks = [
            tokio::spawn(write(stdin, inputs)),
            tokio::spawn(listen(child, stdout, number, said)),
        ];
        Ok(Self {
            number,
            child: id,
            mux,
            config: Arc::clone(config),
            ledger: Ledger::default(),
            input: Some(input),
            tasks,
        })
    }

    /// A frame of the stream. Its codec is that of the beginning; what else its configuration
    /// says may change.
    ///
    /// # Errors
    /// If ffmpeg gives nothing back for what it got, or takes no more.
    pub fn push(
        &mut self,
        config: &Arc<StreamConfig>,
        place: Place,
        data: Bytes,
    ) -> Result<(), FfmpegError> {
        if !Arc::ptr_eq(config, &self.config) {
            self.config = Arc::clone(config);
            announce(&mut self.mux, config)?;
        }
        let Some(pts) = self.ledger.enter(place, duration(config)) else {
            return Err(FfmpegError::Stuck);
        };
        let unit = MuxUnit {
            track: TRACK,
            pts,
            dts: pts,
            key: true,
            data,
        };
        let mut packets = BytesMut::new();
        self.mux.push(&unit, &mut packets);
        let Some(input) = &self.input else {
            return Ok(());
        };
        match input.try_send(packets.freeze()) {
            // Why its pipe is closed it says itself.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(FfmpegError::Stuck),
        }
    }

    /// Nothing more is pushed: it gives back what it still has, and ends.
    pub fn finish(&mut self) {
        self.input = None;
    }

    /// Where a frame that it gave belongs in the stream.
    ///
    /// # Errors
    /// If that is nowhere.
    pub fn place(&mut self, frame: &Frame) -> Result<Place, FfmpegError> {
        self.ledger.find(frame.pts).ok_or(FfmpegError::Confused)
    }

    /// The number that its words carry.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The child's process id.
    #[must_use]
    pub const fn child(&self) -> Option<u32> {
        self.child
    }

    /// Whether it has given anything.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.ledger.is_answered()
    }

    /// How often the stream's clock jumped on the way in.
    #[must_use]
    pub const fn jumps(&self) -> u64 {
        self.ledger.jumps()
    }
}

impl Drop for Transcoder {
    fn drop(&mut self) {
        // The one that listens holds the child.
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn announce(mux: &mut Mux, config: &Arc<StreamConfig>) -> Result<(), FfmpegError> {
    let track = MuxTrack {
        id: TRACK,
        config: Arc::clone(config),
        language: None,
    };
    let refused = |error: tidegate_mpegts::MuxError| FfmpegError::Failed(error.to_string());
    mux.set_tracks(&[track]).map_err(refused)
}

fn duration(config: &StreamConfig) -> i64 {
    let format = config.audio().map(|audio| &audio.format);
    let told = format.and_then(|format| {
        let samples = i64::from(format.samples_per_frame) * TICKS_PER_SECOND;
        samples.checked_div(i64::from(format.sample_rate_hz))
    });
    told.filter(|ticks| *ticks > 0).unwrap_or(USUAL_TICKS)
}

async fn write(mut stdin: ChildStdin, mut inputs: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = inputs.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return; // it has ended, and will say why
        }
    }
}

async fn listen(
    mut child: Child,
    mut stdout: ChildStdout,
    number: u64,
    said: mpsc::Sender<(u64, Said)>,
) {
    let mut demux = Demux::new();
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
        demux.push(Stamp::default(), &buffer[..count]);
        while let Some(event) = demux.next_event() {
            let Event::Unit(unit) = event else { continue };
            let track = demux.tracks().iter().find(|track| track.pid == unit.pid);
            let Some(config) = track.and_then(|track| track.config.clone()) else {
                continue;
            };
            let frame = Frame {
                config,
                pts: unit.pts,
                data: unit.data,
            };
            if said.send((number, Said::Frame(frame))).await.is_err() {
                return;
            }
        }
    }
    let exit = child.wait().await;
    // Nobody hears it any more: then nobody needs to.
    drop(said.send((number, Said::Ended(exit))).await);
}
