use super::attributes::Attributes;
use super::{Line, Lines, PlaylistError, SEGMENTS_MAX, uri};
use core::time::Duration;
use std::sync::Arc;

/// The longest duration taken at its word.
const DURATION_MAX: Duration = Duration::from_secs(600);

/// A playlist of segments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// No segment is longer, by the playlist's own word.
    pub target: Duration,
    /// Nothing will be added.
    pub ended: bool,
    /// Nothing was ever taken away: `EXT-X-PLAYLIST-TYPE` says so.
    pub whole: bool,
    /// The segments, oldest first, numbered without gaps.
    pub segments: Vec<Segment>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its number in the stream.
    pub sequence: u64,
    /// Where it is.
    pub uri: String,
    /// How long it plays.
    pub duration: Duration,
    /// The part of the file that it is.
    pub range: Option<ByteRange>,
    /// What comes here does not continue what was before.
    pub discontinuity: bool,
    /// The origin knows that it is missing.
    pub gap: bool,
    /// What has to be read before it (fragmented MP4).
    pub map: Option<Arc<MapSection>>,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
}

/// Part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// An initialisation section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapSection {
    /// Where it is.
    pub uri: String,
    /// The part of the file that it is.
    pub range: Option<ByteRange>,
    /// How it is encrypted.
    pub key: Option<Arc<Key>>,
}

/// How segments are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// By which method.
    pub method: KeyMethod,
    /// Where the key is.
    pub uri: String,
    /// The initialisation vector; none: the segment's number.
    pub iv: Option<[u8; 16]>,
}

/// The method of an encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMethod {
    /// The whole segment with AES-128 in CBC mode.
    Aes128,
    /// Anything else: samples alone, or a system for rights.
    Other,
}

impl MediaPlaylist {
    pub(super) fn read(lines: Lines<'_>) -> Result<Self, PlaylistError> {
        let mut reading = Reading::default();
        for line in lines {
            if line.is_comment() {
                reading.tag(line)?;
            } else {
                reading.segment(line)?;
            }
        }
        if reading.target.is_none() {
            return Err(PlaylistError::NoTarget);
        }
        Ok(Self {
            target: reading.target.unwrap_or_default(),
            ended: reading.ended,
            whole: reading.whole,
            segments: reading.segments,
        })
    }
}

#[derive(Debug, Default)]
struct Reading {
    target: Option<Duration>,
    ended: bool,
    whole: bool,
    first_sequence: u64,
    segments: Vec<Segment>,
    map: Option<Arc<MapSection>>,
    key: Option<Arc<Key>>,
    // Of the segment whose URI has not come yet.
    duration: Option<Duration>,
    range: Option<(u64, Option<u64>)>,
    discontinuity: bool,
    gap: bool,
}

impl Reading {
    fn tag(&mut self, line: Line<'_>) -> Result<(), PlaylistError> {
        if let Some(text) = line.tag("EXTINF") {
            let seconds = text.split(',').next().unwrap_or_default();
            let duration = duration(seconds).ok_or_else(|| line.lacks("duration"))?;
            self.duration = Some(duration);
        } else if let Some(text) = line.tag("EXT-X-TARGETDURATION") {
            let target = duration(text).ok_or_else(|| line.lacks("duration"))?;
            self.target = Some(target);
        } else if let Some(text) = line.tag("EXT-X-MEDIA-SEQUENCE") {
            // Behind a segment it would give two numbers to one (RFC 8216, section 4.3.3.2).
            let number = text.trim().parse().ok();
            let number = number.filter(|_| self.segments.is_empty());
            self.first_sequence = number.ok_or_else(|| line.lacks("number"))?;
        } else if let Some(text) = line.tag("EXT-X-BYTERANGE") {
            self.range = Some(range(text).ok_or_else(|| line.lacks("byte range"))?);
        } else if let Some(text) = line.tag("EXT-X-MAP") {
            self.map = Some(map(line, Attributes::of(text), self.key.clone())?);
        } else if let Some(text) = line.tag("EXT-X-KEY") {
            self.key = key(line, Attributes::of(text))?;
        } else if line.tag("EXT-X-DISCONTINUITY").is_some() {
            self.discontinuity = true;
        } else if line.tag("EXT-X-GAP").is_some() {
            self.gap = true;
        } else if let Some(text) = line.tag("EXT-X-PLAYLIST-TYPE") {
            self.whole = matches!(text.trim(), "VOD" | "EVENT");
        } else if line.tag("EXT-X-ENDLIST").is_some() {
            self.ended = true;
        } else if line.tag("EXT-X-I-FRAMES-ONLY").is_some() {
            return Err(PlaylistError::Unsupported("EXT-X-I-FRAMES-ONLY"));
        } else if line.tag("EXT-X-SKIP").is_some() {
            return Err(PlaylistError::Unsupported("EXT-X-SKIP"));
        }
        Ok(())
    }

