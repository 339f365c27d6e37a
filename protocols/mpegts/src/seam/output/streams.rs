//! Which stream of an input goes on which PID of the output.

use super::Out;
use crate::psi::ElementaryStream;
use crate::seam::MapStream;
use tidegate_codecs::Kind;

/// PIDs that streams may have.
const FIRST_PID: u16 = 0x20;
const LAST_PID: u16 = 0x1FFE;

/// How well two streams go together: nothing, or the better the higher.
fn likeness(out: &ElementaryStream, of: &ElementaryStream) -> Option<u8> {
    let same_codec = out.codec == of.codec && out.stream_type == of.stream_type;
    let same_language = out.language == of.language;
    match (out.codec.kind() == of.codec.kind(), out.codec.kind()) {
        (false, _) => None,
        (true, Kind::Data) => same_codec.then_some(2 + u8::from(same_language)),
        (true, _) => Some(u8::from(out.codec == of.codec) * 2 + u8::from(same_language)),
    }
}

/// For each stream of an input the place of its like in the output; `None`: there is none.
pub(super) fn matched(outs: &[Out], streams: &[MapStream]) -> Vec<Option<usize>> {
    let mut found = vec![None; streams.len()];
    for wanted in (0..=3).rev() {
        for (place, out) in outs.iter().enumerate() {
            if found.contains(&Some(place)) {
                continue;
            }
            let is_like = |(index, of): &(usize, &MapStream)| {
                found[*index].is_none() && likeness(&out.stream, &of.stream) == Some(wanted)
            };
            if let Some((index, _)) = streams.iter().enumerate().find(is_like) {
                found[index] = Some(place);
            }
        }
    }
    found
}

/// The wanted PID if it is free, else another one.
pub(super) fn free_pid(wanted: u16, is_used: impl Fn(u16) -> bool) -> u16 {
    let is_free = |pid: &u16| !is_used(*pid);
    Some(wanted)
        .filter(is_free)
        .or_else(|| (FIRST_PID..LAST_PID).find(is_free))
        .unwrap_or(wanted)
}
