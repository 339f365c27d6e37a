use crate::failure;
use crate::running::Running;
use std::sync::Arc;
use tidegate_engine::{BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver};
use tidegate_ffmpeg::Ffmpeg;
use tidegate_ffmpeg::sound::SoundFormat;

/// A source made out of another.
#[derive(Debug)]
pub(crate) struct TranscodeSource {
    source: String,
    format: SoundFormat,
}

impl TranscodeSource {
    pub(crate) const fn new(source: String, format: SoundFormat) -> Self {
        Self { source, format }
    }
}

impl SourceDriver for TranscodeSource {
    fn kind(&self) -> &'static str {
        "transcode"
    }

    fn mode(&self) -> &'static str {
        "sound"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connection(Connection::Connecting, None);
            let failed = |error| failure::of_ffmpeg(&error);
            let ffmpeg = Ffmpeg::find().map_err(failed)?;
            let version = tokio::select! {
                version = ffmpeg.version() => version.map_err(failed)?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let (source, format) = (&self.source, self.format);
            let (running, heard) = Running::new(context, source, format, ffmpeg, version);
            running.run(heard).await
        })
    }
}
