//! When a source counts as failed, when it does not, and how soon that is known.

use super::bench::{AUDIO_PID, Bench, VIDEO_PID, pid_of};
use super::*;
use crate::health::Link;
use crate::limits;
use core::time::Duration;
use std::time::SystemTime;
use tidegate_codecs::Codec;
use tidegate_mpegts::{Pulse, StreamPulse};
use tidegate_units::Instant;

const MAP_PID: u16 = 0x1000;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets a good source run into a fault, with the bitrate trigger off: whatever is missing is
/// less too. Returns what fires first, how long after the fault, and the evidence.
fn after_fault(fault: bench::Fault) -> (TriggerKind, Duration, Fired) {
    let mut bench = Bench::running();
    let triggers = Triggers::default().with(TriggerKind::Bitrate, None);
    bench.checks.set_triggers(triggers);
    let began = bench.now;
    bench.damage(fault);
    bench.run(3000);
    let (at, fired) = bench.log.first().expect("something fires");
    (fired.trigger, at.saturating_since(began), *fired)
}

#[test]
fn a_decision_is_possible_within_200_ms_after_the_last_packet() {
    for offset in 0..10 {
        let mut bench = Bench::running();
        bench.run(20 * offset);
        let last = bench.vitals().last_arrival.expect("packets came");
        bench.silence(300);
        let (at, fired) = bench.log[0];
        let decided_after = at.saturating_since(last);
        assert_eq!(fired.trigger, TriggerKind::NoPackets);
        assert!((millis(150)..=millis(200)).contains(&decided_after));
        assert_eq!(fired.since, last);
        let figure = format!("no packets for {} ms", decided_after.as_millis());
        assert_eq!(fired.to_string(), figure);
        assert_eq!(bench.standing(), [TriggerKind::NoPackets]);
    }
}

#[test]
fn a_disconnect_is_known_at_the_next_look() {
    let mut bench = Bench::running();
    bench.feed.set_link(Link::Down);
    bench.silence(20);
    assert_eq!(bench.fired(), [TriggerKind::Disconnect]);
    assert!(!bench.checks.is_ready());
    bench.silence(1000);
    let readiness = bench.readiness();
    assert_eq!(readiness.reasons.len(), 1, "said once: {readiness:?}");
    assert_eq!(readiness.reasons[0].text, "Not connected");
}

#[test]
fn a_thousand_stalls_shorter_than_the_threshold_fire_nothing() {
    let mut bench = Bench::running();
    for stall in 0..1000 {
        // The sender itself pauses for up to 20 ms between two packets.
        bench.stall(20 + stall % 6 * 20);
        bench.run(100);
    }
    assert_eq!(bench.fired(), []);
    assert!(bench.checks.is_ready());
}

#[test]
fn a_stall_that_the_latency_heals_fires_no_packets_alone_and_only_while_it_lasts() {
    for stall in [200, 400, 600, 1000, 2000, 5000] {
        let mut bench = Bench::running();
        for _ in 0..5 {
            bench.stall(stall);
            assert_eq!(bench.standing(), [TriggerKind::NoPackets], "{stall} ms");
            bench.run(20);
            assert_eq!(bench.standing(), [], "{stall} ms");
            bench.run(480);
        }
        assert_eq!(bench.fired(), [TriggerKind::NoPackets; 5], "{stall} ms");
    }
}

#[test]
fn what_is_over_is_held_and_then_forgotten() {
    let mut bench = Bench::running();
    bench.stall(300);
    bench.run(500);
    let held = bench.checks.fired()[0];
    assert!(!held.present && !bench.checks.is_ready());
    let clean_since = bench.checks.clean_since().expect("clean again");
    assert_eq!(bench.now.saturating_since(clean_since), millis(480));
    bench.run(600);
    assert_eq!(bench.checks.fired(), []);
    assert!(bench.checks.is_ready());
    // Since when it is clean counts from where it was over, not from where that was forgotten.
    assert_eq!(bench.checks.clean_since(), Some(clean_since));
}

