use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Settings, SettingsError};

/// MPEG-TS over UDP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSettings {
    /// Where to: `host:port`, unicast or multicast.
    pub to: String,
    /// Routers the packets may pass. Without it, multicast stays in the local network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// The interface multicast leaves from: its name, or an IPv4 address it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

impl OutputSettings {
    /// Host and port, apart.
    pub(crate) fn target(&self) -> Result<(&str, u16), SettingsError> {
        let wrong = |what: &str| {
            SettingsError::new("to", format!("{:?} {what}", self.to))
                .advise("Write an address and a port, like \"239.1.2.3:5000\" or \"[::1]:5000\".")
        };
        let (host, port) = self
            .to
            .rsplit_once(':')
            .ok_or_else(|| wrong("has no port"))?;
        let port = port
            .parse::<u16>()
            .map_err(|_| wrong("has no port that is a number"))?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(address) => address,
            None if host.contains(':') => return Err(wrong("needs brackets around its address")),
            None => host,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong("has no host"));
        }
        if port == 0 {
            return Err(wrong("has port 0, where nobody listens"));
        }
        Ok((host, port))
    }
}

impl Settings for OutputSettings {
    fn check(&self) -> Result<(), SettingsError> {
        self.target()?;
        if self.ttl == Some(0) {
            let error = SettingsError::new("ttl", "0 keeps every packet on this machine");
            return Err(error.advise("Write 1 or more, or leave it out."));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(text: &str) -> OutputSettings {
        OutputSettings {
            to: text.into(),
            ttl: None,
            interface: None,
        }
    }

    #[test]
    fn addresses_and_names_with_a_port_are_understood() {
        for (text, host, port) in [
            ("239.1.2.3:5000", "239.1.2.3", 5000),
            ("[ff02::1]:1234", "ff02::1", 1234),
            ("decoder.example:6000", "decoder.example", 6000),
        ] {
            assert_eq!(to(text).target().unwrap(), (host, port));
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in [
            "",
            "239.1.2.3",
            "host:",
            ":5000",
            "host:0",
            "::1:5000",
            "host:99999",
        ] {
            let error = to(text).check().unwrap_err();
            assert_eq!(error.field, "to");
            assert!(error.advice.unwrap().contains("239.1.2.3:5000"));
        }
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let error = serde_json::from_str::<OutputSettings>(r#"{"to":"a:1","tll":3}"#).unwrap_err();
        assert!(error.to_string().contains("tll"), "{error}");
    }
}
