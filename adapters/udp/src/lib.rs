//! MPEG-TS over UDP and over RTP, in and out.
//!
//! ```yaml
//! sources:
//!   - { name: cam1, udp: { from: "239.1.2.3:5000", interface: eth1 } }
//!   - { name: cam2, rtp: { from: ":6000", fec: true, and: { from: ":7000" } } }
//! outputs:
//!   - { name: playout, source: cam1, udp: { to: "239.1.2.4:5000", ttl: 4, interface: eth1 } }
//!   - { name: far, source: cam1, rtp: { to: "192.0.2.9:5000", fec: { columns: 5, rows: 5 } } }
//! ```

mod interface;
mod output;
mod settings;
mod source;

pub use settings::{
    FecSettings, LegSettings, OutputSettings, RtpOutputSettings, RtpSourceSettings, SourceSettings,
};

use output::Output;
use source::Source;
use std::sync::Arc;
use tidegate_engine::{
    OutputAdapter, OutputDriver, Secrets, Settings, SettingsError, SourceAdapter, SourceDriver,
};

/// Makes sources and outputs of plain UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adapter;

/// Makes sources and outputs of RTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct RtpAdapter;

impl Adapter {
    /// The adapter; it needs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl RtpAdapter {
    /// The adapter; it needs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl SourceAdapter for Adapter {
    type Settings = SourceSettings;

    const KIND: &'static str = "udp";

    fn source(
        &self,
        _name: &str,
        settings: &SourceSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(Source::udp(settings)?))
    }
}

impl SourceAdapter for RtpAdapter {
    type Settings = RtpSourceSettings;

    const KIND: &'static str = "rtp";

    fn source(
        &self,
        _name: &str,
        settings: &RtpSourceSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn SourceDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(Source::rtp(settings)?))
    }
}

impl OutputAdapter for Adapter {
    type Settings = OutputSettings;

    const KIND: &'static str = "udp";

    fn output(
        &self,
        _name: &str,
        settings: &OutputSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(Output::udp(settings)))
    }
}

impl OutputAdapter for RtpAdapter {
    type Settings = RtpOutputSettings;

    const KIND: &'static str = "rtp";

    fn output(
        &self,
        _name: &str,
        settings: &RtpOutputSettings,
        _secrets: &dyn Secrets,
    ) -> Result<Arc<dyn OutputDriver>, SettingsError> {
        settings.check()?;
        Ok(Arc::new(Output::rtp(settings)))
    }
}
