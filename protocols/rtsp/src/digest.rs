//! Logging in without showing the password (RFC 7616, and RFC 2617 for clients that know MD5
//! alone).
//!
//! A nonce is made of a time and a keyed sum over it and the client's address, so that nothing
//! is kept for strangers, and what was overheard is of no use from elsewhere or later.

use core::fmt::Write as _;
use core::hash::Hasher as _;
use std::net::IpAddr;

use md5::Digest as _;
use siphasher::sip::SipHasher24;

/// What clients show to people.
const REALM: &str = "Tidegate";
/// How long a nonce is good for.
pub const NONCE_LIFETIME_SECONDS: u64 = 120;
/// Parameters of a header that are looked at.
const PARAMETERS_MAX: usize = 24;

/// Makes nonces, and knows its own again.
#[derive(Clone)]
pub struct Nonces {
    key: [u8; 16],
}

impl core::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}

/// What became of a log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Nothing that could be judged.
    Missing,
    /// The nonce is too old, or from before a restart: once more, with another.
    Stale,
    Wrong,
}

/// What the client has to know.
pub(crate) struct Known<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

impl Nonces {
    /// With a key that nobody else knows.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    fn make(&self, now_seconds: u64, peer: IpAddr) -> String {
        format!("{now_seconds:016x}{:016x}", self.sum(now_seconds, peer))
    }

    fn sum(&self, at_seconds: u64, peer: IpAddr) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(at_seconds);
        match peer.to_canonical() {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
        hasher.finish()
    }

    fn is_good(&self, nonce: &str, now_seconds: u64, peer: IpAddr) -> bool {
        let Some((at, _)) = nonce.split_at_checked(16) else {
            return false;
        };
        let Ok(at_seconds) = u64::from_str_radix(at, 16) else {
            return false;
        };
        let age = now_seconds.checked_sub(at_seconds);
        age.is_some_and(|age| age < NONCE_LIFETIME_SECONDS)
            && is_equal(&self.make(at_seconds, peer), nonce)
    }

    /// The challenges, best first; clients that know one alone take it, or the last.
    pub(crate) fn challenges(&self, now_seconds: u64, peer: IpAddr, stale: bool) -> [String; 2] {
        let nonce = self.make(now_seconds, peer);
        let stale = if stale { ", stale=TRUE" } else { "" };
        ["SHA-256", "MD5"].map(|algorithm| {
            format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm={algorithm}{stale}")
        })
    }

    /// Judges the header `authorization` of a request for something below `path`.
    pub(crate) fn judge(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        known: &Known<'_>,
        now_seconds: u64,
        peer: IpAddr,
    ) -> Verdict {
        let Some(claim) = authorization.and_then(Claim::parse) else {
            return Verdict::Missing;
        };
        if !self.is_good(claim.nonce, now_seconds, peer) {
            return Verdict::Stale;
        }
        let expected = claim.expected(method, known);
        // Everything is looked at, so that the time taken tells nothing.
        let right = is_equal(&expected, &claim.response.to_ascii_lowercase())
            & is_equal(claim.username, known.username)
            & is_equal(claim.realm, REALM)
            & is_below(claim.uri, path);
        if right {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    }
}

/// What a client says in `Authorization`.
#[derive(Default)]
struct Claim<'a> {
    username: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    qop: &'a str,
    count: &'a str,
    client_nonce: &'a str,
    is_sha256: bool,
}

impl<'a> Claim<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut claim = Self::default();
        for (name, value) in parameters(rest) {
            match name.to_ascii_lowercase().as_str() {
                "username" => claim.username = value,
                "realm" => claim.realm = value,
                "nonce" => claim.nonce = value,
                "uri" => claim.uri = value,
                "response" => claim.response = value,
                "qop" => claim.qop = value,
                "nc" => claim.count = value,
                "cnonce" => claim.client_nonce = value,
                "algorithm" if value.eq_ignore_ascii_case("md5") => {}
                "algorithm" if value.eq_ignore_ascii_case("sha-256") => claim.is_sha256 = true,
                "algorithm" => return None,
                _ => {}
            }
        }
        let is_known_qop = matches!(claim.qop, "" | "auth");
        (is_known_qop && !claim.nonce.is_empty() && !claim.response.is_empty()).then_some(claim)
    }

    /// The response of a client that knows the password.
    fn expected(&self, method: &str, known: &Known<'_>) -> String {
        let hash = |text: &str| {
            if self.is_sha256 {
                hex(&sha2::Sha256::digest(text))
            } else {
                hex(&md5::Md5::digest(text))
            }
        };
        let who = hash(&format!("{}:{REALM}:{}", known.username, known.password));
        let what = hash(&format!("{method}:{}", self.uri));
        let nonce = self.nonce;
        if self.qop.is_empty() {
            return hash(&format!("{who}:{nonce}:{what}"));
        }
        let (count, client, qop) = (self.count, self.client_nonce, self.qop);
        hash(&format!("{who}:{nonce}:{count}:{client}:{qop}:{what}"))
    }
}

