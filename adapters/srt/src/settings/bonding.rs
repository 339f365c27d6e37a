//! `bonding: { mode: backup, legs: [{ call: "srt://…" }] }` beside `call`: the same stream over
//! several networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{SettingsError, Span};
use tidegate_srt::GroupKind;

use super::uri::CallUri;
use super::{CallMode, FilterChoice};

/// Legs besides that of `call`; a group has eight at the most.
const FURTHER_LEGS_MAX: usize = 7;
/// How long a leg may be waited for before another takes over: libsrt's bounds.
const MIN_STABILITY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(60)..=Duration::from_secs(5);
/// What a leg may say for itself: where it goes out.
const OPTIONS_OF_A_LEG: [&str; 6] = ["adapter", "bind", "port", "bindtodevice", "iptos", "ipttl"];

/// How the legs share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SrtBondingMode")]
pub(crate) enum BondingMode {
    /// Every leg carries every packet.
    Broadcast,
    /// One leg carries the stream; another takes over when it fails.
    Backup,
}

/// The stream goes to the same listener over several connections, the legs of a bonding group.
/// `call` is the first leg, and what it says of stream ID, latency and the like is for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SrtBonding")]
pub(crate) struct Bonding {
    /// `broadcast`: every leg carries every packet. `backup`: the leg with the greatest weight
    /// carries the stream, and another takes over when it fails.
    pub(crate) mode: BondingMode,
    /// Backup: the weight of `call`. Without weights the legs come in the order they are
    /// written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u16>,
    /// Backup: no leg is held to be failing after less silence than this; 60 ms without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_stability: Option<Span>,
    /// The further legs, at most seven.
    pub(crate) legs: Vec<BondingLeg>,
}

/// One leg more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SrtBondingLeg")]
pub(crate) struct BondingLeg {
    /// `srt://host:port`, with `adapter=`, `bindtodevice=` and the like for where it goes out.
    pub(crate) call: CallUri,
    /// Backup: its weight; the greatest carries the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u16>,
}

impl Bonding {
    pub(crate) const fn kind(&self) -> GroupKind {
        match self.mode {
            BondingMode::Broadcast => GroupKind::Broadcast,
            BondingMode::Backup => GroupKind::Backup,
        }
    }

    /// All legs with their weights, that of `call` first.
    pub(crate) fn legs(&self, call: &CallUri) -> Vec<(CallUri, u16)> {
        let first = std::iter::once((call, self.weight));
        let further = self.legs.iter().map(|leg| (&leg.call, leg.weight));
        let count = 1 + self.legs.len();
        let by_order = |place: usize| u16::try_from(count - place).unwrap_or(0);
        let weighed = |(place, (call, weight)): (usize, (&CallUri, Option<u16>))| {
            (call.clone(), weight.unwrap_or_else(|| by_order(place)))
        };
        first.chain(further).enumerate().map(weighed).collect()
    }

    /// What must be right beside the call and the packet filter.
    pub(super) fn check(
        &self,
        call: Option<&CallUri>,
        filter: Option<FilterChoice>,
    ) -> Result<(), SettingsError> {
        let wrong = |message: &str| SettingsError::new("bonding", message.to_owned());
        let Some(call) = call else {
            return Err(wrong("only a call can be made over several legs")
                .advise("set `call` as well; a listener takes bonding groups without being told"));
        };
        if call.mode() == CallMode::Rendezvous {
            return Err(wrong("a rendezvous has no legs")
                .advise("call a listener: take `mode=rendezvous` out of the address"));
        }
        let filter = filter.or(call.options().packet_filter);
        if filter.and_then(FilterChoice::wanted).is_some() {
            return Err(wrong("a packet filter does not go together with legs")
                .advise("take the filter away: legs heal losses, and each repeats its own"));
        }
        if !(1..=FURTHER_LEGS_MAX).contains(&self.legs.len()) {
            let message = format!("{} further legs are written", self.legs.len());
            return Err(SettingsError::new("bonding", message)
                .advise("write one to seven under `legs`, besides `call`"));
        }
        self.check_weights()?;
        self.legs.iter().try_for_each(BondingLeg::check)?;
        self.check_ways(call)?;
        self.check_ports(call)
    }

    fn check_weights(&self) -> Result<(), SettingsError> {
        let weights = || {
            let further = self.legs.iter().map(|leg| leg.weight);
            std::iter::once(self.weight).chain(further)
        };
        let wrong = |message: &'static str| SettingsError::new("bonding", message);
        if self.mode == BondingMode::Broadcast
            && (weights().any(|weight| weight.is_some()) || self.min_stability.is_some())
        {
            return Err(wrong("weights and `min_stability` are for `mode: backup`")
                .advise("leave them out: in a broadcast group every leg carries everything"));
        }
        if weights().any(|weight| weight.is_some()) && weights().any(|weight| weight.is_none()) {
            return Err(wrong("some legs have a weight and some have none").advise(
                "give each a `weight`, that of `call` right under `bonding`; or none, and the \
                 order counts",
            ));
        }
        let stability = self.min_stability.map(|span| span.0);
        if stability.is_some_and(|span| !MIN_STABILITY.contains(&span)) {
            return Err(wrong("`min_stability` is 60 ms to 5 s")
                .advise("leave it out for 60 ms, which is libsrt's"));
        }
        Ok(())
    }

