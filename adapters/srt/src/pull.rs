//! A source we call.

use std::sync::Arc;

use tidegate_engine::{BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver};
use tidegate_srt::CloseReason;
use tidegate_srt_io::{EndReason, Role};
use tokio::time::{MissedTickBehavior, interval};

use crate::call::{Placed, Receiver, Target};
use crate::details;
use crate::figures::Watch;
use crate::phrases;
use crate::publisher::REPORT_INTERVAL;
use crate::sink::{FeedSink, Gate, LastPacket};

/// The settings of a source we call, ready to run. One run is one call.
pub(crate) struct CallerSource {
    pub(crate) target: Target,
}

impl SourceDriver for CallerSource {
    fn kind(&self) -> &'static str {
        "srt"
    }

    fn mode(&self) -> &'static str {
        self.target.mode()
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let calling = format!("calling {}", self.target.name());
            context
                .report
                .connection(Connection::Connecting, Some(calling));
            let last_packet = LastPacket::new(context.clock.now());
            let gate = Gate::new();
            gate.open(context.feed.ts_writer());
            let sink = FeedSink::new(gate, last_packet);
            let role = Role::Publisher(Box::new(sink));
            match self.target.call(role, Receiver::We, &context.stop).await? {
                Some(placed) => self.watch(&placed, &context).await,
                None => Ok(Ended::Stopped),
            }
        })
    }
}

impl CallerSource {
    /// Passes on how the connection is doing, to its end.
    async fn watch(&self, placed: &Placed, context: &SourceContext) -> Result<Ended, RunError> {
        let peer = placed.handle.status().peer;
        context.report.connected(Some(peer.to_string()));
        let stream_id: Arc<str> = self.target.stream_id().into();
        let mut watch = Watch::default();
        let mut tick = interval(REPORT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = placed.handle.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
                reason = &mut ended => return outcome(&self.target.name(), &reason),
                _ = tick.tick() => {}
            }
            let status = placed.handle.status();
            let statistics = status.statistics.as_ref();
            let measured = statistics.map(|figures| watch.note(figures, status.host_drops));
            if let Some(measured) = &measured {
                context.report.transport(measured.transport);
            }
            let stream_id = Arc::clone(&stream_id);
            let show = move || details::source(&status, &stream_id, measured.as_ref());
            context.report.detail_when_asked("srt", show);
        }
    }
}

/// What the end of a connection means for the run.
pub(crate) fn outcome(to: &str, reason: &EndReason) -> Result<Ended, RunError> {
    match reason {
        EndReason::Closed(CloseReason::Peer) => Ok(Ended::ByPeer),
        EndReason::Closed(CloseReason::Local) | EndReason::Stopping => Ok(Ended::Stopped),
        reason => Err(phrases::call_error(to, reason)),
    }
}
