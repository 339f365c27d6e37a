//! An output that calls.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidegate_engine::{
    BoxFuture, Delivery, Ended, OutputContext, OutputDriver, RunError, Severity,
};
use tidegate_srt_io::{ConnectionStatus, Role};
use tidegate_units::Instant;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::call::{Placed, Receiver, Target};
use crate::details;
use crate::fountain::{Count, Discard, Release, RouteFountain};
use crate::legs;
use crate::low_delay::SourceLatency;
use crate::publisher::REPORT_INTERVAL;
use crate::pull::outcome;
use crate::readers::GOODBYE_MAX;
use crate::settings::Bonding;

/// The alarm while legs of a bonding group are missing, as a source's health calls it.
const LINK_LOST: &str = "link_lost";
/// A leg is missed after so long: it may come a little later than the first.
const MISSING_FOR: Duration = Duration::from_secs(2);

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
        self: &Arc<Self>,
        placed: &Placed,
        context: &OutputContext,
        source_latency: &SourceLatency,
        discard: &Discard,
    ) -> Result<Ended, RunError> {
        context.report.up();
        let mut missing = MissingLegs::default();
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
            let (this, shown) = (Arc::clone(self), Arc::clone(&status));
            let source_latency = source_latency.clone();
            context
                .report
                .detail_when_asked("srt", move || this.details(&shown, &source_latency));
            missing.watch(context, &status, self.target.bonding.as_ref());
        };
        // Of a call that is over no leg is missing: the next one looks for itself.
        context.report.clear(LINK_LOST);
        placed.handle.close();
        // The goodbye is short; what takes longer is cut off with the connection.
        let _ = timeout(GOODBYE_MAX, placed.handle.ended()).await;
        discard.empty();
        outcome
    }

    fn details(&self, status: &ConnectionStatus, source_latency: &SourceLatency) -> Value {
        let low_delay = self.release.is_at_once().then_some(source_latency);
        let mut details = details::output(status, self.target.stream_id(), low_delay);
        if let Some(bonding) = &self.target.bonding {
            let calls = bonding.legs(&self.target.uri);
            details["legs"] = legs::describe_called(status, &calls);
            details["group"] = bonding.kind().name().into();
        }
        details
    }
}

/// Says so while legs are missing.
#[derive(Debug, Default)]
struct MissingLegs {
    since: Option<Instant>,
}

impl MissingLegs {
    fn watch(
        &mut self,
        context: &OutputContext,
        status: &ConnectionStatus,
        bonding: Option<&Bonding>,
    ) {
        let paths = bonding.and_then(|bonding| legs::paths(status, bonding.kind()));
        let Some(paths) = paths.filter(|paths| paths.missing > 0) else {
            if self.since.take().is_some() {
                context.report.clear(LINK_LOST);
            }
            return;
        };
        let since = *self.since.get_or_insert(status.at);
        if status.at.saturating_since(since) < MISSING_FOR {
            return;
        }
        let all = paths.missing + paths.working;
        let text = format!("{} of {all} legs are missing", paths.missing);
        context.report.raise(
            LINK_LOST,
            Severity::Warning,
            &text,
            "The others carry the stream, and it is called again by itself. Look at the network \
             of the leg that is down; the output's `legs` say why",
        );
    }
}

/// Payload the far side has acknowledged. What was given up on the way to it does not count.
fn acknowledged_bytes(status: &ConnectionStatus) -> u64 {
    let statistics = status.statistics.as_ref();
    statistics.map_or(0, |statistics| statistics.total.bytes_acknowledged)
}
