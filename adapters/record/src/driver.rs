use crate::disk::Disk;
use crate::folder::Folder;
use crate::recording::Recording;
use crate::settings::OutputSettings;
use crate::{failure, limits};
use core::fmt;
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tidegate_engine::{
    BoxFuture, Delivery, Ended, NoWake, OutputContext, OutputDriver, OutputReport, Parking, Reader,
    ReaderOptions, RunError, Severity, TsChunk, run_on_thread,
};

type OpenDisk = dyn Fn(&OutputContext, &OutputSettings) -> io::Result<Box<dyn Disk>> + Send + Sync;

/// One recording.
pub(crate) struct RecordOutput {
    settings: OutputSettings,
    open: Box<OpenDisk>,
}

impl RecordOutput {
    pub(crate) fn new(settings: OutputSettings) -> Self {
        Self::on(settings, |context, settings| {
            let keep = settings.keep.map(Into::into);
            let folder = Folder::open(&context.data_dir, &context.name, keep)?;
            Ok(Box::new(folder))
        })
    }

    /// The same on another kind of disk.
    pub(crate) fn on(
        settings: OutputSettings,
        open: impl Fn(&OutputContext, &OutputSettings) -> io::Result<Box<dyn Disk>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            settings,
            open: Box::new(open),
        }
    }
}

impl OutputDriver for RecordOutput {
    fn kind(&self) -> &'static str {
        "record"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        let name = format!("record-{}", context.name);
        let stop = context.stop.clone();
        Box::pin(async move {
            run_on_thread(&name, stop, move |parking| {
                let folder = format!("recordings/{}/", context.name);
                context.report.detail("folder", json!(folder));
                let outcome = self.record(&context, parking);
                outcome
                    .map(|()| Ended::Stopped)
                    .map_err(|error| failure::report(&error, &folder, &context.report))
            })
            .await
        })
    }
}

impl RecordOutput {
    fn record(&self, context: &OutputContext, parking: &Parking) -> io::Result<()> {
        let reader = context.route.read_ts(ReaderOptions {
            max_batches: limits::QUEUE_BATCHES,
            max_bytes: limits::QUEUE_BYTES,
            wake: Some(Arc::new(NoWake)),
            ..ReaderOptions::default()
        });
        let disk = (self.open)(context, &self.settings)?;
        let recording = Recording::new(disk, self.settings.segment.into());
        let mut writer = Writer::new(reader, recording, context.report.clone());
        context.report.up();
        while !parking.must_stop() {
            writer.turn(parking)?;
        }
        writer.end()
    }
}

/// What the recording's thread works with.
struct Writer {
    reader: Reader<TsChunk>,
    recording: Recording,
    report: OutputReport,
    flushed_at: Instant,
    synced_at: Instant,
    tidied_at: Instant,
    /// Since when everything has gone well, disk and queue.
    disk_good_since: Instant,
    queue_good_since: Instant,
    lost: u64,
}

impl Writer {
    fn new(reader: Reader<TsChunk>, recording: Recording, report: OutputReport) -> Self {
        let now = Instant::now();
        Self {
            reader,
            recording,
            report,
            flushed_at: now,
            synced_at: now,
            tidied_at: now,
            disk_good_since: now,
            queue_good_since: now,
            lost: 0,
        }
    }

    /// Takes in one batch, or waits for one; writes when it is time.
    fn turn(&mut self, parking: &Parking) -> io::Result<()> {
        if !self.take_batch()? {
            parking.wait(limits::LOOK_INTERVAL);
        }
        self.write_when_due(Instant::now())
    }

    /// False if there is none.
    fn take_batch(&mut self) -> io::Result<bool> {
        let Some(batch) = self.reader.try_next() else {
            return Ok(false);
        };
        if self.reader.gap().restarted {
            // Another connection begins another file.
            let written = self.recording.finish()?;
            self.report.delivered(written);
        }
        for chunk in batch.items() {
            let written = self.recording.push(chunk)?;
            self.report.delivered(written);
        }
        Ok(true)
    }

    fn write_when_due(&mut self, now: Instant) -> io::Result<()> {
        if now - self.flushed_at < limits::FLUSH_INTERVAL {
            return Ok(());
        }
        self.flushed_at = now;
        let written = self.recording.flush()?;
        self.report.delivered(written);
        self.report
            .detail("file", json!(self.recording.file_name()));
        if now - self.synced_at >= limits::SYNC_INTERVAL {
            self.recording.sync()?;
            self.synced_at = Instant::now();
        }
        if now - self.tidied_at >= limits::RETENTION_INTERVAL {
            self.recording.tidy()?;
            self.tidied_at = now;
        }
        if written == 0 {
            // Nothing came, so nothing was proved.
            self.disk_good_since += limits::FLUSH_INTERVAL;
        }
        self.watch(now);
        Ok(())
    }

    /// Sets and clears alarms.
    fn watch(&mut self, now: Instant) {
        let lost = self.reader.lost();
        if lost > self.lost {
            self.report.lost(lost - self.lost);
            self.lost = lost;
            self.queue_good_since = now;
            let advice = "The disk takes less than what comes; record on a faster one.";
            self.report.raise(
                failure::SLOW_ALARM,
                Severity::Error,
                "Disk too slow",
                advice,
            );
        }
        if now.saturating_duration_since(self.queue_good_since) >= limits::CLEAN_WHILE {
            self.report.clear(failure::SLOW_ALARM);
        }
        if now.saturating_duration_since(self.disk_good_since) >= limits::CLEAN_WHILE {
            self.report.clear(failure::DISK_ALARM);
        }
    }

    /// Writes what had arrived when it was asked to stop, and ends.
    fn end(&mut self) -> io::Result<()> {
        for _ in 0..self.reader.queued_batches() {
            self.take_batch()?;
        }
        let written = self.recording.finish()?;
        self.report.delivered(written);
        Ok(())
    }
}

impl fmt::Debug for RecordOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordOutput")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