#[test]
fn tables_that_stay_away_fire_after_half_a_second() {
    let (kind, after, fired) = after_fault(|packet| {
        if pid_of(packet) == 0 {
            packet.clear();
        }
    });
    assert_eq!(kind, TriggerKind::Pat);
    assert!((millis(400)..=millis(560)).contains(&after), "{after:?}");
    assert!(fired.to_string().starts_with("no PAT for 5"), "{fired}");
    let (kind, after, _) = after_fault(|packet| {
        if pid_of(packet) == MAP_PID {
            packet.clear();
        }
    });
    assert_eq!(kind, TriggerKind::Pmt);
    assert!((millis(400)..=millis(560)).contains(&after), "{after:?}");
}

#[test]
fn damaged_tables_are_no_tables() {
    let (kind, after, _) = after_fault(|packet| {
        if pid_of(packet) == 0 {
            packet[10] ^= 1;
        }
    });
    assert_eq!(kind, TriggerKind::Pat);
    assert!(after <= millis(560), "{after:?}");
}

#[test]
fn a_track_that_stays_away_fires_after_half_a_second() {
    let (kind, after, fired) = after_fault(|packet| {
        if pid_of(packet) == VIDEO_PID {
            packet.clear();
        }
    });
    assert_eq!(kind, TriggerKind::Pid);
    assert!((millis(440)..=millis(560)).contains(&after), "{after:?}");
    let evidence = fired.to_string();
    assert!(
        evidence.starts_with("nothing on PID 256 for 5"),
        "{evidence}"
    );
    let (kind, after, _) = after_fault(|packet| {
        if pid_of(packet) == AUDIO_PID {
            packet.clear();
        }
    });
    assert_eq!(kind, TriggerKind::Pid);
    assert!((millis(440)..=millis(560)).contains(&after), "{after:?}");
}

#[test]
fn a_presentation_time_that_stands_still_fires_after_700_ms() {
    let (kind, after, fired) = after_fault(|packet| {
        let has_time = pid_of(packet) == VIDEO_PID && packet[1] & 0x40 != 0;
        let header = packet.windows(4).position(|bytes| bytes == [0, 0, 1, 0xE0]);
        if let Some(at) = header.filter(|_| has_time) {
            packet[at + 9..at + 14].copy_from_slice(&[0x21, 0, 1, 0, 1]);
        }
    });
    assert_eq!(kind, TriggerKind::PtsStall);
    // The first of them is another clock, so it moves on once more.
    assert!((millis(680)..=millis(800)).contains(&after), "{after:?}");
    assert_eq!(fired.measured, Measured::OnPid(VIDEO_PID, millis(720)));
}

#[test]
fn bytes_without_packets_are_a_loss_of_sync() {
    let mut bench = Bench::running();
    let began = bench.now;
    bench.garbage(1000, &[0x11; 1316]);
    // Nothing but packets counts as media.
    assert_eq!(bench.fired(), [TriggerKind::Bitrate, TriggerKind::TsSync]);
    let after = bench.log[1].0.saturating_since(began);
    assert!((millis(480)..=millis(540)).contains(&after), "{after:?}");
    assert_eq!(bench.standing()[0], TriggerKind::TsSync);
    bench.run(600);
    assert_eq!(bench.standing(), []);
}

#[test]
fn a_burst_of_gaps_fires_above_ten_in_a_second() {
    let mut bench = Bench::running();
    let one_of_many: bench::Fault = |packet| {
        // Each fortieth picture packet or so, by its counter and a byte of the time.
        if pid_of(packet) == VIDEO_PID && packet[3] & 0x2F == 5 {
            packet.clear();
        }
    };
    bench.damage(one_of_many);
    bench.run(200);
    assert_eq!(bench.fired(), [TriggerKind::Continuity]);
    bench.damage(|_| {});
    bench.run(1100);
    assert_eq!(bench.standing(), []);
}

#[test]
fn packets_lost_for_good_fire_above_twenty_in_five_seconds() {
    let mut bench = Bench::running();
    bench.lose(20);
    bench.run(100);
    assert_eq!(bench.fired(), []);
    bench.lose(1);
    bench.run(100);
    assert_eq!(bench.fired(), [TriggerKind::UnrecoveredLoss]);
    let evidence = bench.log[0].1.to_string();
    assert_eq!(evidence, "21 packets lost for good in 5 s");
    bench.run(5000);
    assert_eq!(bench.standing(), []);
}

