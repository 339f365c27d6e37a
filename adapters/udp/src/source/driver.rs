use super::intake::Intake;
use super::open::open;
use crate::settings::{Place, RtpSourceSettings, SourceSettings, usual_hold};
use std::sync::Arc;
use tidegate_engine::{
    BoxFuture, Connection, Ended, RunError, SettingsError, SourceContext, SourceDriver,
    run_on_thread,
};
use tidegate_rtp::ReceiverConfig;

/// One UDP or RTP source.
#[derive(Debug)]
pub(crate) struct Source {
    kind: &'static str,
    legs: Vec<Place>,
    config: ReceiverConfig,
}

impl Source {
    pub(crate) fn udp(settings: &SourceSettings) -> Result<Self, SettingsError> {
        Ok(Self {
            kind: "udp",
            legs: vec![settings.leg()?],
            config: ReceiverConfig {
                hold: usual_hold(),
                legs: 1,
                fec: false,
            },
        })
    }

    pub(crate) fn rtp(settings: &RtpSourceSettings) -> Result<Self, SettingsError> {
        let legs = settings.legs()?;
        Ok(Self {
            kind: "rtp",
            config: ReceiverConfig {
                hold: settings.hold(),
                legs: legs.len(),
                fec: settings.fec,
            },
            legs,
        })
    }
}

impl SourceDriver for Source {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn mode(&self) -> &'static str {
        "listener"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            let ports = open(&self.legs, self.config.fec)?;
            let places: Vec<_> = self.legs.iter().map(|leg| leg.at.to_string()).collect();
            let waiting = format!("waiting for packets at {}", places.join(" and "));
            context
                .report
                .connection(Connection::Disconnected, Some(waiting));
            let name = format!("{}-{}", self.kind, context.name);
            let stop = context.stop.clone();
            run_on_thread(&name, stop, move |parking| {
                let mut intake = Intake::new(context, self.kind, &self.legs, ports, self.config)?;
                while !parking.must_stop() {
                    intake.turn()?;
                }
                Ok(Ended::Stopped)
            })
            .await
        })
    }
}
