use std::collections::VecDeque;

/// Places a queue keeps, however little it holds.
const KEPT_PLACES: usize = 64;
/// A queue that uses less than this part of its memory gives half of it back.
const USED_PART: usize = 8;

/// Gives memory back that a burst or an outage took. A queue whose length goes up and down, and
/// not to nothing, keeps what it has. One that is emptied between bursts of more than
/// [`KEPT_PLACES`] takes a part anew for each of them, which is little beside so many packets.
pub(crate) fn give_back<T>(queue: &mut VecDeque<T>) {
    let places = queue.capacity();
    if places > KEPT_PLACES && queue.len() < places / USED_PART {
        queue.shrink_to(places / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_gives_back_what_a_burst_took_and_keeps_what_it_needs() {
        let mut queue: VecDeque<u64> = (0..10_000).collect();
        let full = queue.capacity();
        while queue.len() > 2000 {
            queue.pop_front();
            give_back(&mut queue);
        }
        assert_eq!(queue.capacity(), full, "it may fill again");
        while queue.pop_front().is_some() {
            give_back(&mut queue);
        }
        assert!(queue.capacity() <= 2 * KEPT_PLACES, "{}", queue.capacity());
    }
}
