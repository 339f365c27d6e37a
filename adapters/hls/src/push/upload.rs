//! Sends segments and playlists to the origin, one after another.

use super::accepted::Accepted;
use super::names::Names;
use super::{QUEUE_BYTES_MAX, QUEUE_SEGMENTS_MAX, SLOW_ALARM, Standing, count, lock};
use bytes::Bytes;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tidegate_engine::{OutputReport, RunError, Severity};
use tidegate_hls::CutSegment;
use tidegate_net::Url;
use tidegate_net::http::header::CONTENT_TYPE;
use tidegate_net::http::{Ask, Client, HeaderName, HeaderValue, Method};
use tokio::sync::mpsc::Receiver;

/// How long each step of a connection may take.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A segment is tried for as long as it plays, but at least so long.
const SEGMENT_WITHIN_MIN: Duration = Duration::from_secs(3);
/// How long a playlist or a DELETE may take.
const PLAYLIST_WITHIN: Duration = Duration::from_secs(3);
/// The pause between two attempts at one segment.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(250);
/// Segments or their playlists that may fail in a row before the run ends.
const FAILURES_MAX: u32 = 2;
/// Segments in a row that have to be in time before the origin counts as quick again.
const QUICK_AGAIN: u32 = 5;

/// A segment on its way.
pub(super) struct Upload {
    pub(super) number: u64,
    pub(super) segment: CutSegment,
    pub(super) discontinuity: bool,
}

/// What an output that pushes has counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) queued_bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    again: AtomicU64,
    playlists_failed: AtomicU64,
    last_upload_ms: AtomicU64,
    accepted: Mutex<Accepted>,
    problem: Mutex<Option<String>>,
}

impl Counters {
    pub(super) fn json(&self) -> Value {
        json!({
            "segments_sent": count(&self.sent),
            "segments_left_out": count(&self.dropped),
            "segments_failed": count(&self.failed),
            "attempts_repeated": count(&self.again),
            "playlists_failed": count(&self.playlists_failed),
            "last_upload_ms": count(&self.last_upload_ms),
            "queued_bytes": count(&self.queued_bytes),
            "queue_bytes_max": QUEUE_BYTES_MAX,
            "queue_segments_max": QUEUE_SEGMENTS_MAX,
            "last_problem": *self.problem.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }

    pub(super) fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self, said: &str) {
        let said = Some(said.to_owned());
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }
}

/// Talks to the origin.
pub(super) struct Uploader {
    pub(super) client: Client,
    pub(super) names: Names,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) standing: Arc<Mutex<Standing>>,
    pub(super) counters: Arc<Counters>,
    pub(super) report: OutputReport,
}

impl Uploader {
    /// Sends what comes, until the origin refuses or cannot be reached.
    pub(super) async fn run(self, mut queue: Receiver<Upload>) -> Result<(), RunError> {
        let (mut failures, mut quick) = (0, 0);
        let (mut breaks, mut unlisted) = (false, Unlisted::default());
        while let Some(upload) = queue.recv().await {
            let (bytes, duration) = (upload.segment.data.len() as u64, upload.segment.duration);
            self.counters
                .queued_bytes
                .fetch_sub(bytes, Ordering::Relaxed);
            let began = Instant::now();
            let sent = self.segment(&upload).await;
            let took = began.elapsed();
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            self.counters
                .last_upload_ms
                .store(millis, Ordering::Relaxed);
            quick = match &sent {
                Ok(()) => self.judge(quick, took <= duration),
                Err(failure) if failure.too_late => self.judge(quick, false),
                // An origin that cannot be reached, or says no, is not slow.
                Err(_) => 0,
            };
            let delivered = match sent {
                Ok(()) => {
                    unlisted.add(bytes, duration);
                    self.list(&upload, core::mem::take(&mut breaks)).await
                }
                Err(failure) => {
                    breaks = true;
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    self.report.lost(bytes / 188);
                    Err(failure)
                }
            };
            match delivered {
                Ok(()) => {
                    failures = 0;
                    self.count(core::mem::take(&mut unlisted));
                    self.tidy().await;
                }
                Err(Failure { error, refused, .. }) => {
                    failures += 1;
                    self.counters.problem(&error.message);
                    if refused || failures >= FAILURES_MAX {
                        return Err(error);
                    }
                    self.report.error(error.to_string());
                }
            }
        }
        Ok(())
    }

