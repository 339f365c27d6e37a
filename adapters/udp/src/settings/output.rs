use super::{FecSettings, target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Rate, Settings, SettingsError};

/// The slowest constant rate: tables alone need some.
const CBR_MIN_BPS: u64 = 64_000;

/// The fastest: what a thread paces datagram by datagram.
const CBR_MAX_BPS: u64 = 400_000_000;

/// The longest distance of sums and media: ports end at 65535.
const FEC_PORTS: u16 = 4;

/// MPEG-TS over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// Where to: `host:port`, unicast or multicast.
    pub to: String,
    /// Routers the packets may pass. Without it, multicast stays in the local network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// The interface it leaves from: its name, or an address it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The type-of-service byte (IPv6: traffic class) of its packets, 0 to 255. DSCP times 4:
    /// 136 is AF41.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// A constant rate, like `8M`: null packets fill what the feed leaves, and PCRs are moved
    /// with their packets. It must be more than the feed ever has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cbr: Option<Rate>,
}

/// MPEG-TS over RTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpOutputSettings {
    /// Where to: `host:port`, unicast or multicast.
    pub to: String,
    /// Routers the packets may pass. Without it, multicast stays in the local network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// The interface it leaves from: its name, or an address it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The type-of-service byte (IPv6: traffic class) of its packets, 0 to 255. DSCP times 4:
    /// 136 is AF41.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// Forward error correction of SMPTE 2022-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fec: Option<FecSettings>,
    /// A constant rate, like `8M`: null packets fill what the feed leaves, and PCRs are moved
    /// with their packets. It must be more than the feed ever has. RTP and FEC come on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cbr: Option<Rate>,
}

impl RtpOutputSettings {
    /// What it has in common with plain UDP.
    pub(crate) fn plain(&self) -> OutputSettings {
        OutputSettings {
            to: self.to.clone(),
            ttl: self.ttl,
            interface: self.interface.clone(),
            tos: self.tos,
            cbr: self.cbr,
        }
    }
}

impl Settings for OutputSettings {
    fn check(&self) -> Result<(), SettingsError> {
        target(&self.to)?;
        if self.ttl == Some(0) {
            let error = SettingsError::new("ttl", "0 keeps every packet on this machine");
            return Err(error.advise("Write 1 or more, or leave it out."));
        }
        if let Some(Rate(rate)) = self.cbr
            && !(CBR_MIN_BPS..=CBR_MAX_BPS).contains(&rate.as_bps())
        {
            let error = SettingsError::new("cbr", format!("{rate:?} is not 64k to 400M"));
            return Err(error.advise("Write a rate like \"8M\", above the feed's own."));
        }
        Ok(())
    }
}

impl Settings for RtpOutputSettings {
    fn check(&self) -> Result<(), SettingsError> {
        self.plain().check()?;
        let Some(fec) = self.fec else {
            return Ok(());
        };
        fec.check()?;
        let (_, port) = target(&self.to)?;
        if port.checked_add(FEC_PORTS).is_none() {
            let error = SettingsError::new("to", "there are no ports above for the FEC");
            return Err(error.advise("Choose a port up to 65531."));
        }
        Ok(())
    }
}
