use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::{Secret, SecretRef, Secrets, SettingsError, Span};

use super::{is_false, web_address};
use crate::doorman::{OnFailure, Webhook};

/// How long an answer is waited for when the settings do not say.
const DEFAULT_TIMEOUT: Span = Span::from_secs(2);
/// The longest wait; most callers give up after three seconds.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// Somebody else decides who may come in: every caller that has the right passphrase is asked
/// about by an HTTP POST. Until the answer comes the caller hears nothing and repeats itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where to ask: `http://host:port/path` or `https://…`.
    pub url: String,
    /// How long to wait for the answer, at most 10 s. Most callers give up after 3 s.
    #[serde(default = "default_timeout", skip_serializing_if = "is_default")]
    pub timeout: Span,
    /// Signs the question (HMAC-SHA256), so that the webhook knows who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// What becomes of the caller when no answer comes.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
    /// A file with certificates (PEM) to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Ask link-local addresses as well, where clouds keep their metadata.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_link_local: bool,
}

const fn default_timeout() -> Span {
    DEFAULT_TIMEOUT
}

fn is_default(timeout: &Span) -> bool {
    *timeout == DEFAULT_TIMEOUT
}

impl WebhookSettings {
    /// What cannot work.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        web_address::check(&self.url).map_err(|(what, advice)| {
            SettingsError::new("webhook/url", format!("the webhook's url {what}")).advise(advice)
        })?;
        if self.timeout.0.is_zero() || self.timeout.0 > TIMEOUT_MAX {
            let max = Span(TIMEOUT_MAX);
            let message = format!("the webhook's timeout is not between 1ms and {max}");
            return Err(SettingsError::new("webhook/timeout", message));
        }
        Ok(())
    }

    /// The same, with the secret itself.
    pub(crate) fn resolve(&self, secrets: &dyn Secrets) -> Result<Webhook, SettingsError> {
        let secret = match &self.secret {
            None => None,
            Some(reference) => Some(found(reference, secrets)?),
        };
        Ok(Webhook {
            url: self.url.clone(),
            timeout: self.timeout.0,
            secret,
            on_failure: self.on_failure,
            ca: self.ca.as_ref().map(Into::into),
            allow_link_local: self.allow_link_local,
        })
    }
}

fn found(reference: &SecretRef, secrets: &dyn Secrets) -> Result<Secret, SettingsError> {
    reference
        .resolve(secrets)
        .map_err(|error| SettingsError::new("webhook", error.to_string()))
}

/// The webhook's secret, for the list of all secrets.
pub(super) fn secret_of(
    webhook: &mut Option<WebhookSettings>,
) -> Option<(Cow<'static, str>, &mut SecretRef)> {
    let secret = webhook.as_mut()?.secret.as_mut()?;
    Some(("webhook/secret".into(), secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), SettingsError> {
        serde_json::from_str::<WebhookSettings>(text)
            .unwrap()
            .check()
    }

    #[test]
    fn an_address_is_enough() {
        assert!(check(r#"{ "url": "http://127.0.0.1:8000/srt" }"#).is_ok());
        assert!(check(r#"{ "url": "https://auth.example.com" }"#).is_ok());
    }

    #[test]
    fn what_cannot_be_asked_is_refused_when_configured() {
        let field = |text| check(text).unwrap_err().field;
        assert_eq!(field(r#"{ "url": "http://a:99999/" }"#), "webhook/url");
        let timeout = "webhook/timeout";
        assert_eq!(
            field(r#"{ "url": "http://a/", "timeout": "11s" }"#),
            timeout
        );
        assert_eq!(field(r#"{ "url": "http://a/", "timeout": "0s" }"#), timeout);
    }

    #[test]
    fn its_secret_is_never_shown() {
        let text = r#"{ "url": "http://a/", "secret": "canary-of-the-webhook" }"#;
        let settings: WebhookSettings = serde_json::from_str(text).unwrap();
        let shown = serde_json::to_string(&settings).unwrap() + &format!("{settings:?}");
        assert!(!shown.contains("canary"), "{shown}");
        let webhook = settings.resolve(&tidegate_engine::NoSecrets).unwrap();
        assert!(!format!("{webhook:?}").contains("canary"));
        assert_eq!(webhook.secret.unwrap().expose(), "canary-of-the-webhook");
    }
}
