/// The attributes behind a tag (RFC 8216, section 4.2): `NAME=value,NAME="va,lue"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(&'a str);

impl<'a> Attributes<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The value of an attribute, without quotes. The first counts.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        let mut rest = self.0;
        while let Some((found, behind)) = rest.split_once('=') {
            let (value, after) = value(behind);
            if found.trim() == name {
                return Some(value);
            }
            rest = after;
        }
        None
    }
}

/// The value that the text begins with, and what follows behind the comma.
fn value(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_once(',').unwrap_or((text, ""));
        return (value.trim(), after);
    };
    let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
    (value, after.split_once(',').map_or("", |(_, after)| after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_commas_and_equals_signs_belong_to_the_value() {
        let text = r#"A=1,CODECS="avc1.4d,mp4a.40=2", B = 2,URI="x,C=3",C=4"#;
        let attributes = Attributes::of(text);
        assert_eq!(attributes.get("A"), Some("1"));
        assert_eq!(attributes.get("CODECS"), Some("avc1.4d,mp4a.40=2"));
        assert_eq!(attributes.get("B"), Some("2"));
        assert_eq!(attributes.get("C"), Some("4"));
        assert_eq!(attributes.get("D"), None);
    }

    #[test]
    fn what_is_cut_off_ends_there() {
        assert_eq!(Attributes::of(r#"A="x"#).get("A"), Some("x"));
        assert_eq!(Attributes::of("A").get("A"), None);
        assert_eq!(Attributes::of(",,,=").get("A"), None);
    }
}
