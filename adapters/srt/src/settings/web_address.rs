//! The address of a webhook, judged when it is configured and not when the first caller comes.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name that the domain name system has, and the longest part of one.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What is wrong with an address, and what to do about it.
pub(super) type Wrong = (&'static str, &'static str);

const LIKE: &str = "write it like https://auth.example.com/srt";

/// Judges `scheme://host[:port][/path][?query]`.
pub(super) fn check(url: &str) -> Result<(), Wrong> {
    if url.contains(char::is_whitespace) {
        return Err(("has a blank in it", "write %20 where the blank is meant"));
    }
    let odd = |character: char| !character.is_ascii_graphic() || r#""<>\^`{|}"#.contains(character);
    if url.contains(odd) {
        return Err((
            "has a character in it that addresses do not have",
            "write it percent-encoded, and names of other scripts as xn--…",
        ));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(("has no scheme", LIKE));
    };
    if !matches!(scheme, "http" | "https") {
        return Err(("is neither http:// nor https://", LIKE));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    check_authority(&rest[..end])
}

fn check_authority(authority: &str) -> Result<(), Wrong> {
    if authority.contains('@') {
        return Err((
            "has a user in it, which would be shown",
            "set `secret` and check the signature instead",
        ));
    }
    if let Some(bracketed) = authority.strip_prefix('[') {
        let Some((address, rest)) = bracketed.split_once(']') else {
            return Err((
                "has a bracket that is not closed",
                "write it like http://[::1]:8000/",
            ));
        };
        if address.parse::<Ipv6Addr>().is_err() {
            return Err((
                "has no IPv6 address in its brackets",
                "write it like http://[2001:db8::1]:8000/",
            ));
        }
        return match rest.strip_prefix(':') {
            Some(port) => check_port(port),
            None if rest.is_empty() => Ok(()),
            None => Err((
                "goes on behind the bracket",
                "write it like http://[::1]:8000/",
            )),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if port.is_some_and(|port| port.contains(':')) {
        return Err((
            "has more than one colon in its host",
            "write an IPv6 address in brackets, like http://[2001:db8::1]:8000/",
        ));
    }
    check_host(host)?;
    port.map_or(Ok(()), check_port)
}

fn check_host(host: &str) -> Result<(), Wrong> {
    if host.is_empty() {
        return Err(("names no host", LIKE));
    }
    let is_numeric = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_numeric && host.split('.').count() == 4 && host.parse::<Ipv4Addr>().is_err() {
        return Err((
            "has no IPv4 address as its host",
            "each number is at most 255",
        ));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let fits = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() <= NAME_BYTES_MAX && name.split('.').all(fits) {
        return Ok(());
    }
    Err((
        "has a host that is no name",
        "names have letters, digits and hyphens between dots, at most 63 in a row",
    ))
}

fn check_port(port: &str) -> Result<(), Wrong> {
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if is_number => Ok(()),
        _ => Err((
            "has a port that is none",
            "write a number from 1 to 65535 behind the colon, or leave both out",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_can_be_asked_is_taken() {
        for url in [
            "http://127.0.0.1:8000/srt?x=1",
            "https://auth.example.com",
            "https://auth.example.com.:443/",
            "http://[::1]:8000/",
            "http://[2001:db8::1]",
            "http://my_box",
            "http://2852039166/",
            "http://a?b#c",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_what_is_wrong() {
        for (url, says) in [
            ("auth.example.com", "no scheme"),
            ("ftp://a/b", "neither"),
            ("http:/a", "no scheme"),
            ("HTTPX://a", "neither"),
            ("http://", "no host"),
            ("http:///x", "no host"),
            ("http://:80/", "no host"),
            ("http://a b/", "blank"),
            ("http://ä/", "character"),
            ("http://a/{x}", "character"),
            ("http://u:p@a/", "user"),
            ("http://a:0/", "port"),
            ("http://a:65536/", "port"),
            ("http://a:/", "port"),
            ("http://a:+80/", "port"),
            ("http://a:8o80/", "port"),
            ("http://2001:db8::1/", "colon"),
            ("http://[::1/", "bracket"),
            ("http://[::1]x/", "bracket"),
            ("http://[localhost]/", "IPv6"),
            ("http://300.1.1.1/", "IPv4"),
            ("http://a..b/", "name"),
            ("http://-a/", "name"),
        ] {
            let wrong = check(url).expect_err(url);
            assert!(wrong.0.contains(says), "{url}: {}", wrong.0);
        }
    }
}
