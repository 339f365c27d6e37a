//! Which stream of an input goes on which PID of the output.

use super::Out;
use crate::psi::ElementaryStream;
use crate::seam::MapStream;
use tidegate_codecs::Kind;

/// PIDs that streams may have.
const FIRST_PID: u16 = 0x20;
const LAST_PID: u16 = 0x1FFE;

/// How well a stream goes where another was first: not at all, or the better the higher.
fn likeness(home: &ElementaryStream, of: &ElementaryStream) -> Option<u8> {
    let same_codec = home.codec == of.codec && home.stream_type == of.stream_type;
    let same_language = home.language == of.language;
    match (home.codec.kind() == of.codec.kind(), home.codec.kind()) {
        (false, _) => None,
        (true, Kind::Data) => same_codec.then_some(2 + u8::from(same_language)),
        (true, _) => Some(u8::from(home.codec == of.codec) * 2 + u8::from(same_language)),
    }
}

/// For each stream of an input the place of its like in the output, out of those that are not
/// taken; `None`: there is none.
///
/// Places are known by the stream that was there first: an input finds the same ones whenever it
/// comes on air, whatever was there in between.
pub(super) fn matched(outs: &[Out], taken: &[usize], streams: &[MapStream]) -> Vec<Option<usize>> {
    let mut found = vec![None; streams.len()];
    for wanted in (0..=3).rev() {
        for (place, out) in outs.iter().enumerate() {
            if taken.contains(&place) || found.contains(&Some(place)) {
                continue;
            }
            let is_like = |(index, of): &(usize, &MapStream)| {
                found[*index].is_none() && likeness(&out.home.stream, &of.stream) == Some(wanted)
            };
            if let Some((index, _)) = streams.iter().enumerate().find(is_like) {
                found[index] = Some(place);
            }
        }
    }
    for kind in [Kind::Video, Kind::Audio] {
        fill_first(kind, outs, taken, streams, &mut found);
    }
    found
}

/// The first picture and the first sound are what most players show, and platforms take nothing
/// else: they are not left empty while there is one that would do, in whatever codec.
fn fill_first(
    kind: Kind,
    outs: &[Out],
    taken: &[usize],
    streams: &[MapStream],
    found: &mut [Option<usize>],
) {
    let is_it = |of: &ElementaryStream| of.codec.kind() == kind;
    let Some(first) = outs.iter().position(|out| is_it(&out.home.stream)) else {
        return;
    };
    if taken.contains(&first) || found.contains(&Some(first)) {
        return;
    }
    let told = outs[first].home.stream.language;
    let would_do = |of: &MapStream| {
        let language = of.stream.language;
        is_it(&of.stream) && (told.is_none() || language.is_none() || language == told)
    };
    if let Some(index) = streams.iter().position(would_do) {
        found[index] = Some(first);
    }
}

/// A place that nobody needs now, where there is no room for more; rather one without picture or
/// sound.
pub(super) fn spare(outs: &[Out], used: &[usize]) -> Option<usize> {
    let free = |place: &usize| !used.contains(place);
    let is_data = |place: &usize| outs[*place].stream.codec.kind() == Kind::Data;
    let places = || (0..outs.len()).rev().filter(free);
    places().find(is_data).or_else(|| places().next())
}

/// The wanted PID if it is free, else another one.
pub(super) fn free_pid(wanted: u16, is_used: impl Fn(u16) -> bool) -> u16 {
    let is_free = |pid: &u16| !is_used(*pid);
    Some(wanted)
        .filter(is_free)
        .or_else(|| (FIRST_PID..LAST_PID).find(is_free))
        .unwrap_or(wanted)
}