    /// Two legs that take the same way fall together.
    fn check_ways(&self, call: &CallUri) -> Result<(), SettingsError> {
        let way = |uri: &CallUri| {
            let options = uri.options();
            (
                uri.host().to_owned(),
                uri.port(),
                options.local_address,
                options.local_port,
                options.interface.clone(),
            )
        };
        let mut ways = vec![way(call)];
        for leg in &self.legs {
            let this = way(&leg.call);
            if ways.contains(&this) {
                let message = format!("two legs take the same way to {}", leg.call.host());
                return Err(SettingsError::new("bonding", message).advise(
                    "give each its own: another address of the far side, or `adapter=` or \
                     `bindtodevice=` for where it goes out",
                ));
            }
            ways.push(this);
        }
        Ok(())
    }

    /// Each leg has a socket of its own, and a written port is taken by the first.
    fn check_ports(&self, call: &CallUri) -> Result<(), SettingsError> {
        let mut sockets = vec![LocalEnd::of(call)];
        for leg in &self.legs {
            let this = LocalEnd::of(&leg.call);
            if sockets.iter().any(|other| this.clashes_with(other)) {
                let message = format!("two legs go out from the local port {}", this.port);
                return Err(SettingsError::new("bonding", message).advise(
                    "give each leg another `port=`, or its own `adapter=`; without `port=` the \
                     system chooses a free one",
                ));
            }
            sockets.push(this);
        }
        Ok(())
    }
}

/// Where a leg's socket is, as far as its call says so.
struct LocalEnd<'a> {
    /// One that stands for all of its family, or none, if it is not written.
    address: Option<IpAddr>,
    /// 0 if the system chooses it.
    port: u16,
    interface: Option<&'a str>,
}

