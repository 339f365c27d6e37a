use super::attributes::Attributes;
use super::{Lines, PlaylistError, VARIANTS_MAX, uri};

/// Characters of a name or a list of codecs, which are shown; longer ones are none.
const WORDS_CHARS_MAX: usize = 255;

/// A playlist of playlists: the same in several qualities, and what goes with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// The qualities, in the order of the playlist.
    pub variants: Vec<Variant>,
    /// Sound in playlists of its own.
    pub audio: Vec<Rendition>,
}

/// One quality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its media playlist.
    pub uri: String,
    /// Its highest bitrate; 0 where that is not said.
    pub bandwidth_bps: u64,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// RFC 6381.
    pub codecs: Option<String>,
    /// The group of renditions its sound comes from.
    pub audio: Option<String>,
}

/// Sound that can go with a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// The group that variants name.
    pub group: String,
    /// Its name.
    pub name: String,
    /// RFC 5646.
    pub language: Option<String>,
    /// To be taken unless the viewer chooses.
    pub is_default: bool,
    /// Its media playlist; none: it is in the variant's own segments.
    pub uri: Option<String>,
}

impl Multivariant {
    pub(super) fn read(lines: Lines<'_>) -> Result<Self, PlaylistError> {
        let mut read = Self::default();
        let mut open: Option<Attributes<'_>> = None;
        for line in lines {
            if let Some(text) = line.tag("EXT-X-STREAM-INF") {
                open = Some(Attributes::of(text));
            } else if let Some(text) = line.tag("EXT-X-MEDIA") {
                read.audio.extend(rendition(Attributes::of(text)));
            } else if !line.is_comment()
                && let Some(attributes) = open.take()
            {
                read.variants.push(variant(line.uri()?, attributes));
            }
            if read.variants.len() + read.audio.len() > VARIANTS_MAX {
                return Err(PlaylistError::TooLong("variants"));
            }
        }
        Ok(read)
    }

    /// The best variant that needs no more than `bandwidth_bps_max`, else the smallest.
    #[must_use]
    pub fn best(&self, bandwidth_bps_max: Option<u64>) -> Option<&Variant> {
        let most = bandwidth_bps_max.unwrap_or(u64::MAX);
        let fitting = self.variants.iter().filter(|it| it.bandwidth_bps <= most);
        // The first of equals: origins name the same quality twice as a fallback.
        fitting
            .rev()
            .max_by_key(|it| (it.bandwidth_bps, it.resolution))
            .or_else(|| self.variants.iter().min_by_key(|it| it.bandwidth_bps))
    }

    /// The playlist of the sound that goes with a variant, if it has one of its own.
    #[must_use]
    pub fn audio_of(&self, variant: &Variant) -> Option<&Rendition> {
        let group = variant.audio.as_ref()?;
        let mut members = self.audio.iter().filter(|it| it.group == *group);
        let first = members.clone().next();
        members.find(|it| it.is_default).or(first)
    }
}

fn variant(uri: String, attributes: Attributes<'_>) -> Variant {
    let number = |name| attributes.get(name).and_then(|it| it.parse().ok());
    let text = |name| words(attributes, name);
    let resolution = attributes.get("RESOLUTION").and_then(|it| {
        let (width, height) = it.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    Variant {
        uri,
        bandwidth_bps: number("BANDWIDTH").unwrap_or_default(),
        resolution,
        codecs: text("CODECS"),
        audio: text("AUDIO"),
    }
}

fn rendition(attributes: Attributes<'_>) -> Option<Rendition> {
    if attributes.get("TYPE") != Some("AUDIO") {
        return None;
    }
    Some(Rendition {
        group: words(attributes, "GROUP-ID")?,
        name: words(attributes, "NAME").unwrap_or_default(),
        language: words(attributes, "LANGUAGE"),
        is_default: attributes.get("DEFAULT") == Some("YES"),
        uri: attributes.get("URI").and_then(uri),
    })
}

fn words(attributes: Attributes<'_>, name: &str) -> Option<String> {
    let text = attributes.get(name)?;
    (text.len() <= WORDS_CHARS_MAX).then(|| text.to_owned())
}
