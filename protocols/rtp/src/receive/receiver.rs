use super::candidate::Candidate;
use super::leg::Leg;
use super::recovery::{self, Use};
use super::window::{HISTORY_PACKETS, Slot, WAITING_PACKETS_MAX, Window};
use super::{Counters, LegCounters};
use crate::fec::{FecPacket, Group, Groups, Stream};
use crate::header::{Header, Packet, PacketError};
use bytes::Bytes;
use std::collections::VecDeque;
use tidegate_units::{Duration, Instant, unwrap_near};

/// Ways one stream may come.
pub const LEGS_MAX: usize = 2;

/// A number further away than this belongs to another stream.
const REACH: u64 = 8192;

/// How long packets of the numbering before the last restart are recognised: a slower leg may
/// still bring them.
const OLD_NUMBERS: Duration = Duration::from_secs(2);

/// How long the other legs must have been silent before a leg that seemed foreign is believed.
const TRUST_AFTER: Duration = Duration::from_secs(1);

/// How long after a packet's time a leg may still bring it without missing it.
const LEG_GRACE: Duration = Duration::from_secs(1);

/// How long nothing new must have come before packets with lower numbers are taken for a new
/// stream, and not for what a network held back.
const LATE_TRUST: Duration = Duration::from_millis(100);

/// Numbers from the oldest that is waited for to the furthest that is believed: what one wait
/// allows, and one leap. Whoever leaps again and again fills no memory.
const AHEAD_MAX: u64 = WAITING_PACKETS_MAX + REACH;

/// Bits of a sequence number.
const BITS: u32 = 16;

/// How a stream is received.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverConfig {
    /// From a packet's arrival until it is due; a hole is waited for as long as that allows.
    pub hold: Duration,
    /// How many ways it comes: 1 or 2.
    pub legs: usize,
    /// Sums come with it.
    pub fec: bool,
}

/// A packet in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What it carries.
    pub payload: Bytes,
    /// When it came first, or was rebuilt.
    pub arrived: Instant,
    /// When it is to be played out.
    pub due: Instant,
    /// Packets given up just before it.
    pub lost_before: u32,
    /// It begins a new stream.
    pub restarted: bool,
}

/// Puts the packets of a stream in order.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    window: Option<Window>,
    legs: [Leg; LEGS_MAX],
    groups: Groups,
    candidates: [Candidate; LEGS_MAX],
    before: Option<Before>,
    /// What was in order when a new stream began.
    flushed: VecDeque<Delivered>,
    lost_before: u32,
    is_restart: bool,
    last_due: Instant,
    /// Up to here it is settled which leg missed what.
    settled: u64,
    ssrc: u32,
    /// When something new came last.
    last_new: Instant,
    counters: Counters,
}

/// The stream before this one, which a slower leg may still bring.
#[derive(Clone, Copy, Debug)]
struct Before {
    /// One of its numbers.
    end: u64,
    /// The new one names another source.
    is_renamed: bool,
    until: Instant,
}

