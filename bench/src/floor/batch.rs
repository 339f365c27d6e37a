//! Many datagrams a system call, with or without segmentation offload.

use super::members::{Members, Verdict};
use super::sys::{self, Control, Inbox, Message, Name, Parcel, Post};
use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::time::Duration;

/// Messages taken in one turn: without offload those of 100 publishers in 10 ms are 570.
const SLOTS: usize = 256;
/// Longer than any datagram that is sent here.
const DATAGRAM_BYTES: usize = 2048;
/// No message is longer, joined or not.
const JOINED_BYTES: usize = 1 << 16;
/// Datagrams, and bytes, that the kernel cuts one message into.
const SEGMENTS_MAX: usize = 64;
const RUN_BYTES_MAX: usize = 65_000;

pub(crate) fn relay(
    socket: &UdpSocket,
    mut members: Members,
    gather: Duration,
    offload: bool,
) -> anyhow::Result<()> {
    if offload {
        sys::join_datagrams(socket)?;
    }
    let mut inbox = Inbox::new(
        SLOTS,
        if offload {
            JOINED_BYTES
        } else {
            DATAGRAM_BYTES
        },
    );
    let mut post = Post::new();
    loop {
        let count = inbox.receive(socket)?;
        let mut media = Vec::with_capacity(count);
        for message in inbox.messages(count) {
            let datagrams = message.bytes.len().div_ceil(message.stride) as u64;
            match members.take(message.from, message.bytes, datagrams) {
                Verdict::Forward => media.push(message),
                Verdict::Welcome(answer) => sys::send_one(socket, &answer, message.from)?,
                Verdict::Done => {}
            }
        }
        if !members.readers().is_empty() {
            forward(socket, &mut post, &media, members.readers(), offload)?;
        }
        answer(socket, &mut post, &mut members)?;
        drop(media);
        inbox.clear(count);
        if count < SLOTS {
            std::thread::sleep(gather);
        }
    }
}

/// Every reader gets all of `media`.
fn forward(
    socket: &UdpSocket,
    post: &mut Post,
    media: &[Message<'_>],
    readers: &[Name],
    offload: bool,
) -> io::Result<()> {
    let parts: Vec<IoSlice<'_>> = media.iter().map(|m| IoSlice::new(m.bytes)).collect();
    let runs = if offload {
        runs(media)
    } else {
        single_datagrams(media)
    };
    let parcels = readers.iter().flat_map(|to| {
        runs.iter().map(|run| Parcel {
            to,
            parts: &parts[run.first..run.end],
            segments: run.segments.as_ref(),
        })
    });
    post.send(socket, parcels)
}

/// Messages that leave as one.
struct Run {
    first: usize,
    end: usize,
    segments: Option<Control>,
}

fn single_datagrams(media: &[Message<'_>]) -> Vec<Run> {
    let run = |first| Run {
        first,
        end: first + 1,
        segments: None,
    };
    (0..media.len()).map(run).collect()
}

/// Consecutive messages of datagrams of one size, as many as the kernel cuts apart again.
fn runs(media: &[Message<'_>]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut first = 0;
    while let Some(message) = media.get(first) {
        let stride = message.stride;
        let mut bytes = message.bytes.len();
        let mut end = first + 1;
        while let Some(next) = media.get(end)
            && bytes.is_multiple_of(stride)
            && next.stride == stride
            && bytes + next.bytes.len() <= RUN_BYTES_MAX.min(SEGMENTS_MAX * stride)
        {
            bytes += next.bytes.len();
            end += 1;
        }
        let is_several = bytes > stride;
        let size = u16::try_from(stride).ok().filter(|_| is_several);
        runs.push(Run {
            first,
            end,
            segments: size.map(Control::segments_of),
        });
        first = end;
    }
    runs
}

fn answer(socket: &UdpSocket, post: &mut Post, members: &mut Members) -> io::Result<()> {
    let answers: Vec<_> = members.answers().collect();
    if answers.is_empty() {
        return Ok(());
    }
    let parts: Vec<_> = answers
        .iter()
        .map(|(_, answer)| [IoSlice::new(answer)])
        .collect();
    let parcels = answers.iter().zip(&parts).map(|((to, _), parts)| Parcel {
        to,
        parts,
        segments: None,
    });
    post.send(socket, parcels)
}
