//! UDP outputs: MPEG-TS to a unicast or multicast address, paced as it was meant to play.
//!
//! ```yaml
//! outputs:
//!   - { name: playout, source: cam1, udp: { to: "239.1.2.3:5000", ttl: 4, interface: eth1 } }
//! ```

mod driver;
mod pace;
mod settings;
mod target;

pub use settings::OutputSettings;

use driver::UdpOutput;
use std::sync::Arc;
use tidegate_engine::{OutputAdapter, OutputDriver, Secrets, Settings, SettingsError};

/// Makes UDP outputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adapter;

impl Adapter {
    /// The adapter; it needs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
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
        Ok(Arc::new(UdpOutput::new(settings.clone())))
    }
}
