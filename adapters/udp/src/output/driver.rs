use super::sender::Sender;
use super::target;
use super::wire::Wire;
use crate::settings::{FecSettings, OutputSettings, RtpOutputSettings};
use serde_json::json;
use std::sync::Arc;
use tidegate_engine::{
    BoxFuture, Delivery, Ended, OutputContext, OutputDriver, RunError, run_on_thread,
};

/// One UDP or RTP output.
#[derive(Debug)]
pub(crate) struct Output {
    settings: OutputSettings,
    rtp: Option<Rtp>,
}

/// What RTP adds.
#[derive(Clone, Copy, Debug)]
struct Rtp {
    fec: Option<FecSettings>,
}

impl Output {
    pub(crate) fn udp(settings: &OutputSettings) -> Self {
        Self {
            settings: settings.clone(),
            rtp: None,
        }
    }

    pub(crate) fn rtp(settings: &RtpOutputSettings) -> Self {
        Self {
            settings: settings.plain(),
            rtp: Some(Rtp { fec: settings.fec }),
        }
    }

    fn wire(&self) -> Result<Wire, RunError> {
        let Some(rtp) = self.rtp else {
            return Ok(Wire::plain());
        };
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| {
            RunError::ours(
                format!("the system has no random numbers ({error})"),
                "Check /dev/urandom on this machine.",
            )
        })?;
        Ok(Wire::rtp(&random, rtp.fec.map(FecSettings::matrix)))
    }
}

impl OutputDriver for Output {
    fn kind(&self) -> &'static str {
        if self.rtp.is_some() { "rtp" } else { "udp" }
    }

    fn delivery(&self) -> Delivery {
        Delivery::Bytes
    }

    fn run(self: Arc<Self>, context: OutputContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let to = tokio::select! {
                to = target::resolve(&self.settings) => to?,
                () = context.stop.cancelled() => return Ok(Ended::Stopped),
            };
            let socket = target::open(&self.settings, to)?;
            let wire = self.wire()?;
            context.report.detail("to", json!(to.to_string()));
            let name = format!("{}-{}", self.kind(), context.name);
            let (stop, cbr) = (context.stop.clone(), self.settings.cbr);
            run_on_thread(&name, stop, move |parking| {
                // Without it datagrams leave up to 50 µs later, and that is all.
                let _ = tidegate_udp::wake_precisely();
                let mut sender = Sender::new(&context, socket, to, wire, cbr);
                context.report.up();
                while !parking.must_stop() {
                    sender.turn(parking);
                }
                Ok(Ended::Stopped)
            })
            .await
        })
    }
}