    /// Adds a segment that has arrived to the playlist, and sends that. One that does not
    /// arrive is made up for by the next.
    async fn list(&self, upload: &Upload, breaks: bool) -> Result<(), Failure> {
        let name = self.names.segment(upload.number);
        let discontinuity = upload.discontinuity || breaks;
        let text = lock(&self.standing).list(name, upload.segment.duration, discontinuity);
        let (url, kind) = (self.names.playlist(), "application/vnd.apple.mpegurl");
        let put = self.put("the playlist", url, text.into(), kind, PLAYLIST_WITHIN);
        let sent = put.await;
        let failed = u64::from(sent.is_err());
        self.counters
            .playlists_failed
            .fetch_add(failed, Ordering::Relaxed);
        sent
    }

    /// Only what is listed has arrived anywhere.
    fn count(&self, listed: Unlisted) {
        self.counters
            .sent
            .fetch_add(listed.segments, Ordering::Relaxed);
        self.counters.accepted().add(listed.bytes, listed.duration);
    }

    /// An origin that needs longer for a segment than it plays falls behind.
    fn judge(&self, quick: u32, is_quick: bool) -> u32 {
        if is_quick {
            if quick + 1 >= QUICK_AGAIN {
                self.report.clear(SLOW_ALARM);
            }
            return quick.saturating_add(1);
        }
        self.report.raise(
            SLOW_ALARM,
            Severity::Warning,
            "The origin needs longer for a segment than it plays",
            "Send at a lower bitrate, or look at the origin and the network in between.",
        );
        0
    }

    /// Tries for as long as the segment plays.
    async fn segment(&self, upload: &Upload) -> Result<(), Failure> {
        let url = self.names.beside(&self.names.segment(upload.number));
        let patience = upload.segment.duration.max(SEGMENT_WITHIN_MIN);
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            let body = upload.segment.data.clone();
            let sent = self.put("a segment", &url, body, "video/mp2t", left).await;
            let failure = match sent {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            // The next attempt needs some time of its own.
            if failure.refused || began.elapsed() + 2 * ATTEMPT_PAUSE >= patience {
                return Err(failure);
            }
            self.counters.again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
    }

    async fn put(
        &self,
        what: &str,
        url: &Url,
        body: Bytes,
        kind: &'static str,
        within: Duration,
    ) -> Result<(), Failure> {
        let mut ask = Ask::send(Method::PUT, url.clone(), body, within);
        ask.headers.clone_from(&self.headers);
        ask = ask.with(CONTENT_TYPE, HeaderValue::from_static(kind));
        let began = Instant::now();
        let answer = self.client.ask(ask).await.map_err(|error| Failure {
            refused: error.refusal.is_some(),
            too_late: began.elapsed() >= within,
            error: error.into(),
        })?;
        let status = answer.status;
        if status.is_success() {
            return Ok(());
        }
        let advice = match status.as_u16() {
            401 | 403 => "Check the key and the headers: the origin wants to know who asks.",
            404 | 405 | 409 => "Check the url, and whether the origin takes PUT there.",
            413 => "Raise the size of uploads that the origin takes, or shorten segments.",
            _ => "Look into the origin's log.",
        };
        Err(Failure {
            error: RunError::theirs(format!("the origin answered {what} with {status}"), advice),
            refused: status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429),
            too_late: false,
        })
    }

    /// Deletes what left the playlist some time ago. Nobody misses it when it stays.
    async fn tidy(&self) {
        let Some(name) = lock(&self.standing).take_old() else {
            return;
        };
        let url = self.names.beside(&name);
        let mut ask = Ask::send(Method::DELETE, url, Bytes::new(), PLAYLIST_WITHIN);
        ask.headers.clone_from(&self.headers);
        drop(self.client.ask(ask).await);
    }
}

/// Segments that have arrived, while the playlist has not.
#[derive(Debug, Default)]
struct Unlisted {
    segments: u64,
    bytes: u64,
    duration: Duration,
}

impl Unlisted {
    fn add(&mut self, bytes: u64, duration: Duration) {
        self.segments += 1;
        self.bytes += bytes;
        self.duration += duration;
    }
}

/// Why something did not get to the origin.
struct Failure {
    error: RunError,
    /// The origin does not want it, now or later.
    refused: bool,
    /// The origin took all the time there was.
    too_late: bool,
}
