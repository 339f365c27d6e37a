//! A sender, its network and the one who asks how it is doing, in virtual time.

use super::{Checks, Fired, Readiness, TriggerKind, Triggers, Vitals};
use crate::feed::{Feed, FeedWriter, Signal};
use crate::health::Link;
use crate::item::TsChunk;
use bytes::{Bytes, BytesMut};
use core::time::Duration;
use std::time::SystemTime;
use tidegate_codecs::{Codec, StreamReader};
use tidegate_mpegts::{Mux, MuxTrack, MuxUnit, PACKET_BYTES, Packet};
use tidegate_units::Instant;

/// How often a switch asks.
const TURN: u64 = 20;
pub(super) const VIDEO_PID: u16 = 0x100;
pub(super) const AUDIO_PID: u16 = 0x101;
const VIDEO_TICKS: i64 = 3600;
const AUDIO_TICKS: i64 = 2160;

const SPS_PPS_IDR: &[u8] = &[
    0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0, 0, 3, 0, 4,
    0, 0, 3, 0, 0xC8, 0x3C, 0x60, 0xC6, 0x58, 0, 0, 1, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0, 0, 1,
    0x65, 0x88, 0x84, 0x00, 0x33,
];
const SLICE: &[u8] = &[0, 0, 1, 0x41, 0x9A, 0x24];

/// What happens to a packet between the multiplexer and here; an emptied one is lost.
pub(super) type Fault = fn(&mut Vec<u8>);

pub(super) struct Bench {
    pub(super) now: Instant,
    pub(super) feed: Feed,
    pub(super) checks: Checks,
    signal: Signal,
    writer: FeedWriter<TsChunk>,
    mux: Mux,
    /// Media up to here has been made, 90 kHz.
    made: i64,
    next: [i64; 2],
    picture_bytes: usize,
    held: Vec<u8>,
    fault: Fault,
    /// Every trigger that began to stand, and when.
    pub(super) log: Vec<(Instant, Fired)>,
}

impl Bench {
    /// A sender of H.264 at 25 pictures a second, a key frame each second, and of sound.
    pub(super) fn new(triggers: Triggers) -> Self {
        let feed = Feed::new("cam1");
        feed.set_link(Link::Up);
        let config = |codec: Codec, frame: &[u8]| {
            let mut reader = StreamReader::new(codec);
            reader.read(frame);
            reader.config().cloned().expect("a configuration")
        };
        let track = |id, config| MuxTrack {
            id,
            config,
            language: None,
        };
        let mut mux = Mux::new();
        mux.set_tracks(&[
            track(1, config(Codec::H264, SPS_PPS_IDR)),
            track(2, config(Codec::MpegAudio, &sound())),
        ])
        .expect("both can be carried");
        Self {
            now: Instant::from_millis(1_000_000),
            checks: Checks::new(triggers),
            signal: feed.watch_signal(),
            writer: feed.ts_writer(),
            feed,
            mux,
            made: 0,
            next: [0; 2],
            picture_bytes: 20_000,
            held: Vec::new(),
            fault: |_| {},
            log: Vec::new(),
        }
    }

    /// One that has been running well for so long that it has a usual bitrate.
    pub(super) fn running() -> Self {
        let mut bench = Self::new(Triggers::default());
        bench.run(12_000);
        assert_eq!(bench.log, [], "a good stream");
        assert!(bench.checks.is_ready());
        bench
    }

    /// Damages packets from now on.
    pub(super) fn damage(&mut self, fault: Fault) {
        self.fault = fault;
    }

    /// Pictures are so large from now on.
    pub(super) fn pictures_of(&mut self, bytes: usize) {
        self.picture_bytes = bytes;
    }

    /// Everything flows.
    pub(super) fn run(&mut self, millis: u64) {
        self.turns(millis, |bench| bench.deliver());
    }

    /// Nothing comes; the sender goes on, and what it sends is delivered when it flows again.
    pub(super) fn stall(&mut self, millis: u64) {
        self.turns(millis, |bench| bench.make());
    }

    /// Nothing comes, and nothing is made.
    pub(super) fn silence(&mut self, millis: u64) {
        self.turns(millis, |_| {});
    }

    /// These bytes come instead, with every turn.
    pub(super) fn garbage(&mut self, millis: u64, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        self.turns(millis, |bench| bench.write(bytes.clone(), 0));
    }

