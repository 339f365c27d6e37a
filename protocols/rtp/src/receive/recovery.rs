//! What sums can do for a window.

use super::window::Window;
use crate::fec::Group;
use crate::header::Packet;
use bytes::Bytes;

/// What can be done with a sum now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// This packet can be rebuilt.
    Rebuild(u64),
    /// More has to come first.
    Later,
    /// Nothing, ever.
    Never,
}

/// What `group` can do. Numbers nothing has come behind of are not missing, but still to come.
pub(super) fn judge(group: &Group, window: &Window) -> Use {
    let missing = |index: &u64| window.datagram(*index).is_none();
    let mut holes = group.members().filter(missing);
    let Some(first) = holes.next() else {
        return Use::Never;
    };
    let others = holes.collect::<Vec<_>>();
    let last = others.last().copied().unwrap_or(first);
    if last < window.floor() {
        return Use::Never;
    }
    if others.is_empty() && first < window.end() {
        return Use::Rebuild(first);
    }
    if first < window.begin() {
        // Its history is gone: it will never be whole.
        return Use::Never;
    }
    Use::Later
}

/// The packet `index` as the sum and the others in it say it was; `None` if that is none.
pub(super) fn rebuild(mut group: Group, index: u64, window: &Window, ssrc: u32) -> Option<Bytes> {
    let mut flags = 0;
    for other in group.members().filter(|other| *other != index) {
        let datagram = window.datagram(other)?;
        flags = datagram.first().copied().unwrap_or_default() & 0x3F;
        group.sum.add(datagram);
    }
    let sequence = (index & 0xFFFF) as u16;
    let whole = group.sum.packet(sequence, ssrc)?;
    if Packet::parse(&whole).is_ok() {
        return Some(whole.into());
    }
    // Some senders leave those bits of a sum's header zero, or set them as in any header; then
    // the packets beside it tell what they were.
    group.sum.flags = flags;
    let whole = group.sum.packet(sequence, ssrc)?;
    Packet::parse(&whole).is_ok().then(|| whole.into())
}
