use crate::settings::OutputSettings;
use crate::viewers::Viewers;
use bytes::Bytes;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use tidegate_engine::{CacheFor, Content, HttpContent, OutputReport};
use tidegate_hls::{Segmenter, SegmenterConfig};

/// The multivariant playlist, where players begin.
const INDEX: &str = "index.m3u8";

/// The media playlist, which the index names.
const MEDIA: &str = "media.m3u8";

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
const SEGMENT_TYPE: &str = "video/mp4";

/// The longest a viewer may stay away: a paused player is not watching.
const VIEWER_PATIENCE: Duration = Duration::from_secs(10);

/// Segments that can still be fetched after they left the list.
const KEPT: usize = 4;

/// What an HLS output serves.
#[derive(Debug)]
pub(crate) struct Pages {
    segmenter: Mutex<Segmenter>,
    viewers: Mutex<Viewers>,
    report: Mutex<Option<OutputReport>>,
}

impl Pages {
    pub(crate) fn new(settings: &OutputSettings) -> Self {
        let target: Duration = settings.segment.into();
        let config = SegmenterConfig {
            target,
            longest: target * 3,
            window: settings.window as usize,
            keep: KEPT,
            // An output that is made anew must not reuse the names of the one before.
            first_sequence: unix_seconds(),
            ..SegmenterConfig::default()
        };
        Self {
            segmenter: Mutex::new(Segmenter::new(config)),
            viewers: Mutex::new(Viewers::new(VIEWER_PATIENCE.max(target * 3))),
            report: Mutex::default(),
        }
    }

    pub(crate) fn segmenter(&self) -> MutexGuard<'_, Segmenter> {
        self.segmenter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to say what was fetched, while the output runs.
    pub(crate) fn set_report(&self, report: Option<OutputReport>) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    pub(crate) fn viewer_count(&self, now: Instant) -> u64 {
        self.viewers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count(now)
    }

    fn find(&self, path: &str) -> Option<Content> {
        let segmenter = self.segmenter();
        let (bytes, content_type, cache) = match path {
            INDEX => (
                segmenter.master(MEDIA)?.into(),
                PLAYLIST_TYPE,
                CacheFor::Never,
            ),
            MEDIA => (segmenter.playlist()?.into(), PLAYLIST_TYPE, CacheFor::Never),
            name => (segmenter.segment(name)?, SEGMENT_TYPE, CacheFor::Immutable),
        };
        Some(Content {
            bytes,
            content_type,
            cache,
        })
    }

    fn account(&self, client: &str, bytes: &Bytes) {
        let mut viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        viewers.saw(client, Instant::now());
        drop(viewers);
        if let Some(report) = &*self.report.lock().unwrap_or_else(PoisonError::into_inner) {
            report.delivered(bytes.len() as u64);
        }
    }
}

impl HttpContent for Pages {
    fn get(&self, path: &str, client: &str) -> Option<Content> {
        let content = self.find(path)?;
        self.account(client, &content.bytes);
        Some(content)
    }
}

pub(crate) fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
