//! An output: a path that players find as long as it runs.

use core::time::Duration;
use std::sync::Arc;

use tidegate_engine::{BoxFuture, Delivery, Ended, OutputContext, OutputDriver, RunError};
use tokio::time::{MissedTickBehavior, interval};

use crate::door::Door;
use crate::house::House;
use crate::settings::{Credentials, OutputSettings};

/// How often the players are shown.
const TICK: Duration = Duration::from_millis(500);

pub(crate) struct PathOutput {
    pub(crate) house: Arc<House>,
    pub(crate) settings: OutputSettings,
    pub(crate) credentials: Option<Credentials>,
}

impl OutputDriver for PathOutput {
    fn kind(&self) -> &'static str {
        "rtsp"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Readers
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let credentials = self.credentials.clone();
            let door = Arc::new(Door::new(&self.settings, credentials, &context));
            let _claim = self.house.claim(&door)?;
            // However the run ends, players are sent away.
            let _farewell = door.closing.clone().drop_guard();
            context.report.readers(0);
            context.report.up();
            let mut tick = interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = context.stop.cancelled() => break,
                    _ = tick.tick() => context.report.detail("rtsp", door.show()),
                }
            }
            // Whoever takes nothing is not waited for: the engine ends this run then.
            door.clear().await;
            Ok(Ended::Stopped)
        })
    }
}
