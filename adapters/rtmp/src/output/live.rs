//! A connection while it is live: frames out, the platform's word in, and who waits too long.

use core::sync::atomic::Ordering;
use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use tidegate_engine::{Batch, Ended, Frame, Gap, OutputContext, Reader, RunError};
use tidegate_flv::MessageKind;
use tidegate_net::Stream;
use tidegate_rtmp::MediaKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf};
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::RtmpOutput;
use super::feeder::{Fed, Feeder};
use super::limits::{CHECK_INTERVAL, GOODBYE_TIME, READ_BYTES, SEND_TIME, SOON};
use super::publish::Line;
use super::words;

/// One live connection.
pub(crate) struct Live<'a> {
    pub(crate) output: &'a RtmpOutput,
    pub(crate) context: &'a OutputContext,
    pub(crate) reader: &'a mut Reader<Frame>,
    pub(crate) feeder: &'a mut Feeder,
    pub(crate) line: Line,
    began: Instant,
    out: Outgoing,
    /// What [`Reader::lost`] said last.
    lost: u64,
}

/// What is being written.
struct Outgoing {
    bytes: Bytes,
    /// TLS may hold back what it was given.
    unflushed: bool,
    progress: Instant,
    /// Accepted since it was last told.
    accepted: u64,
}

/// What woke the connection.
enum Woken {
    Stop,
    Written(io::Result<()>),
    Stalled,
    Read(io::Result<usize>),
    Batch(Arc<Batch<Frame>>),
    Tick,
}

impl<'a> Live<'a> {
    pub(crate) fn new(
        output: &'a RtmpOutput,
        context: &'a OutputContext,
        reader: &'a mut Reader<Frame>,
        feeder: &'a mut Feeder,
        line: Line,
    ) -> Self {
        let now = Instant::now();
        Self {
            output,
            context,
            lost: reader.lost(),
            reader,
            feeder,
            line,
            began: now,
            out: Outgoing {
                bytes: Bytes::new(),
                unflushed: false,
                progress: now,
                accepted: 0,
            },
        }
    }

    /// Runs until it is told to stop or the connection ends.
    pub(crate) async fn run(mut self) -> Result<Ended, RunError> {
        self.show();
        self.catch_up();
        let mut buffer = [0; READ_BYTES];
        let mut ticks = interval(CHECK_INTERVAL);
        loop {
            self.out.refill(&mut self.line);
            let is_writing = self.out.is_busy();
            let patience_ends = self.out.progress + SEND_TIME;
            let woken = tokio::select! {
                biased;
                () = self.context.stop.cancelled() => Woken::Stop,
                written = self.out.write(&mut self.line.to), if is_writing => Woken::Written(written),
                () = sleep_until(patience_ends), if is_writing => Woken::Stalled,
                count = self.line.from.read(&mut buffer) => Woken::Read(count),
                batch = self.reader.next(), if !is_writing => Woken::Batch(batch),
                _ = ticks.tick() => Woken::Tick,
            };
            self.account();
            match woken {
                Woken::Stop => {
                    self.say_goodbye().await;
                    return Ok(Ended::Stopped);
                }
                Woken::Written(Ok(())) => {}
                Woken::Written(Err(error)) => return Err(self.lost(Some(&error))),
                // It may have taken some since the wait began.
                Woken::Stalled if self.out.progress.elapsed() < SEND_TIME => {}
                Woken::Stalled => return Err(words::stalled(&self.output.target)),
                Woken::Read(Ok(0)) => return Err(self.lost(None)),
                Woken::Read(Err(error)) => return Err(self.lost(Some(&error))),
                Woken::Read(Ok(count)) => self.listen(&buffer[..count])?,
                Woken::Batch(batch) => self.take(&batch, self.reader.gap()),
                Woken::Tick => {
                    self.count_lost(0);
                    self.output.compare(self.context, self.feeder);
                }
            }
        }
    }

    /// What waited during the call: from its last key frame on, so that the picture stands at
    /// once and nothing is late.
    fn catch_up(&mut self) {
        let mut waiting: Vec<(Arc<Batch<Frame>>, Gap)> = Vec::new();
        while let Some(batch) = self.reader.try_next() {
            self.feeder.look(&batch);
            if self.feeder.can_begin(&batch) {
                waiting.clear();
            }
            waiting.push((batch, self.reader.gap()));
        }
        self.lost = self.reader.lost();
        for (batch, gap) in waiting {
            self.take(&batch, gap);
        }
    }