impl<'a> LocalEnd<'a> {
    fn of(call: &'a CallUri) -> Self {
        let options = call.options();
        // The socket of a call to a written address is of the same family.
        let any = |host: IpAddr| match host.to_canonical() {
            IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let written = options.local_address.map(|address| address.to_canonical());
        Self {
            address: written.or_else(|| call.host().parse().ok().map(any)),
            port: options.local_port.unwrap_or(0),
            interface: options.interface.as_deref(),
        }
    }

    /// Whether there cannot be a socket at both.
    fn clashes_with(&self, other: &Self) -> bool {
        let addresses_overlap = match (self.address, other.address) {
            (Some(one), Some(another)) => {
                let either_is_any = one.is_unspecified() || another.is_unspecified();
                one == another || either_is_any && one.is_ipv4() == another.is_ipv4()
            }
            _ => true,
        };
        let on_two_interfaces = self.interface.is_some()
            && other.interface.is_some()
            && self.interface != other.interface;
        self.port != 0 && self.port == other.port && addresses_overlap && !on_two_interfaces
    }
}

impl BondingLeg {
    /// What all legs share stands in `call`.
    fn check(&self) -> Result<(), SettingsError> {
        let shared = self
            .call
            .options_written()
            .find(|option| !OPTIONS_OF_A_LEG.contains(option));
        let Some(option) = shared else {
            return Ok(());
        };
        let message = format!("`{option}` is not for a leg alone");
        Err(SettingsError::new("bonding", message).advise(
            "all legs share what `call` and the fields beside it say; a leg has `adapter`, \
             `bind`, `port`, `bindtodevice`, `iptos` and `ipttl`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::OutputSettings;
    use tidegate_engine::Settings;

    const CALL: &str = "srt://a.example:9000?streamid=live/a";

    fn parse(bonding: &str) -> OutputSettings {
        let text = format!(r#"{{"call":"{CALL}","bonding":{bonding}}}"#);
        let settings: OutputSettings = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&settings).unwrap(), text);
        settings
    }

    fn refusal(bonding: &str) -> Option<String> {
        let error = parse(bonding).check().err()?;
        assert_eq!(error.field, "bonding");
        assert!(error.advice.is_some());
        Some(error.message)
    }

    #[test]
    fn without_weights_the_order_counts() {
        let settings = parse(
            r#"{"mode":"backup","legs":[{"call":"srt://b.example:1"},{"call":"srt://[::1]:1?adapter=::2"}]}"#,
        );
        assert_eq!(settings.check(), Ok(()));
        let legs = settings
            .bonding
            .unwrap()
            .legs(settings.call.as_ref().unwrap());
        let legs: Vec<_> = legs
            .iter()
            .map(|(call, weight)| (call.host(), *weight))
            .collect();
        assert_eq!(legs, [("a.example", 3), ("b.example", 2), ("::1", 1)]);
    }

    #[test]
    fn weights_are_given_to_all_legs_of_a_backup_group_or_to_none() {
        let one = r#"{"mode":"backup","weight":1,"legs":[{"call":"srt://b:1"}]}"#;
        assert!(refusal(one).unwrap().contains("weight"));
        let all = r#"{"mode":"backup","weight":1,"min_stability":"80ms","legs":[{"call":"srt://b:1","weight":9}]}"#;
        assert_eq!(refusal(all), None);
        let broadcast =
            r#"{"mode":"broadcast","weight":1,"legs":[{"call":"srt://b:1","weight":9}]}"#;
        assert!(refusal(broadcast).unwrap().contains("backup"));
        let hasty = r#"{"mode":"backup","min_stability":"10ms","legs":[{"call":"srt://b:1"}]}"#;
        assert!(refusal(hasty).unwrap().contains("60 ms"));
    }

    #[test]
    fn a_leg_says_only_where_it_goes() {
        for option in [
            "streamid=x",
            "latency=200",
            "passphrase=correct-horse-battery",
        ] {
            let text =
                format!(r#"{{"mode":"broadcast","legs":[{{"call":"srt://b:1?{option}"}}]}}"#);
            let text = format!(r#"{{"call":"{CALL}","bonding":{text}}}"#);
            let settings: OutputSettings = serde_json::from_str(&text).unwrap();
            let name = option.split('=').next().unwrap();
            let message = settings.check().unwrap_err().message;
            assert!(message.contains(name), "{message}");
            assert!(!serde_json::to_string(&settings).unwrap().contains("horse"));
        }
        let way =
            r#"{"mode":"broadcast","legs":[{"call":"srt://a.example:9000?bindtodevice=usb0"}]}"#;
        assert_eq!(refusal(way), None);
    }

    #[test]
    fn legs_that_take_the_same_way_or_are_too_many_or_none_are_refused() {
        let same = r#"{"mode":"broadcast","legs":[{"call":"srt://a.example:9000"}]}"#;
        assert!(refusal(same).unwrap().contains("same way"));
        assert!(refusal(r#"{"mode":"broadcast","legs":[]}"#).is_some());
        let legs: Vec<_> = (1..=8)
            .map(|port| format!(r#"{{"call":"srt://b:{port}"}}"#))
            .collect();
        let many = format!(r#"{{"mode":"broadcast","legs":[{}]}}"#, legs.join(","));
        assert!(refusal(&many).is_some());
    }

    #[test]
    fn legs_that_want_the_same_local_port_are_refused() {
        let refused = |one: &str, another: &str| {
            let legs = [one, another].map(|leg| format!(r#"{{"call":"srt://{leg}"}}"#));
            let legs = legs.join(",");
            let refusal = refusal(&format!(r#"{{"mode":"broadcast","legs":[{legs}]}}"#));
            refusal.is_some_and(|message| {
                assert!(message.contains("local port 5000"), "{message}");
                true
            })
        };
        let own = "adapter=10.0.0.1&port=5000";
        assert!(refused(&format!("b:1?{own}"), &format!("c:1?{own}")));
        assert!(refused(&format!("b:1?{own}"), "c:1?port=5000"));
        assert!(refused("b:1?port=5000", "c:1?port=5000&bindtodevice=usb0"));
        assert!(refused("192.0.2.1:1?port=5000", "192.0.2.2:1?port=5000"));

        assert!(!refused(
            &format!("b:1?{own}"),
            "c:1?adapter=10.0.0.1&port=5001"
        ));
        assert!(!refused(
            &format!("b:1?{own}"),
            "c:1?adapter=10.0.0.2&port=5000"
        ));
        assert!(!refused("b:1?adapter=10.0.0.1", "c:1?adapter=10.0.0.1"));
        assert!(!refused(
            "192.0.2.1:1?port=5000",
            "[2001:db8::1]:1?port=5000"
        ));
        let on = |interface: &str| format!("b:1?port=5000&bindtodevice={interface}");
        assert!(!refused(&on("usb0"), &on("usb1")));
    }

    #[test]
    fn what_has_no_legs_is_told_so() {
        let check = |text: &str| {
            let settings: OutputSettings = serde_json::from_str(text).unwrap();
            settings.check().unwrap_err().field
        };
        let bonding = r#""bonding":{"mode":"broadcast","legs":[{"call":"srt://b:1"}]}"#;
        let listener = r#""listener":"a","stream_id":"b","open":true"#;
        assert_eq!(check(&format!("{{{listener},{bonding}}}")), "bonding");
        let meets = r#""call":"srt://a:1?mode=rendezvous""#;
        assert_eq!(check(&format!("{{{meets},{bonding}}}")), "bonding");
        let filter = r#""call":"srt://a:1","packet_filter":"fec,cols:5""#;
        assert_eq!(check(&format!("{{{filter},{bonding}}}")), "bonding");
    }
}
