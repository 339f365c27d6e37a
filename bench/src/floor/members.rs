//! Who publishes and who reads.

use super::sys::Name;
use super::wire::{ANSWER_BYTES, HEADER_BYTES, Header, Kind};
use std::time::{Duration, Instant};

/// Publishers and readers the relay knows at most, of either.
const MEMBERS_MAX: usize = 4096;
/// As often as SRT sends a full acknowledgement.
const ANSWER_INTERVAL: Duration = Duration::from_millis(10);

/// What is to be done with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every reader gets it.
    Forward,
    /// A hello that gets this answer.
    Welcome([u8; HEADER_BYTES]),
    /// Nothing more.
    Done,
}

pub(crate) struct Members {
    publishers: Vec<Option<Publisher>>,
    readers: Vec<Name>,
    /// When publishers are answered next; `None` when they never are.
    answers_due: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Publisher {
    name: Name,
    packets: u64,
    answered: u64,
}

impl Members {
    pub(crate) fn new(with_answers: bool) -> Self {
        Self {
            publishers: Vec::new(),
            readers: Vec::new(),
            answers_due: with_answers.then(Instant::now),
        }
    }

    /// Takes `count` datagrams of one sender, the first of which begins `bytes`.
    pub(crate) fn take(&mut self, from: &Name, bytes: &[u8], count: u64) -> Verdict {
        let Some(header) = Header::of(bytes) else {
            return Verdict::Done;
        };
        match header.kind {
            Kind::Data => {
                if let Some(publisher) = self.publisher(header.member) {
                    publisher.packets += count;
                }
                Verdict::Forward
            }
            Kind::Publish => self.publishes(from, header),
            Kind::Read => self.reads(from, header),
            Kind::Welcome | Kind::Answer => Verdict::Done,
        }
    }

    pub(crate) fn readers(&self) -> &[Name] {
        &self.readers
    }

    /// The answers that are due now.
    pub(crate) fn answers(&mut self) -> impl Iterator<Item = (Name, [u8; ANSWER_BYTES])> {
        let due = self.are_answers_due();
        let places = self.publishers.iter_mut().enumerate();
        places.filter_map(move |(member, publisher)| {
            let publisher = publisher.as_mut().filter(|_| due)?;
            if publisher.answered == publisher.packets {
                return None;
            }
            publisher.answered = publisher.packets;
            let header = Header {
                kind: Kind::Answer,
                member: member as u32,
                number: publisher.packets,
            };
            Some((publisher.name, header.answer()))
        })
    }

    fn are_answers_due(&mut self) -> bool {
        let Some(due) = self.answers_due else {
            return false;
        };
        let now = Instant::now();
        if now < due {
            return false;
        }
        self.answers_due = Some(now + ANSWER_INTERVAL);
        true
    }

    fn publisher(&mut self, member: u32) -> Option<&mut Publisher> {
        self.publishers
            .get_mut(usize::try_from(member).ok()?)?
            .as_mut()
    }

    fn publishes(&mut self, from: &Name, header: Header) -> Verdict {
        let place = header.member as usize;
        if place >= MEMBERS_MAX {
            return Verdict::Done;
        }
        if self.publishers.len() <= place {
            self.publishers.resize(place + 1, None);
        }
        let newcomer = Publisher {
            name: *from,
            packets: 0,
            answered: 0,
        };
        let known = self.publishers[place].filter(|known| known.name == *from);
        let publisher = known.unwrap_or(newcomer);
        self.publishers[place] = Some(publisher);
        Verdict::Welcome(welcome(header.member, publisher.packets))
    }

    fn reads(&mut self, from: &Name, header: Header) -> Verdict {
        if !self.readers.contains(from) {
            if self.readers.len() >= MEMBERS_MAX {
                return Verdict::Done;
            }
            self.readers.push(*from);
        }
        Verdict::Welcome(welcome(header.member, 0))
    }
}

fn welcome(member: u32, number: u64) -> [u8; HEADER_BYTES] {
    let kind = Kind::Welcome;
    let header = Header {
        kind,
        member,
        number,
    };
    header.bytes()
}
