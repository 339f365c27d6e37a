//! The rates of what goes out, for the comparison with what a platform takes. (The source's
//! status has those of MPEG-TS, with all its headers: for sound far more than a platform counts.)

use core::time::Duration;

use tidegate_engine::Frame;
use tidegate_units::Instant;

use super::selection::Selection;

/// Rates are means over this long: pictures come in groups.
const WINDOW: Duration = Duration::from_secs(4);

/// Follows the first picture and the first sound of one connection.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    began: Option<Instant>,
    picture_bytes: u64,
    sound_bytes: u64,
    /// Of the last whole window.
    pub(crate) picture_bps: Option<u64>,
    pub(crate) sound_bps: Option<u64>,
}

impl Rates {
    pub(crate) fn frame(&mut self, frame: &Frame, selection: &Selection) {
        let began = *self.began.get_or_insert(frame.arrived);
        let window = frame.arrived.saturating_since(began);
        if window >= WINDOW {
            let bps = |bytes: u64| Some((bytes as f64 * 8.0 / window.as_secs_f64()) as u64);
            *self = Self {
                began: Some(frame.arrived),
                picture_bps: bps(self.picture_bytes),
                sound_bps: bps(self.sound_bytes),
                ..Self::default()
            };
        }
        let bytes = frame.data.len() as u64;
        if Some(frame.track) == selection.video {
            self.picture_bytes += bytes;
        } else if Some(frame.track) == selection.sound() {
            self.sound_bytes += bytes;
        }
    }
}