    fn take(&mut self, batch: &Batch<Frame>, gap: Gap) {
        let fed = self.feeder.take(batch, gap);
        let session = &mut self.line.session;
        if let Some(metadata) = &fed.metadata {
            session.send_metadata(metadata.to_pairs());
        }
        for message in &fed.messages {
            let kind = match message.kind {
                MessageKind::Audio => MediaKind::Audio,
                MessageKind::Video => MediaKind::Video,
            };
            session.send_media(kind, message.timestamp_ms, &[&message.body]);
        }
        self.count(&fed);
        if fed.selection_changed {
            self.show();
        }
    }

    /// Counts what was left out, and what the queue has lost since: also while nothing goes out.
    fn count_lost(&mut self, left_out: u64) {
        let figures = &self.output.figures;
        let lost = self.reader.lost();
        let dropped = left_out + (lost - self.lost);
        self.lost = lost;
        if dropped > 0 {
            self.context.report.lost(dropped);
            figures.frames_dropped.fetch_add(dropped, Ordering::Relaxed);
        }
        let queued = self.reader.queued_batches() as u64;
        figures.queued_batches.store(queued, Ordering::Relaxed);
    }

    fn count(&mut self, fed: &Fed) {
        self.count_lost(fed.dropped);
        let figures = &self.output.figures;
        figures.frames_sent.fetch_add(fed.frames, Ordering::Relaxed);
        if fed.broke.is_none() && fed.frames == 0 {
            return;
        }
        let mut now = figures.now();
        if fed.frames > 0 && now.first_frame_ms.is_none() {
            let waited = self.began.elapsed() + self.output.called_for();
            now.first_frame_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
        }
        if let Some(broke) = fed.broke {
            now.breaks += 1;
            now.last_break = Some(broke.to_string());
        }
    }

    fn account(&mut self) {
        let accepted = core::mem::take(&mut self.out.accepted);
        if accepted > 0 {
            self.context.report.delivered(accepted);
        }
    }

    fn listen(&mut self, mut input: &[u8]) -> Result<(), RunError> {
        while let Some(_event) = self
            .line
            .session
            .read(&mut input)
            .map_err(|error| words::of_session(&self.output.target, &error))?
        {}
        Ok(())
    }

    fn lost(&self, why: Option<&io::Error>) -> RunError {
        // The kernel has waited for the same time, and given up first.
        if why.is_some_and(|why| why.kind() == io::ErrorKind::TimedOut) {
            return words::stalled(&self.output.target);
        }
        words::lost(&self.output.target, self.began.elapsed() < SOON, why)
    }

    /// Shows what goes out and what does not.
    fn show(&self) {
        self.output.show(self.context, self.feeder.selection());
    }

    async fn say_goodbye(&mut self) {
        self.line.session.unpublish();
        let goodbye = async {
            self.out.write(&mut self.line.to).await?;
            self.out.refill(&mut self.line);
            self.out.write(&mut self.line.to).await?;
            self.line.to.shutdown().await
        };
        // A platform that does not take it learns by the end of the connection.
        let _ = timeout(GOODBYE_TIME, goodbye).await;
    }
}

impl Outgoing {
    fn is_busy(&self) -> bool {
        self.unflushed || !self.bytes.is_empty()
    }

    /// Takes what the session wants to say, once everything before is written.
    fn refill(&mut self, line: &mut Line) {
        if !self.is_busy() && line.session.output_len() > 0 {
            self.bytes = line.session.take_output();
            self.unflushed = true;
            self.progress = Instant::now();
        }
    }

    /// Writes all of it. Can be cancelled at any time; what was written is remembered.
    async fn write(&mut self, to: &mut WriteHalf<Stream>) -> io::Result<()> {
        while !self.bytes.is_empty() {
            let count = to.write(&self.bytes).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.bytes.advance(count);
            self.accepted += count as u64;
            self.progress = Instant::now();
        }
        to.flush().await?;
        self.unflushed = false;
        Ok(())
    }
}