impl Receiver {
    /// A receiver that knows nothing yet.
    #[must_use]
    pub fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            window: None,
            legs: [Leg::default(); LEGS_MAX],
            groups: Groups::default(),
            candidates: Default::default(),
            before: None,
            flushed: VecDeque::new(),
            lost_before: 0,
            is_restart: false,
            last_due: Instant::ZERO,
            settled: 0,
            ssrc: 0,
            last_new: Instant::ZERO,
            counters: Counters::default(),
        }
    }

    /// A datagram with media came over `leg`.
    ///
    /// # Errors
    /// When it is no RTP packet; nothing else happens then.
    pub fn on_media(
        &mut self,
        now: Instant,
        leg: usize,
        datagram: &Bytes,
    ) -> Result<(), PacketError> {
        let packet = Packet::parse(datagram)?;
        let leg = leg.min(LEGS_MAX - 1);
        let (sequence, ssrc) = (packet.header.sequence, packet.header.ssrc);
        self.legs[leg].heard(now);
        if self.window.is_none() {
            self.begin(sequence);
        }
        let mark = mark(packet.header.timestamp, datagram);
        let Some(index) = self.place(now, leg, &packet.header, mark) else {
            self.stray(now, leg, sequence, ssrc, datagram);
            return Ok(());
        };
        self.legs[leg].ssrc = Some(ssrc);
        if self.take_in(now, leg, index, mark, datagram) {
            self.ssrc = ssrc;
            self.last_new = now;
            self.forget_candidates();
        } else if self.is_too_late(index) {
            self.counters.late += 1;
            if now.saturating_since(self.last_new) > LATE_TRUST {
                self.stray(now, leg, sequence, ssrc, datagram);
            }
        }
        Ok(())
    }

    /// A datagram came on the port of sums.
    pub fn on_fec(&mut self, now: Instant, datagram: &[u8]) {
        let Ok(packet) = FecPacket::parse(datagram) else {
            self.counters.bad_sums += 1;
            return;
        };
        match packet.stream {
            Stream::Columns => {
                self.counters.column_sums += 1;
                self.counters.matrix = Some((packet.step, packet.count));
            }
            Stream::Rows => self.counters.row_sums += 1,
        }
        let Some(window) = &self.window else {
            return;
        };
        let base = unwrap_near(window.end(), u64::from(packet.base), BITS);
        if base.abs_diff(window.end()) > REACH {
            return;
        }
        self.groups.keep(Group::new(&packet, base));
        self.recover(now, None);
    }

    /// The next packet in order, if there is one. Call it until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<Delivered> {
        if let Some(flushed) = self.flushed.pop_front() {
            return Some(flushed);
        }
        let window = self.window.as_mut()?;
        if let Some(end) = window.hole() {
            let waiting = window.end() - window.floor();
            let due = window.slot(end).map_or(now, |slot| slot.due);
            if now < due && waiting <= WAITING_PACKETS_MAX {
                return None;
            }
            let given_up = end - window.floor();
            self.counters.unrecovered += given_up;
            let given_up = u32::try_from(given_up).unwrap_or(u32::MAX);
            self.lost_before = self.lost_before.saturating_add(given_up);
            window.skip_to(end);
        }
        let delivered = self.deliver();
        self.settle(now);
        delivered
    }

    /// When to call [`Self::poll`] again if nothing comes before.
    pub fn deadline(&mut self) -> Option<Instant> {
        let window = self.window.as_mut()?;
        let end = window.hole()?;
        window.slot(end).map(|slot| slot.due)
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Numbers that are remembered or waited for.
    #[cfg(test)]
    pub(super) fn places(&self) -> u64 {
        let window = self.window.as_ref();
        window.map_or(0, |window| window.end() - window.begin())
    }

    /// What each leg has brought.
    #[must_use]
    pub fn legs(&self) -> Vec<LegCounters> {
        let legs = self.legs.iter().take(self.config.legs);
        legs.map(|leg| leg.counters).collect()
    }

    fn begin(&mut self, sequence: u16) {
        // High enough for numbers below the first.
        let first = (1 << (BITS + 1)) + u64::from(sequence);
        self.window = Some(Window::new(first));
        self.settled = first;
        self.groups.clear();
        self.forget_candidates();
    }

    fn forget_candidates(&mut self) {
        for candidate in &mut self.candidates {
            candidate.forget();
        }
    }

    /// Where in the stream a packet is, if it fits there.
    fn place(&self, now: Instant, leg: usize, header: &Header, mark: u64) -> Option<u64> {
        let window = self.window.as_ref()?;
        let index = unwrap_near(window.end(), u64::from(header.sequence), BITS);
        let fits = index.abs_diff(window.end()) <= REACH && index < window.floor() + AHEAD_MAX;
        if !fits || self.is_of_before(now, leg, header.ssrc) {
            return None;
        }
        let is_known = self.legs[leg].ssrc.is_none_or(|known| known == header.ssrc);
        // Under another name, but what another leg has brought as well.
        let is_same = || {
            let slot = window.slot(index).filter(|slot| slot.is_there);
            let from_others = slot.is_some_and(|slot| slot.legs & !(1 << leg) != 0);
            from_others && slot.is_some_and(|slot| slot.mark == mark)
        };
        (is_known || is_same()).then_some(index)
    }

    /// Whether this is the name that the stream before had on this leg, and has not any more.
    fn is_of_before(&self, now: Instant, leg: usize, ssrc: u32) -> bool {
        let before = self.before.filter(|before| now < before.until);
        before.is_some_and(|before| before.is_renamed) && self.legs[leg].ssrc_before == Some(ssrc)
    }

    fn is_too_late(&self, index: u64) -> bool {
        let window = self.window.as_ref();
        window.is_some_and(|window| {
            let slot = window.slot(index);
            index < window.floor() && slot.is_none_or(|slot| !slot.is_there)
        })
    }

    /// Whether it is new.
    fn take_in(
        &mut self,
        now: Instant,
        leg: usize,
        index: u64,
        mark: u64,
        datagram: &Bytes,
    ) -> bool {
        let (others_silent, legs) = (self.others_silent(now, leg), &mut self.legs);
        let Some(window) = &mut self.window else {
            return false;
        };
        if let Some(slot) = window.slot_mut(index).filter(|slot| slot.is_there) {
            let is_first_from_leg = slot.legs & 1 << leg == 0;
            slot.legs |= 1 << leg;
            if is_first_from_leg && slot.legs != 1 << leg {
                let behind = now.saturating_since(slot.arrived);
                legs[leg].compared(slot.mark == mark, behind);
                let others = legs.iter_mut().enumerate().filter(|(at, _)| *at != leg);
                others.for_each(|(_, other)| other.led());
            }
            self.counters.duplicates += 1;
            return false;
        }
        if index < window.floor() {
            if let Some(slot) = window.slot_mut(index) {
                // Too late for itself, but its column or row may still need it.
                slot.legs |= 1 << leg;
                slot.datagram = self.config.fec.then(|| datagram.clone());
                self.recover(now, Some(index));
            }
            return false;
        }
        if legs[leg].counters.is_foreign && !others_silent {
            return false;
        }
        self.counters.received += 1;
        self.counters.reordered += u64::from(index + 1 < window.end());
        let slot = Slot {
            datagram: Some(datagram.clone()),
            mark,
            legs: 1 << leg,
            ..Slot::default()
        };
        window.put(index, now, self.config.hold, slot);
        self.recover(now, Some(index));
        true
    }

    fn others_silent(&self, now: Instant, leg: usize) -> bool {
        let mut others = self.legs.iter().enumerate().filter(|(at, _)| *at != leg);
        others.all(|(_, other)| {
            let last = other.counters.last;
            last.is_none_or(|last| now.saturating_since(last) > TRUST_AFTER)
        })
    }

    /// A packet that fits nowhere: perhaps the sender has begun anew.
    fn stray(&mut self, now: Instant, leg: usize, sequence: u16, ssrc: u32, datagram: &Bytes) {
        self.counters.strays += 1;
        if let Some(Before { end, until, .. }) = self.before
            && now < until
            && unwrap_near(end, u64::from(sequence), BITS).abs_diff(end) <= REACH
            && self.legs[leg].ssrc.is_none_or(|known| known != ssrc)
        {
            return;
        }
        let enough = self.candidates[leg].consider(sequence, ssrc, datagram);
        let Some(packets) = enough else {
            return;
        };
        self.restart(now, self.legs[leg].ssrc != Some(ssrc));
        for datagram in packets {
            self.counters.strays -= 1;
            self.legs[leg].counters.received -= 1;
            // They were read once already.
            let _ = self.on_media(now, leg, &datagram);
        }
    }

    fn restart(&mut self, now: Instant, is_renamed: bool) {
        self.counters.restarts += 1;
        while let Some(window) = &mut self.window {
            let end = window.hole().unwrap_or_else(|| window.floor());
            window.skip_to(end);
            let Some(delivered) = self.deliver() else {
                break;
            };
            self.flushed.push_back(delivered);
        }
        self.before = self.window.take().map(|window| Before {
            end: window.end(),
            is_renamed,
            until: now + OLD_NUMBERS,
        });
        for leg in &mut self.legs {
            leg.ssrc_before = leg.ssrc.take();
        }
        self.is_restart = true;
    }

    /// The packet at the floor, if it is there.
    fn deliver(&mut self) -> Option<Delivered> {
        let slot = self.window.as_mut()?.take(self.config.fec)?;
        let datagram = slot.datagram?;
        // What is in the window was read before.
        let payload = Packet::parse(&datagram).ok()?.payload;
        self.last_due = self.last_due.max(slot.due);
        Some(Delivered {
            payload: datagram.slice_ref(payload),
            arrived: slot.arrived,
            due: self.last_due,
            lost_before: core::mem::take(&mut self.lost_before),
            restarted: core::mem::take(&mut self.is_restart),
        })
    }

    /// Uses the sums that `index`, which has just come, may have made useful; all without it.
    fn recover(&mut self, now: Instant, mut index: Option<u64>) {
        while !self.groups.is_empty() {
            let Some(window) = &mut self.window else {
                return;
            };
            let concerns = |group: &Group| {
                let reach = group.last() + u64::from(group.step);
                index.is_none_or(|index| (group.base..=reach).contains(&index))
            };
            let ready =
                |group: &Group| concerns(group) && recovery::judge(group, window) != Use::Later;
            let Some(group) = self.groups.take(ready) else {
                return;
            };
            let Use::Rebuild(missing) = recovery::judge(&group, window) else {
                continue;
            };
            let Some(datagram) = recovery::rebuild(group, missing, window, self.ssrc) else {
                self.counters.bad_sums += 1;
                continue;
            };
            let timestamp = Packet::parse(&datagram).map_or(0, |packet| packet.header.timestamp);
            let slot = Slot {
                mark: mark(timestamp, &datagram),
                datagram: Some(datagram),
                ..Slot::default()
            };
            if missing >= window.floor() {
                window.put(missing, now, self.config.hold, slot);
                self.counters.recovered += 1;
            } else if let Some(old) = window.slot_mut(missing) {
                old.datagram = slot.datagram;
            }
            // What was rebuilt may be what another sum lacked.
            index = None;
        }
    }

    /// Settles which leg missed what, and forgets what is too old.
    fn settle(&mut self, now: Instant) {
        let Some(window) = &mut self.window else {
            return;
        };
        let grace = self.config.hold + LEG_GRACE;
        while let Some(slot) = window.slot(self.settled) {
            let behind = window.floor().saturating_sub(self.settled);
            let is_old = behind > 0 && now.saturating_since(slot.arrived) > grace;
            if !is_old && behind <= HISTORY_PACKETS as u64 {
                break;
            }
            let legs = self.legs.iter_mut().enumerate().take(self.config.legs);
            for (at, leg) in legs {
                leg.counters.missing += u64::from(slot.legs & 1 << at == 0);
            }
            self.settled += 1;
        }
        while window.trim() {}
        if !self.groups.is_empty() {
            self.groups.forget_before(window.floor());
        }
    }
}

/// What the same packet from another leg has as well.
fn mark(timestamp: u32, datagram: &Bytes) -> u64 {
    u64::from(timestamp) << 16 | datagram.len() as u64
}
