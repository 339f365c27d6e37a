use super::form::{has_grid, is_whole};
use bytes::{Bytes, BytesMut};
use tidegate_mpegts::{SYNC_BYTE, Slicer};

/// Memory taken at a time for packets that had to be copied.
const BLOCK_BYTES: usize = 64 * 1024;

/// Makes whole transport packets of datagrams. Most senders put whole packets into each, and
/// then these are passed on as they are; some cut the stream anywhere, or add error codes.
#[derive(Debug, Default)]
pub(super) struct Aligner {
    slicer: Slicer,
    is_cut: bool,
    block: BytesMut,
}

impl Aligner {
    /// The whole packets that this datagram completes; `None` if there are none in it.
    pub(super) fn push(&mut self, payload: &Bytes) -> Option<Bytes> {
        if !self.is_cut {
            if is_whole(payload) {
                return Some(payload.clone());
            }
            if payload.first() != Some(&SYNC_BYTE) && !has_grid(payload) {
                return None;
            }
            self.is_cut = true;
        }
        let block = &mut self.block;
        if block.capacity() < payload.len() * 2 {
            block.reserve(BLOCK_BYTES.max(payload.len() * 2));
        }
        self.slicer
            .push(payload, |packet| block.extend_from_slice(packet.bytes()));
        (!block.is_empty()).then(|| block.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_testkit::media::numbered_ts;

    fn through(datagrams: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut aligner = Aligner::default();
        let whole = datagrams.filter_map(|datagram| aligner.push(&datagram.into()));
        whole.flat_map(|bytes| bytes.to_vec()).collect()
    }

    #[test]
    fn a_stream_cut_anywhere_comes_out_whole() {
        let stream = numbered_ts(700);
        assert!(through(stream.chunks(1316).map(<[u8]>::to_vec)) == stream);
        assert!(through(stream.chunks(1472).map(<[u8]>::to_vec)) == stream);
    }

    #[test]
    fn error_codes_are_left_out() {
        let stream = numbered_ts(70);
        let coded: Vec<u8> = stream
            .chunks(188)
            .flat_map(|packet| [packet, &[0xAA; 16]].concat())
            .collect();
        assert!(through(coded.chunks(204 * 7).map(<[u8]>::to_vec)) == stream);
    }

    #[test]
    fn datagrams_of_something_else_between_do_no_harm() {
        let stream = numbered_ts(70);
        let datagrams = stream
            .chunks(1316)
            .flat_map(|datagram| [datagram.to_vec(), b"hello".to_vec(), Vec::new()]);
        assert!(through(datagrams) == stream);
    }
}
