//! An output that calls.

use std::sync::Arc;

use serde_json::Value;
use tidegate_engine::{BoxFuture, Delivery, Ended, OutputContext, OutputDriver, RunError};
use tidegate_srt_io::{ConnectionStatus, Role};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::call::{Placed, Receiver, Target};
use crate::details;
use crate::fountain::{Count, Discard, Release, RouteFountain};
use crate::low_delay::SourceLatency;
use crate::publisher::REPORT_INTERVAL;
use crate::pull::outcome;
use crate::readers::GOODBYE_MAX;

/// The settings of an output that calls, ready to run. One run is one call.
pub(crate) struct CallerOutput {
    pub(crate) target: Target,
    pub(crate) release: Release,
}

impl OutputDriver for CallerOutput {
    fn kind(&self) -> &'static str {
        "srt"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.connecting();
            let discard = Discard::new();
            let report = context.report.clone();
            let (count, discard_from) = (Count::Nothing, discard.clone());
            let fountain =
                RouteFountain::new(&context.route, report, self.release, count, discard_from);
            let source_latency = fountain.source_latency();
            let role = Role::Reader(Box::new(fountain));
            match self
                .target
                .call(role, Receiver::They, &context.stop)
                .await?
            {
                Some(placed) => {
                    self.watch(&placed, &context, &source_latency, &discard)
                        .await
                }
                None => Ok(Ended::Stopped),
            }
        })
    }
}

impl CallerOutput {
    /// Passes on how the connection is doing, to its end.
    async fn watch(
        &self,
        placed: &Placed,
        context: &OutputContext,
        source_latency: &SourceLatency,
        discard: &Discard,
    ) -> Result<Ended, RunError> {
        context.report.up();
        let mut acknowledged = 0;
        let mut tick = interval(REPORT_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = placed.handle.ended();
        tokio::pin!(ended);
        let outcome = loop {
            tokio::select! {
                () = context.stop.cancelled() => break Ok(Ended::Stopped),
                reason = &mut ended => break outcome(&self.target.name(), &reason),
                _ = tick.tick() => {}
            }
            let status = placed.handle.status();
            let total = acknowledged_bytes(&status);
            context.report.delivered(total.saturating_sub(acknowledged));
            acknowledged = acknowledged.max(total);
            context
                .report
                .detail("srt", self.details(&status, source_latency));
        };
        placed.handle.close();
        // The goodbye is short; what takes longer is cut off with the connection.
        let _ = timeout(GOODBYE_MAX, placed.handle.ended()).await;
        discard.empty();
        outcome
    }

    fn details(&self, status: &ConnectionStatus, source_latency: &SourceLatency) -> Value {
        let low_delay = self.release.is_at_once().then_some(source_latency);
        details::output(status, self.target.stream_id(), low_delay)
    }
}

/// Payload the far side has acknowledged. What was given up on the way to it does not count.
fn acknowledged_bytes(status: &ConnectionStatus) -> u64 {
    let statistics = status.statistics.as_ref();
    statistics.map_or(0, |statistics| statistics.total.bytes_acknowledged)
}
