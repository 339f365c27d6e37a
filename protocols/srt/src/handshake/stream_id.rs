use core::fmt;

use super::access_request::{AccessRequest, is_marked};
use super::percent;
use crate::wire::MAX_STREAM_ID_BYTES;

/// What a caller calls the stream it wants to send or read.
///
/// Free text such as `live/cam1`, or the access-control form `#!::r=live/cam1,m=publish`,
/// either of them percent-encoded or not: clients differ in what they do to a URL.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct StreamId {
    raw: Box<[u8]>,
    access: Option<AccessRequest>,
    malformed: bool,
}

impl StreamId {
    /// Longest stream ID in bytes.
    pub const MAX_BYTES: usize = MAX_STREAM_ID_BYTES;

    /// Reads a stream ID, which always succeeds: what has no readable structure is free
    /// text.
    #[must_use]
    pub fn new(raw: &[u8]) -> Self {
        let mut id = Self {
            raw: raw.into(),
            ..Self::default()
        };
        let decoded = percent::decode(raw);
        let marked = [raw, &decoded]
            .into_iter()
            .filter_map(|text| str::from_utf8(text).ok())
            .find(|text| is_marked(text));
        if let Some(text) = marked {
            id.access = AccessRequest::parse(text);
            id.malformed = id.access.is_none();
        }
        id
    }

    /// The bytes the caller sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// Whether the caller sent none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// What it asks for, if it is in the access-control form.
    #[must_use]
    pub const fn access(&self) -> Option<&AccessRequest> {
        self.access.as_ref()
    }

    /// Whether it begins like the access-control form but is not readable as such.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// The names the stream may have been configured under: the resource or the free
    /// text, as it came and percent-decoded, and the whole ID.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let resource = self.access.as_ref().and_then(AccessRequest::resource);
        let named = resource.map_or(&*self.raw, str::as_bytes);
        let mut names: Vec<String> = Vec::with_capacity(4);
        for candidate in [named.to_vec(), percent::decode(named), self.raw.to_vec()] {
            if let Ok(name) = String::from_utf8(candidate)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names.into_iter()
    }

    /// Whether `name` is one of [`Self::names`].
    #[must_use]
    pub fn is_for(&self, name: &str) -> bool {
        self.names().any(|candidate| candidate == name)
    }
}

impl From<&str> for StreamId {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for StreamId {
    /// As text that can stand in one line of a journal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in String::from_utf8_lossy(&self.raw).chars() {
            let shown = if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            };
            write!(f, "{shown}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::{AccessMode, AccessType};

    #[test]
    fn free_text_is_its_own_name() {
        let id = StreamId::from("live/cam1");
        assert!(id.is_for("live/cam1"));
        assert!(id.access().is_none() && !id.is_malformed());
    }

    #[test]
    fn the_flat_form_names_resource_user_and_mode() {
        let id = StreamId::from("#!::r=live/cam1,m=publish,u=alice,company_x=1");
        let access = id.access().unwrap();
        assert_eq!(access.resource(), Some("live/cam1"));
        assert_eq!(access.user(), Some("alice"));
        assert_eq!(access.mode(), Some(AccessMode::Publish));
        assert_eq!(access.get("company_x"), Some("1"));
        assert!(id.is_for("live/cam1"));
    }

    #[test]
    fn blanks_around_a_key_are_none_of_it() {
        let id = StreamId::from("#!::r=live/cam1, m=publish, u=alice");
        let access = id.access().unwrap();
        assert_eq!(access.mode(), Some(AccessMode::Publish));
        assert_eq!(access.user(), Some("alice"));
        assert_eq!(access.custom().count(), 0);
        assert!(StreamId::from("#!::r=1, r=2").is_malformed());
    }

    #[test]
    fn the_nested_form_joins_its_keys_with_dots() {
        let id = StreamId::from("#!:{r=cam1, m=request, user={name=bob,site={town=x}}}");
        let access = id.access().unwrap();
        assert_eq!(access.mode(), Some(AccessMode::Request));
        assert_eq!(access.get("user.name"), Some("bob"));
        assert_eq!(access.get("user.site.town"), Some("x"));
    }

    #[test]
    fn type_and_mode_are_read_whatever_their_case() {
        let access = |text: &str| StreamId::from(text).access().cloned().unwrap();
        assert_eq!(access("#!::r=a").kind(), Some(AccessType::Stream));
        assert_eq!(access("#!::r=a,t=File").kind(), Some(AccessType::File));
        assert_eq!(access("#!::r=a,t=auth").kind(), Some(AccessType::Auth));
        assert_eq!(access("#!::r=a,t=pigeon").kind(), None);
        assert_eq!(access("#!::m=Publish").mode(), Some(AccessMode::Publish));
        assert_eq!(access("#!::m=both").mode(), None);
    }

    #[test]
    fn keys_without_a_fixed_meaning_are_told_apart() {
        let id = StreamId::from("#!::u=a,company_x=1,r=b,user_y=2,h=c,s=d,t=stream,m=publish");
        let access = id.access().unwrap();
        let custom: Vec<_> = access.custom().collect();
        assert_eq!(custom, [("company_x", "1"), ("user_y", "2")]);
        assert_eq!((access.host(), access.session()), (Some("c"), Some("d")));
    }

    #[test]
    fn every_form_is_matched_raw_and_percent_decoded() {
        assert!(StreamId::from("live%2Fcam%201").is_for("live/cam 1"));
        assert!(StreamId::from("live%2Fcam1").is_for("live%2Fcam1"));
        assert!(StreamId::from("#!::r=live%2Fcam1").is_for("live/cam1"));
        assert!(StreamId::from("%23!%3A%3Ar%3Dlive/cam1%2Cm%3Dpublish").is_for("live/cam1"));
    }

    #[test]
    fn what_only_looks_like_access_control_is_malformed_free_text() {
        for text in [
            "#!::r",
            "#!:{r=1",
            "#!:x",
            "#!::=1",
            "#!::r=1,r=2",
            "#!:{a={b=1}",
        ] {
            let id = StreamId::from(text);
            assert!(id.is_malformed() && id.access().is_none(), "{text}");
            assert!(id.is_for(text), "{text}");
        }
    }

    #[test]
    fn too_many_keys_and_too_deep_nesting_are_malformed() {
        let many: Vec<_> = (0..33).map(|number| format!("k{number}=v")).collect();
        assert!(StreamId::from(&*format!("#!::{}", many.join(","))).is_malformed());
        assert!(StreamId::from("#!:{a={b={c={d={e=1}}}}}").is_malformed());
    }

    #[test]
    fn control_characters_do_not_reach_the_journal() {
        assert_eq!(StreamId::new(b"a\nb\xFF").to_string(), "a\u{FFFD}b\u{FFFD}");
    }
}
