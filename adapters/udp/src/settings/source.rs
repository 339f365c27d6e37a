use super::address::{local, sender};
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use tidegate_engine::{Settings, SettingsError, Span};

/// The longest that packets are held.
const BUFFER_MAX: Span = Span::from_secs(10);

/// Time for packets out of order.
const BUFFER: Span = Span::from_millis(50);

/// Time for sums, and for a leg that is behind.
const LONG_BUFFER: Span = Span::from_millis(200);

/// The longest distance of sums and media.
const FEC_PORTS: u16 = 4;

/// MPEG-TS received over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// Where it comes in: a multicast group and port (`239.1.2.3:5000`), an address of this
    /// machine and a port, or a port on all of them (`:5000`).
    pub from: String,
    /// The interface a group is joined on: its name, or an address it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The sender's address. Others are not heard; a group is joined for this sender alone
    /// (source-specific multicast).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// MPEG-TS received over RTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpSourceSettings {
    /// Where it comes in: a multicast group and port (`239.1.2.3:5000`), an address of this
    /// machine and a port, or a port on all of them (`:5000`).
    pub from: String,
    /// The interface a group is joined on: its name, or an address it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The sender's address. Others are not heard; a group is joined for this sender alone
    /// (source-specific multicast).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The sender adds forward error correction (SMPTE 2022-1, Pro-MPEG), which is received on
    /// the port + 2 (columns) and + 4 (rows).
    #[serde(default, skip_serializing_if = "is_no")]
    pub fec: bool,
    /// A second leg with the same packets (SMPTE 2022-7): what one loses the other brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<LegSettings>,
    /// How long packets are held to wait for missing ones: 50 ms, and 200 ms with `fec` or
    /// `and`. It must cover two matrices of the sender's FEC, and how far one leg is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Span>,
}

/// The second way the same packets come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegSettings {
    /// Where it comes in, as the first.
    pub from: String,
    /// The interface its group is joined on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Its sender's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_no(value: &bool) -> bool {
    !*value
}

/// Where one leg comes in, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: SocketAddr,
    pub(crate) interface: Option<String>,
    pub(crate) sender: Option<IpAddr>,
}

impl Place {
    fn new(
        from: &str,
        interface: Option<&String>,
        source: Option<&String>,
    ) -> Result<Self, SettingsError> {
        let at = local(from)?;
        let sender = sender(source.map(String::as_str), at)?;
        Ok(Self {
            at,
            interface: interface.cloned(),
            sender,
        })
    }

    /// The address that nobody else can open.
    fn own(&self) -> Option<SocketAddr> {
        (!self.at.ip().is_multicast()).then_some(self.at)
    }
}

impl SourceSettings {
    pub(crate) fn leg(&self) -> Result<Place, SettingsError> {
        Place::new(&self.from, self.interface.as_ref(), self.source.as_ref())
    }
}

impl RtpSourceSettings {
    /// The legs, one or two.
    pub(crate) fn legs(&self) -> Result<Vec<Place>, SettingsError> {
        let first = Place::new(&self.from, self.interface.as_ref(), self.source.as_ref())?;
        let Some(and) = &self.and else {
            return Ok(vec![first]);
        };
        let second = Place::new(&and.from, and.interface.as_ref(), and.source.as_ref());
        let second = second.map_err(|error| {
            let key = error.field;
            error.at("and", &[key])
        })?;
        Ok(vec![first, second])
    }

    pub(crate) fn hold(&self) -> Duration {
        let usual = if self.fec || self.and.is_some() {
            LONG_BUFFER
        } else {
            BUFFER
        };
        self.buffer.unwrap_or(usual).0
    }
}

/// The same for a UDP source whose packets turn out to be RTP.
pub(crate) const fn usual_hold() -> Duration {
    BUFFER.0
}

impl Settings for SourceSettings {
    fn port(&self) -> Option<SocketAddr> {
        self.leg().ok()?.own()
    }

    fn port_field(&self) -> &'static str {
        "from"
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.leg().map(|_| ())
    }
}

impl Settings for RtpSourceSettings {
    fn port(&self) -> Option<SocketAddr> {
        self.legs().ok()?.first()?.own()
    }

    fn port_field(&self) -> &'static str {
        "from"
    }

    fn check(&self) -> Result<(), SettingsError> {
        let legs = self.legs()?;
        if let [first, second] = &legs[..]
            && first == second
        {
            let error = SettingsError::new("and", "both legs come in at the same place");
            return Err(error.advise("Give the second leg its own port, group or interface."));
        }
        let most = legs.iter().map(|leg| leg.at.port()).max();
        if self.fec && most.is_some_and(|port| port.checked_add(FEC_PORTS).is_none()) {
            let error = SettingsError::new("from", "there are no ports above for the FEC");
            return Err(error.advise("Choose a port up to 65531."));
        }
        if self.buffer.is_some_and(|buffer| buffer > BUFFER_MAX) {
            let error = SettingsError::new("buffer", "it is longer than 10s");
            return Err(error.advise("200ms is enough for most networks."));
        }
        Ok(())
    }
}