#[test]
fn a_bitrate_that_collapses_fires_within_a_second_and_is_no_new_usual_one() {
    let mut bench = Bench::running();
    let began = bench.now;
    bench.pictures_of(2000);
    bench.run(20_000);
    assert_eq!(bench.fired(), [TriggerKind::Bitrate]);
    let after = bench.log[0].0.saturating_since(began);
    assert!(after <= millis(1100), "{after:?}");
    assert_eq!(bench.standing(), [TriggerKind::Bitrate]);
    // What has been so for long is as the sender wants it.
    bench.run(30_000);
    assert_eq!(bench.standing(), []);
    bench.pictures_of(20_000);
    bench.run(10_000);
    assert_eq!(bench.fired(), [TriggerKind::Bitrate]);
}

#[test]
fn a_bitrate_that_must_be_almost_the_usual_one_is_well_again_when_it_is_that() {
    let bitrate = Triggers::default().get(TriggerKind::Bitrate);
    let strict = bitrate.map(|trigger| Trigger {
        threshold: 90,
        ..trigger
    });
    let mut bench = Bench::new(Triggers::default().with(TriggerKind::Bitrate, strict));
    bench.run(12_000);
    bench.pictures_of(10_000);
    bench.run(3000);
    assert_eq!(bench.standing(), [TriggerKind::Bitrate]);
    bench.pictures_of(20_000);
    bench.run(6000);
    assert_eq!(bench.standing(), []);
}

#[test]
fn a_sender_is_ready_with_its_first_key_frame_and_says_what_it_waits_for() {
    let mut bench = Bench::new(Triggers::default());
    bench.feed.set_link(Link::Down);
    bench.look();
    assert_eq!(bench.codes(), ["disconnect"]);
    bench.feed.set_link(Link::Up);
    bench.look();
    assert_eq!(bench.codes(), ["no_media", "disconnect"]);
    bench.silence(2000);
    assert_eq!(bench.codes(), ["no_packets"]);
    bench.reconnect();
    bench.garbage(60, &[0x11; 1316]);
    assert_eq!(bench.codes()[0], "no_media");
    bench.damage(|packet| {
        if pid_of(packet) == VIDEO_PID {
            packet.clear();
        }
    });
    bench.run(100);
    assert_eq!(bench.codes()[0], "no_key_frame");
    bench.damage(|_| {});
    bench.run(3000);
    let readiness = bench.readiness();
    assert_eq!((readiness.ready, readiness.reasons), (true, vec![]));
}

#[test]
fn a_sender_that_comes_again_begins_with_a_clean_slate() {
    let mut bench = Bench::running();
    bench.damage(|packet| {
        if pid_of(packet) == VIDEO_PID && packet[3] & 0x2F == 5 {
            packet.clear();
        }
    });
    bench.run(1000);
    bench.feed.set_link(Link::Down);
    bench.silence(3000);
    bench.damage(|_| {});
    bench.reconnect();
    bench.log.clear();
    bench.run(3000);
    assert_eq!(bench.fired(), []);
    assert!(bench.checks.is_ready());
    assert_eq!(bench.vitals().stream.continuity_errors, 0);
}

#[test]
fn what_is_scrambled_is_not_ready() {
    let mut bench = Bench::running();
    bench.damage(|packet| {
        if pid_of(packet) == VIDEO_PID {
            packet[3] |= 0x80;
        }
    });
    bench.run(500);
    assert!(!bench.checks.is_ready());
    assert_eq!(bench.codes()[0], "scrambled");
}

