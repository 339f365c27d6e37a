//! Aggregate messages (RTMP 1.0, section 7.1.6): several messages in one, laid out like the
//! tags of an FLV file.

use crate::message::{Message, kind};
use bytes::{Buf, Bytes};

/// The messages of an aggregate that have not been given out.
#[derive(Debug)]
pub(crate) struct Aggregate {
    rest: Bytes,
    stream_id: u32,
    /// What must be added to the times inside: they count from elsewhere.
    offset: Option<u32>,
    timestamp: u32,
}

impl Aggregate {
    pub(crate) fn new(message: Message) -> Self {
        Self {
            rest: message.body,
            stream_id: message.stream_id,
            offset: None,
            timestamp: message.timestamp,
        }
    }

    /// The next message inside. What does not hold together ends it.
    pub(crate) fn next(&mut self) -> Option<Message> {
        loop {
            let (kind, time, body) = self.next_tag()?;
            let first = self.timestamp.wrapping_sub(time);
            let offset = *self.offset.get_or_insert(first);
            // Nothing nests, and nothing inside is about the connection.
            if matches!(kind, kind::AUDIO | kind::VIDEO | kind::DATA) {
                return Some(Message {
                    kind,
                    timestamp: time.wrapping_add(offset),
                    stream_id: self.stream_id,
                    body,
                });
            }
        }
    }

    fn next_tag(&mut self) -> Option<(u8, u32, Bytes)> {
        let [kind, a, b, c, t1, t2, t3, t0, _, _, _] = *self.rest.first_chunk::<11>()?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        self.rest.advance(11);
        if self.rest.len() < length {
            self.rest.clear();
            return None;
        }
        let body = self.rest.split_to(length);
        // Every tag is followed by its size.
        self.rest.advance(self.rest.len().min(4));
        Some((kind, u32::from_be_bytes([t0, t1, t2, t3]), body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_with_times_of_the_outer_message() {
        let mut body = Vec::new();
        for (kind, time, text) in [(8, 100_u8, "a"), (9, 120, "bc"), (22, 130, "no")] {
            body.extend([kind, 0, 0, text.len() as u8, 0, 0, time, 0, 0, 0, 0]);
            body.extend(text.as_bytes());
            body.extend([0, 0, 0, 11 + text.len() as u8]);
        }
        body.extend([9, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1]);
        let mut aggregate = Aggregate::new(Message {
            kind: kind::AGGREGATE,
            timestamp: 5000,
            stream_id: 1,
            body: body.into(),
        });
        let came: Vec<_> = std::iter::from_fn(|| aggregate.next())
            .map(|message| (message.kind, message.timestamp, message.body))
            .collect();
        let expected = [(8, 5000, Bytes::from("a")), (9, 5020, Bytes::from("bc"))];
        assert_eq!(came, expected);
    }

    #[test]
    fn many_empty_tags_do_not_fill_the_stack() {
        let body = [22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(500_000);
        let mut aggregate = Aggregate::new(Message {
            kind: kind::AGGREGATE,
            timestamp: 0,
            stream_id: 1,
            body: body.into(),
        });
        assert_eq!(aggregate.next(), None);
    }
}