    /// Packets were lost for good.
    pub(super) fn lose(&mut self, packets: u32) {
        let at = self.held.len();
        self.make();
        let rest = self.held.split_off(at);
        self.write(rest.into(), packets);
    }

    /// The sender comes again; its clock and counters begin anew.
    pub(super) fn reconnect(&mut self) {
        let fresh = Self::new(Triggers::default());
        self.writer = self.feed.ts_writer();
        self.mux = fresh.mux;
        self.held.clear();
        self.feed.set_link(Link::Up);
    }

    fn turns(&mut self, millis: u64, mut turn: impl FnMut(&mut Self)) {
        for _ in 0..millis / TURN {
            self.now += Duration::from_millis(TURN);
            turn(self);
            self.look();
        }
    }

    pub(super) fn look(&mut self) {
        let stood: Vec<_> = present(self.checks.fired());
        let vitals = self.vitals();
        for fired in self.checks.look(self.now, &vitals) {
            if fired.present && !stood.contains(&fired.trigger) {
                self.log.push((self.now, *fired));
            }
        }
    }

    pub(super) fn vitals(&self) -> Vitals {
        let mut vitals = Vitals::default();
        self.signal.renew(&mut vitals);
        vitals
    }

    pub(super) fn readiness(&self) -> Readiness {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_micros(self.now.as_micros());
        self.checks.readiness(self.now, wall)
    }

    /// What stands this moment.
    pub(super) fn standing(&self) -> Vec<TriggerKind> {
        present(self.checks.fired())
    }

    /// What has fired, in order.
    pub(super) fn fired(&self) -> Vec<TriggerKind> {
        self.log.iter().map(|(_, fired)| fired.trigger).collect()
    }

    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.readiness()
            .reasons
            .iter()
            .map(|reason| reason.code)
            .collect()
    }

    fn deliver(&mut self) {
        self.make();
        let held = core::mem::take(&mut self.held);
        self.write(held.into(), 0);
    }

    fn write(&mut self, bytes: Bytes, lost_before: u32) {
        if bytes.is_empty() {
            return;
        }
        self.writer.push(TsChunk {
            lost_before,
            due: self.now + Duration::from_millis(500),
            ..TsChunk::live(bytes, self.now)
        });
        self.writer.seal();
    }

    /// Makes what the sender sends in one turn.
    fn make(&mut self) {
        self.made += TURN.cast_signed() * 90;
        let mut out = BytesMut::new();
        loop {
            let which = usize::from(self.next[1] < self.next[0]);
            let time = self.next[which];
            if time >= self.made {
                break;
            }
            let key = which == 1 || time % 90_000 == 0;
            let data = match (which, key) {
                (1, _) => sound(),
                (_, true) => picture(SPS_PPS_IDR, self.picture_bytes * 3),
                (_, false) => picture(SLICE, self.picture_bytes),
            };
            let unit = MuxUnit {
                track: if which == 1 { 2 } else { 1 },
                pts: time,
                dts: time,
                key,
                data: data.into(),
            };
            self.mux.push(&unit, &mut out);
            self.next[which] += if which == 1 { AUDIO_TICKS } else { VIDEO_TICKS };
        }
        for packet in out.chunks_exact(PACKET_BYTES) {
            let mut packet = packet.to_vec();
            (self.fault)(&mut packet);
            self.held.extend(packet);
        }
    }
}

fn present(fired: &[Fired]) -> Vec<TriggerKind> {
    let present = fired.iter().filter(|fired| fired.present);
    present.map(|fired| fired.trigger).collect()
}

fn picture(head: &[u8], bytes: usize) -> Vec<u8> {
    let mut picture = head.to_vec();
    picture.resize(bytes.max(head.len()), 0x59);
    picture
}

/// MPEG-1 layer II at 32 kbit/s and 48 kHz, mono.
fn sound() -> Vec<u8> {
    let mut frame = vec![0xFF, 0xFD, 0x14, 0xC0];
    frame.resize(96, 0);
    frame
}

pub(super) fn pid_of(packet: &[u8]) -> u16 {
    let packet = packet.first_chunk().and_then(Packet::new);
    packet.map_or(0x1FFF, Packet::pid)
}