    fn segment(&mut self, line: Line<'_>) -> Result<(), PlaylistError> {
        let uri = line.uri()?;
        let duration = self.duration.take().ok_or_else(|| line.lacks("EXTINF"))?;
        if self.segments.len() >= SEGMENTS_MAX {
            return Err(PlaylistError::TooLong("segments"));
        }
        let range = match self.range.take() {
            None => None,
            Some((count, Some(first))) => Some(ByteRange { first, count }),
            Some((count, None)) => {
                let before = self.segments.last().filter(|it| it.uri == uri);
                let before = before.and_then(|it| it.range);
                let first = before.map(|it| it.first.saturating_add(it.count));
                let first = first.ok_or_else(|| line.lacks("byte range before it"))?;
                Some(ByteRange { first, count })
            }
        };
        let index = self.segments.len() as u64;
        let sequence = self.first_sequence.checked_add(index);
        self.segments.push(Segment {
            sequence: sequence.ok_or_else(|| line.lacks("sequence number"))?,
            uri,
            duration,
            range,
            discontinuity: core::mem::take(&mut self.discontinuity),
            gap: core::mem::take(&mut self.gap),
            map: self.map.clone(),
            key: self.key.clone(),
        });
        Ok(())
    }
}

fn duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (duration <= DURATION_MAX).then_some(duration)
}

/// `count` or `count@first`.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (count, first) = match text.trim().split_once('@') {
        Some((count, first)) => (count, Some(first.parse().ok()?)),
        None => (text.trim(), None),
    };
    let count: u64 = count.parse().ok()?;
    let end = first.unwrap_or(0_u64).checked_add(count);
    (count > 0 && end.is_some()).then_some((count, first))
}

fn map(
    line: Line<'_>,
    attributes: Attributes<'_>,
    key: Option<Arc<Key>>,
) -> Result<Arc<MapSection>, PlaylistError> {
    let range = match attributes.get("BYTERANGE") {
        None => None,
        Some(text) => {
            let (count, first) = range(text).ok_or_else(|| line.lacks("byte range"))?;
            let first = first.unwrap_or(0);
            Some(ByteRange { first, count })
        }
    };
    let uri = attributes.get("URI").and_then(uri);
    Ok(Arc::new(MapSection {
        uri: uri.ok_or_else(|| line.lacks("URI"))?,
        range,
        key,
    }))
}

fn key(line: Line<'_>, attributes: Attributes<'_>) -> Result<Option<Arc<Key>>, PlaylistError> {
    let method = match attributes.get("METHOD") {
        Some("NONE") => return Ok(None),
        Some("AES-128") => KeyMethod::Aes128,
        Some(_) => KeyMethod::Other,
        None => return Err(line.lacks("METHOD")),
    };
    let iv = match attributes.get("IV") {
        None => None,
        Some(text) => Some(iv(text).ok_or_else(|| line.lacks("IV"))?),
    };
    let uri = attributes.get("URI").and_then(uri);
    Ok(Some(Arc::new(Key {
        method,
        uri: uri.ok_or_else(|| line.lacks("URI"))?,
        iv,
    })))
}

fn iv(text: &str) -> Option<[u8; 16]> {
    let hex = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    let is_hex = !hex.is_empty() && hex.bytes().all(|it| it.is_ascii_hexdigit());
    let number = is_hex.then(|| u128::from_str_radix(hex, 16).ok())??;
    Some(number.to_be_bytes())
}
