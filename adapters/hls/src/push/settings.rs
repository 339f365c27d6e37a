use crate::address;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tidegate_engine::{SecretRef, SettingsError};
use tidegate_net::http::HeaderName;

/// Headers of one's own.
const HEADERS_MAX: usize = 16;

/// An origin that takes playlist and segments over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSettings {
    /// Where the playlist goes; segments go beside it, under names of their own:
    /// `https://origin.example.com/live/cam1.m3u8`. The file may also stand in the query, as
    /// in `…/upload?cid={key}&file=out.m3u8`. `{key}` stands for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Instead of a url, a platform that takes HLS, such as `youtube`; `GET /api/v1/platforms`
    /// lists them with their `hls_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// To the platform's backup address, beside an output to its main one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backup: bool,
    /// What is secret in the url: the platform's stream key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretRef>,
    /// What to say with every request: `Authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretRef>,
    /// Also delete segments, some time after they left the playlist. For origins that do not
    /// tidy up themselves.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delete: bool,
    /// A file of certificates (PEM) to check against instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl PushSettings {
    pub(crate) fn secrets(&mut self) -> Vec<(Cow<'static, str>, &mut SecretRef)> {
        let key = self.key.iter_mut().map(|key| ("push/key".into(), key));
        let headers = self.headers.iter_mut();
        let headers = headers.map(|(name, value)| (format!("push/headers/{name}").into(), value));
        key.chain(headers).collect()
    }

    /// The address, with a place for the key where one belongs.
    pub(crate) fn template(&self) -> Result<&str, SettingsError> {
        let wrong = |field, message: String, advice: &str| {
            let error = SettingsError::new("push", message).at("push", &[field]);
            Err(error.advise(advice))
        };
        let id = match (&self.url, &self.platform) {
            (Some(_), None) if self.backup => {
                let message = "a url of one's own has no backup address".to_owned();
                return wrong("backup", message, "Leave backup out, or name a platform.");
            }
            (Some(url), None) => return Ok(url),
            (None, Some(id)) => id,
            _ => {
                let message = "either a url or a platform is needed".to_owned();
                return wrong("url", message, "Write one of the two.");
            }
        };
        let platform = tidegate_platforms::find(id);
        let url = platform.and_then(|it| match self.backup {
            true => it.hls_backup_url.as_deref(),
            false => it.hls_url.as_deref(),
        });
        let takers: Vec<_> = tidegate_platforms::all()
            .iter()
            .filter(|it| it.hls_url.is_some())
            .map(|it| &*it.id)
            .collect();
        url.map_or_else(
            || {
                let message = format!("no address is known where {id:?} takes HLS");
                let advice = format!("Choose {}, or write a url.", takers.join(" or "));
                wrong("platform", message, &advice)
            },
            Ok,
        )
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let below = |error: SettingsError| {
            let field = error.field;
            error.at("push", &[field])
        };
        let template = self.template()?;
        address::check(template, self.key.as_ref()).map_err(below)?;
        let url = address::address(template, None).map_err(below)?;
        if super::names::Names::of(&url).is_none() {
            let error = SettingsError::new("url", "the url names no playlist").at("push", &["url"]);
            return Err(
                error.advise("End it with a file like live.m3u8, or name one in the query.")
            );
        }
        if self.headers.len() > HEADERS_MAX {
            let error = SettingsError::new("push", "there are too many headers");
            return Err(error.at("push", &["headers"]).advise("Write 16 or less."));
        }
        for name in self.headers.keys() {
            if name.parse::<HeaderName>().is_err() {
                let error = SettingsError::new("push", "this is no name of a header");
                let error = error.at("push", &["headers", name]);
                return Err(error.advise("Write it like Authorization."));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_engine::Secret;

    fn settings(text: &str) -> PushSettings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_platform_stands_for_its_address_main_and_backup() {
        let mut youtube = settings(r#"{"platform":"youtube","key":"abcd"}"#);
        youtube.check().unwrap();
        let template = youtube.template().unwrap();
        let url = address::address(template, Some(&Secret::new("abcd"))).unwrap();
        let main = "https://a.upload.youtube.com/http_upload_hls?cid=abcd&copy=0&file=out.m3u8";
        assert_eq!(url.as_str(), main);
        youtube.backup = true;
        assert!(youtube.template().unwrap().contains("copy=1"));
    }

    #[test]
    fn what_cannot_be_pushed_to_is_refused_with_what_can() {
        for (text, place) in [
            ("{}", "push/url"),
            (r#"{"platform":"youtube"}"#, "push/key"),
            (r#"{"platform":"twitch","key":"x"}"#, "push/platform"),
            (
                r#"{"platform":"youtube","url":"https://a/b.m3u8","key":"x"}"#,
                "push/url",
            ),
            (r#"{"url":"https://a/b.m3u8","backup":true}"#, "push/backup"),
            (r#"{"url":"https://a/b"}"#, "push/url"),
            (
                r#"{"url":"https://a/b.m3u8","headers":{"a b":"x"}}"#,
                "push/headers/a b",
            ),
        ] {
            let error = settings(text).check().unwrap_err();
            assert_eq!(error.place(), place, "{text}");
            assert!(error.advice.is_some(), "{text}");
        }
    }
}
