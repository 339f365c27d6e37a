//! Addresses with a place for a key: `https://host/upload?cid={key}&file=out.m3u8`.

use tidegate_engine::{Secret, SecretRef, SettingsError};
use tidegate_net::Url;

/// Where the key goes.
const PLACE: &str = "{key}";

/// The address of these settings, with the key in its place.
pub(crate) fn address(url: &str, key: Option<&Secret>) -> Result<Url, SettingsError> {
    let wrong =
        |message: &str, advice: &str| Err(SettingsError::new("url", message).advise(advice));
    let example = "Write it like https://live.example.com/cam1/index.m3u8.";
    let key = key.map(|key| {
        let bytes = key.expose().as_bytes();
        url::form_urlencoded::byte_serialize(bytes).collect::<String>()
    });
    let filled = match &key {
        Some(key) => url.replace(PLACE, key),
        None => url.to_owned(),
    };
    let Ok(parsed) = filled.parse::<Url>() else {
        return wrong("this is no address", example);
    };
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return wrong("this is no http:// or https:// address", example);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return wrong(
            "a name or password in an address would be shown to everybody",
            "Keep what is secret in key, and write {key} in its place in the url.",
        );
    }
    Ok(parsed)
}

/// What can be said about them while the key may still be a reference.
pub(crate) fn check(url: &str, key: Option<&SecretRef>) -> Result<(), SettingsError> {
    address(url, Some(&Secret::new("key")))?;
    let wanted = url.contains(PLACE);
    match (wanted, key) {
        (true, None) => Err(SettingsError::new("key", "the url has a place for a key")
            .advise("Set key, or write the url without {key}.")),
        (false, Some(_)) => Err(
            SettingsError::new("key", "the url has no place for the key")
                .advise("Write {key} in the url where the key belongs."),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_to_its_place() {
        let key = Secret::new("ab&c d");
        let url = "https://a.example/up?cid={key}&file=out.m3u8";
        let filled = address(url, Some(&key)).unwrap();
        assert_eq!(
            filled.as_str(),
            "https://a.example/up?cid=ab%26c+d&file=out.m3u8"
        );
    }

    #[test]
    fn what_is_no_web_address_or_shows_a_password_is_refused() {
        for url in [
            "",
            "cam1",
            "/index.m3u8",
            "ftp://a/b",
            "http://u:p@host/x.m3u8",
        ] {
            assert_eq!(check(url, None).unwrap_err().field, "url", "{url}");
        }
        let key = SecretRef::literal(Secret::new("x"));
        assert_eq!(check("http://a/{key}", None).unwrap_err().field, "key");
        assert_eq!(check("http://a/b", Some(&key)).unwrap_err().field, "key");
        assert!(check("http://a/{key}/x.m3u8", Some(&key)).is_ok());
    }
}
