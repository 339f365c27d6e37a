use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{SecretRef, Secrets, Settings, SettingsError};
use url::Url;

use super::Credentials;
use super::credentials;

/// The longest address.
const URL_CHARS_MAX: usize = 2048;

/// A camera or another RTSP server that is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// Where it is: `rtsp://host:554/path`, without user name and password.
    pub url: String,
    /// How media come: inside the connection (`tcp`), or in datagrams of their own (`udp`).
    #[schemars(extend("default" = "tcp"))]
    #[serde(default, skip_serializing_if = "is_default")]
    pub transport: Transport,
    /// Who we are, where the camera asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password that goes with the user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

/// How media come from a camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Inside the RTSP connection: nothing is lost, and firewalls let it through.
    #[default]
    Tcp,
    /// In datagrams of their own: no waiting for what is repeated, in a network that loses
    /// nothing.
    Udp,
}

fn is_default(transport: &Transport) -> bool {
    *transport == Transport::default()
}

impl Transport {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl SourceSettings {
    /// The address, understood.
    pub(crate) fn address(&self) -> Result<Url, SettingsError> {
        let wrong = |what: String| {
            SettingsError::new("url", what)
                .advise("Write it like \"rtsp://192.168.1.20:554/stream1\".")
        };
        if self.url.len() > URL_CHARS_MAX {
            return Err(wrong("it is too long".to_owned()));
        }
        let url = Url::parse(&self.url).map_err(|error| {
            // Not repeated: it may hold a password.
            wrong(format!("it is no address: {error}"))
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            let error = SettingsError::new("url", "it holds a user name or a password");
            return Err(
                error.advise("Write them as username and password, so that they stay secret.")
            );
        }
        match url.scheme() {
            "rtsp" => {}
            "rtsps" => return Err(wrong("RTSP over TLS is not supported".to_owned())),
            other => return Err(wrong(format!("{other} is not called by RTSP"))),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it has no host".to_owned()));
        }
        if url.port() == Some(0) {
            return Err(wrong("it has port 0, where nobody listens".to_owned()));
        }
        Ok(url)
    }

    pub(crate) fn credentials(
        &self,
        secrets: &dyn Secrets,
    ) -> Result<Option<Credentials>, SettingsError> {
        credentials::resolve(self.username.as_deref(), self.password.as_ref(), secrets)
    }
}

impl Settings for SourceSettings {
    fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        let password = self.password.as_mut();
        password
            .map(|at| ("password".into(), at))
            .into_iter()
            .collect()
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.address()?;
        credentials::check(self.username.as_deref(), self.password.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> SourceSettings {
        SourceSettings {
            url: url.into(),
            transport: Transport::Tcp,
            username: None,
            password: None,
        }
    }

    #[test]
    fn addresses_of_cameras_are_understood() {
        for url in [
            "rtsp://192.168.1.20/stream1",
            "rtsp://cam.example:8554/Streaming/Channels/101?profile=a",
            "rtsp://[2001:db8::1]:554/",
        ] {
            source(url).check().unwrap();
        }
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        for url in ["rtsp://admin:hunter2@cam/", "rtsp://admin:hunter2@[x/"] {
            let error = source(url).check().unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn what_is_no_camera_is_refused_with_an_example() {
        for url in [
            "",
            "cam",
            "http://cam/",
            "rtsps://cam/",
            "rtsp:///x",
            "rtsp://cam:0/",
        ] {
            let error = source(url).check().unwrap_err();
            assert_eq!(error.field, "url");
            assert!(
                error.advice.unwrap().contains("rtsp://192.168.1.20"),
                "{url}"
            );
        }
    }

    #[test]
    fn a_user_needs_a_password_and_the_other_way_round() {
        let mut alone = source("rtsp://cam/");
        alone.username = Some("admin".into());
        assert_eq!(alone.check().unwrap_err().field, "password");
        alone.username = None;
        alone.password = Some(SecretRef::Named("cam".into()));
        assert_eq!(alone.check().unwrap_err().field, "username");
        alone.username = Some("a:b".into());
        assert_eq!(alone.check().unwrap_err().field, "username");
        alone.username = Some("admin".into());
        alone.check().unwrap();
    }
}