/// Names and values, without quotation marks.
fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    let next = move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        Some((name.trim(), value.trim()))
    };
    core::iter::from_fn(next).take(PARAMETERS_MAX)
}

/// Whether an address is that of the path or of something below it. Clients write it with or
/// without the host.
fn is_below(uri: &str, path: &str) -> bool {
    let after_scheme = uri.split_once("://").map(|(_, rest)| rest);
    let own = match after_scheme {
        Some(rest) => rest.split_once('/').map_or("", |(_, own)| own),
        None => uri,
    };
    let own = own.split(['?', '#']).next().unwrap_or_default();
    let below = own.trim_matches('/').strip_prefix(path);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Compares without telling by its time where the first difference is.
fn is_equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && difference == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const NONCES: Nonces = Nonces::new([7; 16]);
    const KNOWN: Known<'_> = Known {
        username: "alice",
        password: "wonder land",
    };

    fn login(nonce: &str, algorithm: &str, uri: &str, password: &str) -> String {
        let header = format!(
            "Digest username=\"alice\", realm=\"Tidegate\", nonce=\"{nonce}\", uri=\"{uri}\", \
             algorithm={algorithm}, response=\"x\""
        );
        let claim = Claim::parse(&header).unwrap();
        let known = Known {
            username: "alice",
            password,
        };
        header.replace(
            "\"x\"",
            &format!("\"{}\"", claim.expected("DESCRIBE", &known)),
        )
    }

    fn judge(header: &str, now_seconds: u64) -> Verdict {
        NONCES.judge(
            Some(header),
            "DESCRIBE",
            "live/cam1",
            &KNOWN,
            now_seconds,
            PEER,
        )
    }

    #[test]
    fn the_example_of_rfc_2617() {
        let header = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, \
            nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\"";
        let claim = Claim::parse(header).unwrap();
        // With another realm the sum differs; what is checked is how it is made.
        let text = format!(
            "{}:{}",
            hex(&md5::Md5::digest(
                "Mufasa:testrealm@host.com:Circle Of Life"
            )),
            "dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth:39aff3a2bab6126f332b942af96d3366"
        );
        assert_eq!(hex(&md5::Md5::digest(text)), claim.response);
        assert_eq!(
            (claim.count, claim.client_nonce, claim.uri),
            ("00000001", "0a4f113b", "/dir/index.html")
        );
    }

    #[test]
    fn the_right_password_opens_by_either_sum() {
        let nonce = NONCES.make(100, PEER);
        for algorithm in ["MD5", "SHA-256"] {
            for uri in [
                "rtsp://host:8554/live/cam1",
                "/live/cam1/",
                "rtsp://h/live/cam1/trackID=0",
            ] {
                let right = login(&nonce, algorithm, uri, "wonder land");
                assert_eq!(judge(&right, 150), Verdict::Right, "{algorithm} {uri}");
            }
            let wrong = login(&nonce, algorithm, "/live/cam1", "wonderland");
            assert_eq!(judge(&wrong, 150), Verdict::Wrong);
        }
    }

    #[test]
    fn a_login_for_something_else_does_not_open() {
        let nonce = NONCES.make(100, PEER);
        for uri in ["/live/cam", "/live/cam12", "/other", "", "rtsp://live"] {
            let header = login(&nonce, "MD5", uri, "wonder land");
            assert_eq!(judge(&header, 150), Verdict::Wrong, "{uri}");
        }
    }

    #[test]
    fn nonces_end_and_are_of_use_to_one_address() {
        let nonce = NONCES.make(100, PEER);
        let header = login(&nonce, "MD5", "/live/cam1", "wonder land");
        assert_eq!(judge(&header, 100 + NONCE_LIFETIME_SECONDS), Verdict::Stale);
        assert_eq!(judge(&header, 99), Verdict::Stale, "from the future");
        let elsewhere = "192.0.2.1".parse().unwrap();
        let verdict = NONCES.judge(
            Some(&header),
            "DESCRIBE",
            "live/cam1",
            &KNOWN,
            101,
            elsewhere,
        );
        assert_eq!(verdict, Verdict::Stale);
        let forged = login(
            &format!("{:016x}{:016x}", 100, 5),
            "MD5",
            "/live/cam1",
            "wonder land",
        );
        assert_eq!(judge(&forged, 101), Verdict::Stale);
    }

    #[test]
    fn what_is_no_login_is_missing() {
        for header in [
            "",
            "Digest",
            "Basic YTpi",
            "Digest a",
            "Digest nonce=\"",
            "Digest algorithm=MD5-sess, nonce=\"1\", response=\"2\"",
        ] {
            assert_eq!(judge(header, 100), Verdict::Missing, "{header}");
        }
    }
}