#[test]
fn an_alarm_is_told_and_leaves_the_source_ready() {
    let triggers: Triggers =
        serde_json::from_str(r#"{"pid": {"severity": "alarm"}, "continuity": "off"}"#).unwrap();
    let mut bench = Bench::new(triggers);
    bench.run(5000);
    bench.damage(|packet| {
        if pid_of(packet) == AUDIO_PID {
            packet.clear();
        }
    });
    bench.run(2000);
    assert!(bench.checks.is_ready() && bench.checks.present().next().is_none());
    let readiness = bench.readiness();
    assert_eq!(readiness.reasons[0].severity, TriggerSeverity::Alarm);
    assert!(readiness.ready && readiness.clean_since.is_some());
}

#[test]
fn silence_is_never_ready_even_with_every_trigger_off() {
    let mut off = Triggers::default();
    for kind in TriggerKind::ALL {
        off = off.with(kind, None);
    }
    let mut bench = Bench::new(off);
    bench.run(3000);
    assert!(bench.checks.is_ready());
    bench.silence(1900);
    assert!(bench.checks.is_ready());
    bench.silence(100);
    assert!(!bench.checks.is_ready());
    assert_eq!(bench.codes(), ["no_media"]);
    bench.run(100);
    bench.feed.set_link(Link::Down);
    bench.look();
    assert!(!bench.checks.is_ready());
    assert_eq!(bench.codes(), ["disconnect"]);
}

#[test]
fn tables_with_every_key_frame_alone_are_a_habit_and_no_fault() {
    let mut bench = Bench::new(Triggers::default());
    let mut second = 0_u32;
    // Two seconds without tables, a moment with them, again and again.
    while second < 20 {
        bench.damage(|_| {});
        bench.run(20);
        bench.damage(|packet| {
            if matches!(pid_of(packet), 0 | MAP_PID) {
                packet.clear();
            }
        });
        bench.run(1980);
        if second == 8 {
            bench.log.clear();
        }
        second += 2;
    }
    assert_eq!(bench.standing(), []);
    assert_eq!(bench.fired(), []);
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn moment(&mut self, around: Instant) -> Option<Instant> {
        let at = match self.roll(8) {
            0 => return None,
            1 => Instant::FAR_FUTURE,
            2 => Instant::ZERO,
            _ => around - millis(self.roll(3000)),
        };
        Some(at)
    }
}

fn hostile(dice: &mut Dice, now: Instant) -> Vitals {
    let mut stream = Pulse::default();
    stream.flow = Instant::from_micros(dice.roll(1 << 40));
    stream.packets = dice.roll(1 << 50);
    stream.last_packet = dice.moment(now);
    stream.continuity_errors = dice.roll(u64::MAX / 2);
    stream.last_key = dice.moment(now);
    stream.scrambled = dice.roll(4) == 0;
    stream.null_packets = dice.roll(stream.packets + 1);
    (stream.pat.last, stream.pmt.last) = (dice.moment(now), dice.moment(now));
    stream.pat.usual = millis(dice.roll(20_000));
    for pid in 0..dice.roll(12) {
        stream.add(StreamPulse {
            pid: pid as u16,
            codec: [Codec::H264, Codec::Aac][dice.roll(2) as usize],
            last_packet: dice.moment(now),
            last_progress: dice.moment(now),
            usual: millis(dice.roll(20_000)),
            ..StreamPulse::default()
        });
    }
    Vitals {
        link: [Link::Up, Link::Unknown, Link::Down][dice.roll(3) as usize],
        session: dice.roll(3) as u32,
        last_arrival: dice.moment(now),
        last_due: dice.moment(now),
        lost_packets: dice.roll(u64::MAX / 2),
        key_beside: None,
        stream,
    }
}

#[test]
fn whatever_vitals_say_the_verdict_is_of_one_piece() {
    let mut dice = Dice(7);
    let mut checks = Checks::new(Triggers::default());
    let mut now = Instant::from_millis(5000);
    let mut ready = 0;
    for _ in 0..50_000 {
        now += millis(dice.roll(700));
        let vitals = hostile(&mut dice, now);
        let fired = checks.look(now, &vitals).to_vec();
        let mut kinds: Vec<_> = fired.iter().map(|fired| fired.trigger).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), fired.len(), "each at most once");
        assert!(fired.iter().all(|it| it.since <= now && it.fired_at <= now));
        let is_present = checks.present().next().is_some();
        assert!(!(is_present && checks.clean_since().is_some()));
        let readiness = checks.readiness(now, SystemTime::UNIX_EPOCH);
        assert_eq!(readiness.ready, checks.is_ready());
        assert!(
            readiness.ready || !readiness.reasons.is_empty(),
            "it says why"
        );
        if readiness.ready {
            ready += 1;
            let last = vitals.last_arrival.expect("something arrived");
            assert!(vitals.link != Link::Down);
            assert!(now.saturating_since(last) < limits::MEDIA_GONE);
        }
    }
    assert!(ready < 50_000);
}
