//! Writes what was fetched into the feed, each thing in its time.

use super::fetch::{Fetched, Piece};
use super::figures::Figures;
use super::frames::{FrameLine, Placed, micros};
use super::pace::Pace;
use super::steer::Steer;
use super::stream::StreamLine;
use core::time::Duration;
use std::sync::atomic::Ordering;
use tidegate_engine::{FeedWriter, Frame, RunError, SourceContext, TsChunk};
use tidegate_units::Instant;
use tokio::sync::mpsc::Receiver;

/// Time between two turns. What belongs into a turn is written together, and due one by one.
const TURN: Duration = Duration::from_millis(10);

/// Plays the segments of one or two playlists until there are no more.
pub(super) async fn play(
    context: &SourceContext,
    figures: &Figures,
    mut legs: Vec<Receiver<Fetched>>,
) -> Result<(), RunError> {
    let first = match legs[0].recv().await {
        Some(first) => taken(figures, first?),
        None => return Ok(()),
    };
    let is_stream = first.init.is_none() && StreamLine::is_stream(&first.data);
    context.report.connected(None);
    match (is_stream, &mut legs[..]) {
        (true, [leg]) => {
            figures.opened("ts");
            stream(context, figures, first, leg).await
        }
        (_, legs) => {
            figures.opened(if is_stream { "ts" } else { "fmp4" });
            frames(context, figures, first, legs).await
        }
    }
}

async fn stream(
    context: &SourceContext,
    figures: &Figures,
    first: Piece,
    leg: &mut Receiver<Fetched>,
) -> Result<(), RunError> {
    let mut writer = context.feed.ts_writer();
    let (mut line, mut pace) = (StreamLine::default(), Pace::default());
    let (mut next, mut steer) = (Some(first), Steer::default());
    let mut ended = Ok(());
    loop {
        match next.take() {
            Some(piece) => take(figures, &mut line, &piece)?,
            None => line.finish(),
        }
        while let Some(at) = line.next_at_micros() {
            let now = context.clock.now();
            write_chunks(&mut writer, &mut line, &mut pace, now);
            let played = line.end_micros().saturating_sub(at);
            let ahead = Duration::from_micros(u64::try_from(played).unwrap_or(0));
            Figures::set(&figures.buffered_ms, ahead + figures.waiting());
            if let Some(faster_ppm) = steered(figures, &mut steer, now, ahead) {
                pace.steer(at, faster_ppm);
            }
            figures.underruns.store(pace.late(), Ordering::Relaxed);
            figures
                .discontinuities
                .store(line.jumps(), Ordering::Relaxed);
            if let Some(at) = line.next_at_micros() {
                let until = pace.until(now, at).saturating_sub(TURN);
                tokio::time::sleep(until.max(TURN)).await;
            }
        }
        match leg.recv().await {
            Some(Ok(piece)) => next = Some(taken(figures, piece)),
            // What is here is played before.
            Some(Err(error)) => ended = Err(error),
            None if line.is_empty() => return ended,
            None => {}
        }
    }
}

/// Notes that a segment is no longer waiting.
fn taken(figures: &Figures, piece: Piece) -> Piece {
    figures.taken(piece.duration);
    piece
}

/// How much faster to play from now on, if that has to change. What has ended has no clock.
fn steered(figures: &Figures, steer: &mut Steer, now: Instant, here: Duration) -> Option<i64> {
    if !figures.is_live.load(Ordering::Relaxed) {
        return None;
    }
    let target = Duration::from_millis(figures.target_ms.load(Ordering::Relaxed));
    steer.look(now, here + figures.ahead(), target)
}

fn take(figures: &Figures, line: &mut StreamLine, piece: &Piece) -> Result<(), RunError> {
    if piece.init.is_some() || !StreamLine::is_stream(&piece.data) {
        return Err(unreadable("it is no transport stream, as those before it"));
    }
    if !line.take(piece) {
        figures.problem("a segment holds bytes that are no transport packets".to_owned());
    }
    Ok(())
}

fn unreadable(why: &str) -> RunError {
    RunError::theirs(
        format!("a segment cannot be read: {why}"),
        "Have the origin serve MPEG-TS or fragmented MP4 segments.",
    )
}

/// Writes what belongs into this turn.
fn write_chunks(
    writer: &mut FeedWriter<TsChunk>,
    line: &mut StreamLine,
    pace: &mut Pace,
    now: Instant,
) {
    while let Some(at) = line.next_at_micros()
        && pace.due(now, at) <= now + TURN
        && let Some(chunk) = line.next()
    {
        writer.push(TsChunk {
            bytes: chunk.bytes,
            origin: now,
            arrived: now,
            due: pace.due(now, chunk.at_micros).max(now),
            lost_before: chunk.lost,
        });
    }
    writer.seal();
}

async fn frames(
    context: &SourceContext,
    figures: &Figures,
    first: Piece,
    legs: &mut [Receiver<Fetched>],
) -> Result<(), RunError> {
    let mut writer = context.feed.frame_writer();
    let (mut line, mut pace) = (FrameLine::new(legs.len()), Pace::default());
    let mut steer = Steer::default();
    line.take(0, &first).map_err(|error| unreadable(&error))?;
    let mut held: Option<Placed> = None;
    loop {
        while held.is_none()
            && let Some(leg) = line.hungry()
        {
            match legs[leg].recv().await {
                Some(fetched) => {
                    // Where one leg fails the others end with it, and all are begun anew.
                    let piece = fetched?;
                    if leg == 0 {
                        figures.taken(piece.duration);
                    }
                    let read = line.take(leg, &piece);
                    read.map_err(|error| unreadable(&error))?;
                }
                None => line.end(leg),
            }
        }
        if let Some(problem) = line.take_problem() {
            figures.problem(format!("some of a segment cannot be read: {problem}"));
        }
        if let Some(tracks) = line.new_tracks()
            && *tracks != *context.feed.tracks()
        {
            writer.set_tracks(tracks);
        }
        let now = context.clock.now();
        let mut until = Duration::ZERO;
        while let Some(frame) = held.take().or_else(|| line.next()) {
            let due = pace.due(now, micros(frame.dts));
            if due > now + TURN {
                until = due.saturating_since(now + TURN);
                held = Some(frame);
                break;
            }
            writer.push(item(frame, now, due));
        }
        writer.seal();
        Figures::set(&figures.buffered_ms, line.buffered() + figures.waiting());
        if let Some(held) = &held
            && let Some(faster_ppm) = steered(figures, &mut steer, now, line.buffered())
        {
            pace.steer(micros(held.dts), faster_ppm);
        }
        figures.underruns.store(pace.late(), Ordering::Relaxed);
        for broke in line.take_breaks() {
            Figures::add(&figures.discontinuities, 1);
            figures.problem(broke);
        }
        if held.is_some() {
            tokio::time::sleep(until.max(TURN)).await;
        } else if line.hungry().is_none() {
            return Ok(());
        }
    }
}

fn item(frame: Placed, now: Instant, due: Instant) -> Frame {
    Frame {
        track: frame.track,
        pts_90khz: frame.pts,
        dts_90khz: frame.dts,
        key: frame.key,
        video: frame.video,
        discontinuity: frame.discontinuity,
        data: frame.data,
        arrived: now,
        due: due.max(now),
    }
}
