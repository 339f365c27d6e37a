//! Playlists, segments, initialisation sections and keys over HTTP, each within its bounds.

use super::super::decrypt::{KEY_BYTES, decrypt};
use super::{Failure, Fetcher, PLAYLIST_WITHIN, Piece, SEGMENT_BYTES_MAX};
use bytes::Bytes;
use core::time::Duration;
use std::sync::Arc;
use tidegate_engine::RunError;
use tidegate_hls::m3u8::{
    ByteRange, Key, KeyMethod, MapSection, PLAYLIST_BYTES_MAX, Playlist, Segment,
};
use tidegate_net::Url;
use tidegate_net::http::{Answer, Ask, Client};

/// Largest initialisation section.
const MAP_BYTES_MAX: usize = 1 << 20;
/// Bounds of how long a segment may take: twice the target duration within these.
const SEGMENT_WITHIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

impl Fetcher {
    /// A segment with what it needs.
    pub(super) async fn whole(&mut self, segment: &Segment) -> Result<Piece, Failure> {
        let name = format!("segment {}", segment.sequence);
        let within = (self.follow.target() * 2).clamp(SEGMENT_WITHIN[0], SEGMENT_WITHIN[1]);
        // Behind a break the same address may hold another one.
        let is_known =
            |map: &&Arc<MapSection>| Some(*map) == self.map.as_ref() && !segment.discontinuity;
        let init = match segment.map.as_ref().filter(|map| !is_known(map)) {
            None => None,
            Some(map) => Some(self.init(segment, map, within).await?),
        };
        let (uri, range) = (&segment.uri, segment.range);
        let get = self.get(&name, uri, range, SEGMENT_BYTES_MAX, within);
        let mut data = get.await?;
        if let Some(key) = &segment.key {
            data = self.opened(&name, segment.sequence, key, &data).await?;
        }
        if init.is_some() {
            self.map.clone_from(&segment.map);
        }
        Ok(Piece {
            data,
            init,
            duration: segment.duration,
            discontinuity: segment.discontinuity,
            missed: core::mem::take(&mut self.missed),
        })
    }

    async fn init(
        &mut self,
        segment: &Segment,
        map: &MapSection,
        within: Duration,
    ) -> Result<Bytes, Failure> {
        let name = "the initialisation section";
        let get = self.get(name, &map.uri, map.range, MAP_BYTES_MAX, within);
        let data = get.await?;
        match &map.key {
            // Some encrypt segments only, whatever the playlist says.
            Some(key) if !begins_like_mp4(&data) => {
                self.opened(name, segment.sequence, key, &data).await
            }
            _ => Ok(data),
        }
    }

    async fn get(
        &self,
        name: &str,
        uri: &str,
        range: Option<ByteRange>,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Bytes, Failure> {
        let url = self.url.join(uri).map_err(|_| {
            RunError::theirs(
                format!("{name} has an address that is none"),
                "Correct the playlist.",
            )
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!("{name} is at {}://, which is no web address", url.scheme());
            let error = RunError::theirs(message, "Correct the playlist.");
            return Err(Failure { error, ends: true });
        }
        let mut ask = Ask::get(url, bytes_max, within);
        // The end of a range fits, and it is never empty: the playlist was checked.
        ask.range = range.map(|it| (it.first, it.first.saturating_add(it.count - 1)));
        let answer = self.client.ask(ask).await?;
        let body = accepted(name, &answer)?;
        let Some(range) = range else {
            return Ok(body);
        };
        // Whoever does not know ranges answers with the whole file.
        let first = match answer.status.as_u16() {
            206 => 0,
            _ => usize::try_from(range.first).unwrap_or(usize::MAX),
        };
        let count = usize::try_from(range.count).unwrap_or(usize::MAX);
        let end = first.checked_add(count).filter(|end| *end <= body.len());
        let end = end.ok_or_else(|| {
            RunError::theirs(
                format!("{name} is shorter than the playlist says"),
                "Look whether the origin writes files in place that it has listed already.",
            )
        })?;
        Ok(body.slice(first..end))
    }

    async fn opened(
        &mut self,
        name: &str,
        sequence: u64,
        key: &Key,
        data: &Bytes,
    ) -> Result<Bytes, Failure> {
        if key.method != KeyMethod::Aes128 {
            return Err(RunError::theirs(
                "the segments are encrypted by a method other than AES-128",
                "Have the origin encrypt with METHOD=AES-128 or not at all.",
            )
            .final_one()
            .into());
        }
        let known = self.key.as_ref().filter(|(uri, _)| *uri == key.uri);
        let bytes = match known {
            Some((_, bytes)) => bytes.clone(),
            None => {
                let get = self.get("the key", &key.uri, None, KEY_BYTES, PLAYLIST_WITHIN);
                let bytes = get.await?;
                self.key = Some((key.uri.clone(), bytes.clone()));
                bytes
            }
        };
        let iv = key.iv.unwrap_or(u128::from(sequence).to_be_bytes());
        let plain = decrypt(&bytes, iv, data);
        if plain.is_none() {
            // Perhaps the origin has a new one at the same address.
            self.key = None;
        }
        let wrong_key = || {
            RunError::theirs(
                format!("{name} cannot be decrypted with the key the playlist names"),
                "Look whether the origin has changed its key.",
            )
        };
        Ok(plain.ok_or_else(wrong_key)?)
    }
}

/// Loads a playlist; with where it came from in the end, which its entries are relative to.
pub(in crate::pull) async fn load(client: &Client, url: &Url) -> Result<(Url, Playlist), Failure> {
    let ask = Ask::get(url.clone(), PLAYLIST_BYTES_MAX, PLAYLIST_WITHIN);
    let answer = client.ask(ask).await?;
    let body = accepted("the playlist", &answer)?;
    let playlist = Playlist::read(&body).map_err(|error| {
        RunError::theirs(
            format!("the playlist cannot be used: {error}"),
            "Check that the url leads to an HLS playlist (.m3u8), and that it is whole.",
        )
    })?;
    Ok((answer.url, playlist))
}

fn begins_like_mp4(data: &[u8]) -> bool {
    matches!(data.get(4..8), Some(b"ftyp" | b"styp" | b"moov"))
}

fn accepted(name: &str, answer: &Answer) -> Result<Bytes, RunError> {
    if answer.status.is_success() {
        return Ok(answer.body.clone());
    }
    let advice = match answer.status.as_u16() {
        401 | 403 => "Check the url and its key: the origin wants to know who asks.",
        404 | 410 => "Check the url, and whether the stream is on the air.",
        _ => "Look into the origin's log.",
    };
    Err(RunError::theirs(
        format!("{name} was answered with {}", answer.status),
        advice,
    ))
}
