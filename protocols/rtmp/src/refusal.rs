use crate::amf::Value;
use crate::command::Command;
use crate::text::{StreamKey, readable};
use core::fmt;

/// A server's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was refused.
    pub stage: Stage,
    /// RTMP's code, such as `NetStream.Publish.BadName`; empty if it gave none.
    pub code: String,
    /// The server's own words, without our key should it have repeated it; may be empty.
    pub words: String,
}

/// How far publishing had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The application.
    Connect,
    /// Making a stream.
    CreateStream,
    /// Publishing under this key.
    Publish,
    /// It was under way.
    Live,
}

/// What a refusal means, as far as its code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such application, or it is not for us.
    Application,
    /// The key is wrong, or expired, or not allowed now.
    Key,
    /// The key is in use.
    InUse,
    /// The server ended what was under way.
    Ended,
    /// Anything else.
    Other,
}

impl Refusal {
    pub(crate) fn read(stage: Stage, command: &Command, key: &StreamKey) -> Self {
        let info = command.arguments.get(1);
        let text = |name| {
            let value = info.and_then(|info| info.get(name)).and_then(Value::as_str);
            let words = value.unwrap_or_default();
            readable(&key.hidden_in(words))
        };
        Self {
            stage,
            code: text("code"),
            words: text("description"),
        }
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match (self.code.as_str(), self.stage) {
            ("NetStream.Publish.BadName", _) => RefusalKind::InUse,
            (_, Stage::Connect) => RefusalKind::Application,
            (_, Stage::Publish) => RefusalKind::Key,
            (_, Stage::Live) => RefusalKind::Ended,
            (_, Stage::CreateStream) => RefusalKind::Other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Connect => "the server refused the application",
            Stage::CreateStream => "the server refused to make a stream",
            Stage::Publish => "the server refused the stream key",
            Stage::Live => "the server ended the stream",
        })?;
        match (self.words.as_str(), self.code.as_str()) {
            ("", "") => Ok(()),
            ("", code) => write!(f, " ({code})"),
            (words, "") => write!(f, ": \"{words}\""),
            (words, code) => write!(f, ": \"{words}\" ({code})"),
        }
    }
}

impl core::error::Error for Refusal {}
