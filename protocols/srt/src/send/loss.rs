use core::cmp::Reverse;
use std::collections::BinaryHeap;

/// Packets the peer reported missing, oldest first.
///
/// Whether a packet is in here is a flag on its slot of the send buffer, so that the same
/// loss reported again costs nothing. An entry whose packet was acknowledged or dropped
/// meanwhile is older than everything held and is skipped when it comes up.
#[derive(Debug, Default)]
pub(crate) struct LossList {
    heap: BinaryHeap<Reverse<u64>>,
}

impl LossList {
    pub(crate) fn push(&mut self, index: u64) {
        self.heap.push(Reverse(index));
    }

    /// The oldest loss that is `first` or newer.
    pub(crate) fn peek(&mut self, first: u64) -> Option<u64> {
        while let Some(&Reverse(index)) = self.heap.peek() {
            if index >= first {
                return Some(index);
            }
            self.heap.pop();
        }
        None
    }

    pub(crate) fn pop(&mut self) {
        self.heap.pop();
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_loss_comes_first_and_stale_ones_never() {
        let mut losses = LossList::default();
        for index in [30, 10, 20] {
            losses.push(index);
        }
        assert_eq!(losses.peek(15), Some(20));
        losses.pop();
        assert_eq!(losses.peek(15), Some(30));
        assert_eq!(losses.len(), 1);
    }
}
