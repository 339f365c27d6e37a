use crate::amf::Value;
use bytes::Bytes;

/// What a media message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// A picture.
    Video,
}

/// The body of one audio or video message: an FLV or enhanced RTMP tag without its FLV header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Sound or picture.
    pub kind: MediaKind,
    /// Its decoding time in milliseconds; it wraps after 49.7 days.
    pub timestamp: u32,
    /// The tag's body.
    pub body: Bytes,
}

/// A data message: `onMetaData`, captions, cue points.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Its name, like `onMetaData`.
    pub name: String,
    /// Its time in milliseconds; it wraps after 49.7 days.
    pub timestamp: u32,
    /// What it says.
    pub values: Vec<Value>,
}
