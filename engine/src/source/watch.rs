use super::history::History;
use crate::driver::SourceContext;
use crate::event::Alarm;
use crate::health::{Expect, MediaStatus, Verdict};
use crate::limits;
use crate::meter::RateMeter;
use std::sync::{Arc, Mutex, PoisonError};

/// What the watcher of a source has found out.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) verdict: Verdict,
    pub(crate) media: Option<MediaStatus>,
    pub(crate) meter: RateMeter,
    pub(crate) history: History,
    expect: Option<Expect>,
}

impl Observed {
    pub(crate) fn new(expect: Option<Expect>) -> Self {
        Self {
            verdict: Verdict::default(),
            media: None,
            meter: RateMeter::default(),
            history: History::default(),
            expect,
        }
    }

    pub(crate) fn set_expect(&mut self, expect: Option<Expect>) {
        self.expect = expect;
    }

    pub(crate) fn expect(&self) -> Option<Expect> {
        self.expect.clone()
    }

    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        Vec::new()
    }
}

/// Looks at a source four times a second until it is stopped.
pub(crate) async fn watch(context: SourceContext, observed: Arc<Mutex<Observed>>) {
    let mut tick = tokio::time::interval(limits::HEALTH_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = context.stop.cancelled() => return,
        }
        let now = context.clock.now();
        let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.meter.sample(now, context.feed.carried().bytes);
    }
}
