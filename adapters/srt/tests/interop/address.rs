use std::fmt::Write as _;

use super::common::PASSPHRASE;

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The peer calls us.
    Caller,
    /// The peer listens, and we call it.
    Listener,
}

/// Key lengths in bytes; none: not encrypted.
pub(crate) const KEYS: [Option<u16>; 4] = [None, Some(16), Some(24), Some(32)];

/// Where and how a peer is to connect.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) mode: Mode,
    pub(crate) port: u16,
    pub(crate) stream_id: String,
    pub(crate) key_bytes: Option<u16>,
    pub(crate) latency_millis: u32,
    /// More options, for peers that take them in the address: `&name=value…`.
    pub(crate) more: &'static str,
}

/// In which unit a program takes its `latency`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LatencyUnit {
    /// libsrt's own tools and VLC.
    Milliseconds,
    /// ffmpeg and OBS, which is built on it.
    Microseconds,
}

/// What is asked for when latency is not the matter.
pub(crate) const LATENCY_MILLIS: u32 = 250;

impl Address {
    /// As libsrt's tools and their relatives write it.
    pub(crate) fn url(&self, unit: LatencyUnit) -> String {
        let mode = match self.mode {
            Mode::Caller => "caller",
            Mode::Listener => "listener",
        };
        let latency = match unit {
            LatencyUnit::Milliseconds => self.latency_millis,
            LatencyUnit::Microseconds => self.latency_millis * 1000,
        };
        let mut url = format!(
            "srt://127.0.0.1:{}?mode={mode}&latency={latency}",
            self.port
        );
        if self.mode == Mode::Caller {
            write!(url, "&streamid={}", self.stream_id).unwrap();
        }
        if let Some(bytes) = self.key_bytes {
            write!(url, "&passphrase={PASSPHRASE}&pbkeylen={bytes}").unwrap();
        }
        url + self.more
    }

    /// Of a caller of ours, without encryption.
    pub(crate) fn plain(port: u16, stream_id: &str) -> Self {
        Self {
            mode: Mode::Caller,
            port,
            stream_id: stream_id.into(),
            key_bytes: None,
            latency_millis: LATENCY_MILLIS,
            more: "",
        }
    }

    /// What the cipher is called in our status.
    pub(crate) fn cipher(&self) -> String {
        cipher(self.key_bytes)
    }
}

pub(crate) fn cipher(key_bytes: Option<u16>) -> String {
    key_bytes.map_or("none".into(), |bytes| format!("aes-{}-ctr", bytes * 8))
}
