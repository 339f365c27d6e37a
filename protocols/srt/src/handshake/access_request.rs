/// What an access-control stream ID (`#!::key=value,…` or `#!:{…}`) asks for.
///
/// Values are as they came; [`super::StreamId::names`] also has the percent-decoded
/// resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRequest {
    pairs: Vec<(String, String)>,
}

/// What a caller wants to do with the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessMode {
    /// Read it.
    Request,
    /// Send it.
    Publish,
    /// Both.
    Bidirectional,
}

/// What a caller wants to have transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessType {
    /// Live media, or whatever both sides agree on.
    Stream,
    /// A file; the resource is its name.
    File,
    /// Something about authorisation.
    Auth,
}

/// Keys with a fixed meaning.
const STANDARD_KEYS: [&str; 6] = ["u", "r", "h", "s", "t", "m"];
/// A stream ID with more keys than this is not readable.
const MAX_KEYS: usize = 32;
/// Braces may be nested this deep.
const MAX_DEPTH: usize = 4;

const FLAT: &str = "#!::";
const NESTED: &str = "#!:{";

/// Whether `text` wants to be an access-control stream ID.
pub(super) fn is_marked(text: &str) -> bool {
    text.starts_with("#!:")
}

impl AccessRequest {
    /// Reads an access-control stream ID; `None` if it is not a readable one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut request = Self::default();
        if let Some(flat) = text.strip_prefix(FLAT) {
            for pair in flat.split(',').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=')?;
                // Whoever types the list puts a blank behind the comma.
                request.add(key.trim().to_owned(), value)?;
            }
        } else {
            let nested = text.strip_prefix(NESTED)?.trim_end().strip_suffix('}')?;
            request.read_nested(nested, "", 1)?;
        }
        Some(request)
    }

    /// The value of a key; nested keys are joined with dots.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The resource (`r`): the stream.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.get("r")
    }

    /// The user (`u`).
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.get("u")
    }

    /// The host (`h`).
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.get("h")
    }

    /// The session (`s`).
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.get("s")
    }

    /// The mode (`m`): `None` if it is missing, which means [`AccessMode::Request`] to
    /// the letter of the convention, or unknown.
    #[must_use]
    pub fn mode(&self) -> Option<AccessMode> {
        let modes = [
            ("request", AccessMode::Request),
            ("publish", AccessMode::Publish),
            ("bidirectional", AccessMode::Bidirectional),
        ];
        one_of(self.get("m")?, &modes)
    }

    /// The type (`t`): a stream if it is missing, `None` if it is unknown.
    #[must_use]
    pub fn kind(&self) -> Option<AccessType> {
        let types = [
            ("stream", AccessType::Stream),
            ("file", AccessType::File),
            ("auth", AccessType::Auth),
        ];
        one_of(self.get("t").unwrap_or("stream"), &types)
    }

    /// The keys without a fixed meaning, such as `user_*` and `company_*`, in their order.
    pub fn custom(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().filter(|(key, _)| !STANDARD_KEYS.contains(key))
    }

    /// All keys and values in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn add(&mut self, key: String, value: &str) -> Option<()> {
        let readable = !key.is_empty() && self.pairs.len() < MAX_KEYS && self.get(&key).is_none();
        readable.then(|| self.pairs.push((key, value.to_owned())))
    }

    fn read_nested(&mut self, text: &str, prefix: &str, depth: usize) -> Option<()> {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (key, tail) = rest.split_once('=')?;
            let key = format!("{prefix}{}", key.trim());
            let (value, tail) = split_value(tail)?;
            match value
                .strip_prefix('{')
                .and_then(|inner| inner.strip_suffix('}'))
            {
                Some(_) if depth == MAX_DEPTH => return None,
                Some(inner) => self.read_nested(inner, &format!("{key}."), depth + 1)?,
                None => self.add(key, value.trim())?,
            }
            rest = tail.trim_start();
        }
        Some(())
    }
}

fn one_of<T: Copy>(text: &str, known: &[(&str, T)]) -> Option<T> {
    known
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, value)| *value)
}

/// The text up to the comma outside all braces, and what follows that comma.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open = open.checked_sub(1)?,
            ',' if open == 0 => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    (open == 0).then_some((text, ""))
}
