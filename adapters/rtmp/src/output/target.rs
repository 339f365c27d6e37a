//! From settings to an address.

use tidegate_engine::SettingsError;
use tidegate_net::{Place, Url};
use tidegate_platforms::Platform;

use super::settings::OutputSettings;

/// Where the stream goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) place: Place,
    /// RTMP's application: the path, with what may follow behind a question mark.
    pub(crate) app: String,
    /// The whole URL, which never holds the key.
    pub(crate) url: String,
    pub(crate) platform: Option<&'static Platform>,
}

impl Target {
    pub(crate) fn of(settings: &OutputSettings) -> Result<Self, SettingsError> {
        let platform = settings.platform.as_deref().map(find).transpose()?;
        let (field, text) = match (&settings.url, platform) {
            (Some(url), _) => {
                if settings.region.is_some() || settings.backup {
                    let error = "a region or a backup belongs to a platform's own address";
                    return Err(SettingsError::new("url", error)
                        .advise("Leave out url, or leave out region and backup."));
                }
                ("url", url.as_str())
            }
            (None, Some(platform)) => address(platform, settings)?,
            (None, None) => {
                let error = SettingsError::new("url", "neither a url nor a platform is named");
                return Err(error
                    .advise("Write url: \"rtmp://host/app\", or platform: and the name of one."));
            }
        };
        let wrong = |what: String| SettingsError::new(field, what).advise(EXAMPLE);
        let url =
            Url::parse(text).map_err(|error| wrong(format!("the url cannot be read: {error}")))?;
        if !matches!(url.scheme(), "rtmp" | "rtmps") {
            return Err(wrong(format!("{}:// is not RTMP", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "a user name or password in the url is not supported".into(),
            ));
        }
        let place = Place::of(&url).map_err(|error| wrong(error.message))?;
        let path = url.path().trim_matches('/');
        if path.is_empty() {
            return Err(wrong("the url has no application behind the host".into()));
        }
        let app = match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        // Servers are told the address as it was written, as encoders do: without the usual port
        // unless somebody wrote it.
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        let url = format!("{}://{host}{port}/{app}", url.scheme());
        Ok(Self {
            place,
            app,
            url,
            platform,
        })
    }

    /// What people call it.
    pub(crate) fn name(&self) -> String {
        match self.platform {
            Some(platform) if platform.id != "custom" => platform.name.clone(),
            _ => self.place.to_string(),
        }
    }
}

const EXAMPLE: &str =
    "Write an address like \"rtmps://live.example.com/app\", without the stream key.";

fn find(id: &str) -> Result<&'static Platform, SettingsError> {
    tidegate_platforms::find(id).ok_or_else(|| {
        let names = tidegate_platforms::all()
            .iter()
            .map(|platform| platform.id.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        SettingsError::new("platform", format!("there is no platform {id:?}"))
            .advise(format!("Choose one of {names}."))
    })
}

/// The platform's own address.
fn address<'a>(
    platform: &'a Platform,
    settings: &OutputSettings,
) -> Result<(&'static str, &'a str), SettingsError> {
    let name = &platform.name;
    if platform.paste_url {
        let error = format!("{name} shows everybody an address of their own");
        return Err(SettingsError::new("url", error).advise("Copy the server URL from there."));
    }
    let regions = || {
        let names = platform.regions.iter().map(|region| region.id.as_str());
        format!("Choose one of {}.", names.collect::<Vec<_>>().join(", "))
    };
    let (main, backup) = match &settings.region {
        Some(id) if platform.regions.is_empty() => {
            let error = format!("{name} has no regions, and {id:?} is named");
            return Err(SettingsError::new("region", error).advise("Leave it out."));
        }
        Some(id) => {
            let unknown = || SettingsError::new("region", format!("{name} has no region {id:?}"));
            let region = platform
                .region(id)
                .ok_or_else(|| unknown().advise(regions()))?;
            (Some(&region.url), region.backup_url.as_ref())
        }
        None => (platform.url.as_ref(), platform.backup_url.as_ref()),
    };
    let field = if settings.backup { "backup" } else { "region" };
    match if settings.backup { backup } else { main } {
        Some(url) => Ok((field, url)),
        None if settings.backup => {
            let error = format!("{name} has no backup address");
            Err(SettingsError::new("backup", error).advise("Leave it out."))
        }
        None => Err(
            SettingsError::new("region", format!("{name} takes streams by region"))
                .advise(regions()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::to;
    use super::*;
    use tidegate_engine::Settings as _;

    #[test]
    fn a_url_is_taken_apart() {
        let target = Target::of(&to(Some("rtmp://h.example/live/"), None)).unwrap();
        assert_eq!(target.place.to_string(), "h.example:1935");
        assert_eq!(target.app, "live");
        assert_eq!(target.url, "rtmp://h.example/live");
        let target = Target::of(&to(Some("rtmps://h.example/a/b?x=1"), None)).unwrap();
        assert_eq!((target.place.port(), target.app.as_str()), (443, "a/b?x=1"));
        let target = Target::of(&to(Some("rtmp://[2001:db8::1]:1936/live"), None)).unwrap();
        assert_eq!(target.url, "rtmp://[2001:db8::1]:1936/live");
    }

    #[test]
    fn platforms_lead_to_their_addresses() {
        let mut youtube = to(None, Some("youtube"));
        let url = |settings: &OutputSettings| Target::of(settings).unwrap().url;
        assert_eq!(url(&youtube), "rtmps://a.rtmps.youtube.com:443/live2");
        youtube.backup = true;
        assert_eq!(
            url(&youtube),
            "rtmps://b.rtmps.youtube.com:443/live2?backup=1"
        );
        let mut twitch = to(None, Some("twitch"));
        twitch.region = Some("fra".into());
        assert_eq!(url(&twitch), "rtmp://live-fra.twitch.tv/app");
        let pasted = to(Some("rtmps://push.example/stage"), Some("tiktok"));
        assert_eq!(Target::of(&pasted).unwrap().name(), "TikTok LIVE");
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_would() {
        let field = |settings: &OutputSettings| {
            let error = settings.check().unwrap_err();
            assert!(error.advice.is_some());
            error.field
        };
        assert_eq!(field(&to(None, None)), "url");
        assert_eq!(field(&to(Some("https://h/app"), None)), "url");
        assert_eq!(field(&to(Some("rtmp://h"), None)), "url");
        assert_eq!(field(&to(Some("rtmp://u:p@h/app"), None)), "url");
        assert_eq!(field(&to(None, Some("youtub"))), "platform");
        assert_eq!(field(&to(None, Some("tiktok"))), "url");
        assert_eq!(field(&to(None, Some("x"))), "region");
        let mut odd = to(None, Some("youtube"));
        odd.region = Some("fra".into());
        assert_eq!(field(&odd), "region");
        let mut odd = to(None, Some("twitch"));
        odd.backup = true;
        assert_eq!(field(&odd), "backup");
    }
}
