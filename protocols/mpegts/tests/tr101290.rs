//! What measuring instruments count is counted, and a good stream is clean.

mod common;

use std::sync::Arc;

use bytes::BytesMut;
use common::ffmpeg_ts;
use proptest::prelude::*;
use tidegate_codecs::{Codec, StreamConfig, StreamReader};
use tidegate_mpegts::{Inspector, Mux, MuxTrack, MuxUnit, PACKET_BYTES, PAT_PID, Packet, Tr101290};
use tidegate_units::Instant;

const MAP_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const PICTURE_TICKS: i64 = 3600;

const SPS_PPS_IDR: &[u8] = &[
    0, 0, 1, 0x67, 0x64, 0x00, 0x28, 0xAC, 0xD9, 0x40, 0x78, 0x02, 0x27, 0xE5, 0x84, 0, 0, 3, 0, 4,
    0, 0, 3, 0, 0xC8, 0x3C, 0x60, 0xC6, 0x58, 0, 0, 1, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0, 0, 1,
    0x65, 0x88, 0x84, 0x00, 0x33,
];

fn config() -> Arc<StreamConfig> {
    let mut reader = StreamReader::new(Codec::H264);
    reader.read(SPS_PPS_IDR);
    reader.config().cloned().expect("a configuration")
}

/// Pictures, 25 a second, each with its packets and when it comes.
fn stream(pictures: i64, first_pts: i64) -> Vec<(Instant, Vec<u8>)> {
    let mut mux = Mux::new();
    let track = MuxTrack {
        id: 1,
        config: config(),
        language: None,
    };
    mux.set_tracks(&[track]).expect("it can be carried");
    let mut picture = SPS_PPS_IDR.to_vec();
    picture.resize(1200, 0x59);
    let made = (0..pictures).map(|number| {
        let time = first_pts + number * PICTURE_TICKS;
        let unit = MuxUnit {
            track: 1,
            pts: time,
            dts: time,
            key: number % 25 == 0,
            data: picture.clone().into(),
        };
        let mut out = BytesMut::new();
        mux.push(&unit, &mut out);
        let at = Instant::from_millis(5000 + 40 * number.unsigned_abs());
        (at, out.to_vec())
    });
    made.collect()
}

/// Plays a stream; `fault` alters or empties the packets of each picture by its number.
fn count(stream: Vec<(Instant, Vec<u8>)>, mut fault: impl FnMut(usize, &mut Vec<u8>)) -> Tr101290 {
    let mut inspector = Inspector::new();
    for (number, (at, packets)) in stream.into_iter().enumerate() {
        for packet in packets.chunks_exact(PACKET_BYTES) {
            let mut packet = packet.to_vec();
            fault(number, &mut packet);
            inspector.push(at, &packet);
        }
    }
    inspector.tr101290()
}

fn pid(packet: &[u8]) -> u16 {
    let packet = packet.first_chunk().and_then(Packet::new);
    packet.map_or(0x1FFF, Packet::pid)
}

/// What is not zero.
fn errors(counted: &Tr101290) -> Vec<(&'static str, u64)> {
    let all = counted.indicators().into_iter();
    all.filter(|(_, _, tally)| tally.count > 0)
        .map(|(number, _, tally)| (number, tally.count))
        .collect()
}

#[test]
fn what_we_multiplex_is_clean() {
    let counted = count(stream(500, 0), |_, _| {});
    assert_eq!(errors(&counted), []);
    assert!(counted.is_clean());
}

#[test]
fn what_ffmpeg_multiplexes_is_clean() {
    let arguments = "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine -t 4 \
                     -c:v libx264 -preset ultrafast -g 25 -c:a aac";
    let Some(stream) = ffmpeg_ts(arguments) else {
        return;
    };
    let mut inspector = Inspector::new();
    let whole = stream.len() as u64;
    for (index, chunk) in stream.chunks(7 * PACKET_BYTES).enumerate() {
        let at = (index * 7 * PACKET_BYTES) as u64 * 4_000_000 / whole;
        inspector.push(Instant::from_micros(at), chunk);
    }
    assert_eq!(errors(&inspector.tr101290()), []);
}

#[test]
fn the_clocks_may_wrap() {
    let wrap = 1 << 33;
    let counted = count(stream(500, wrap - 250 * PICTURE_TICKS), |_, _| {});
    assert_eq!(errors(&counted), []);
}

#[test]
fn a_damaged_sync_byte_is_one_and_a_lost_grid_is_the_other() {
    let mut is_damaged = false;
    let counted = count(stream(100, 0), |number, packet| {
        if number == 50 && !is_damaged {
            is_damaged = true;
            packet[0] = 0;
        }
    });
    assert_eq!(counted.sync_byte.count, 1);
    assert_eq!(counted.sync_loss.count, 0);
    let counted = count(stream(100, 0), |number, packet| {
        if number == 50 {
            packet.truncate(100);
        }
    });
    assert!(counted.sync_byte.count >= 1 && counted.sync_loss.count >= 1);
    assert!(counted.sync_loss.last.is_some());
}

#[test]
fn tables_that_come_late_are_counted_once_for_each_time() {
    for (table, indicator) in [(PAT_PID, "1.3"), (MAP_PID, "1.5")] {
        let counted = count(stream(200, 0), |number, packet| {
            let is_gap = (50..70).contains(&number) || (100..120).contains(&number);
            if is_gap && pid(packet) == table {
                packet.clear();
            }
        });
        let tables: Vec<_> = errors(&counted)
            .into_iter()
            .filter(|(number, _)| *number != "1.4")
            .collect();
        assert_eq!(tables, [(indicator, 2)]);
    }
}

#[test]
fn scrambled_tables_and_foreign_ones_are_errors() {
    for (table, indicator) in [(PAT_PID, "1.3"), (MAP_PID, "1.5")] {
        let counted = count(stream(50, 0), |number, packet| {
            if number == 25 && pid(packet) == table {
                packet[3] |= 0xC0;
            }
        });
        assert_eq!(errors(&counted), [(indicator, 1)]);
    }
    // A program map where the association table belongs.
    let mut map = Vec::new();
    count(stream(1, 0), |_, packet| {
        if pid(packet) == MAP_PID {
            map.clone_from(packet);
        }
    });
    let counted = count(stream(50, 0), |number, packet| {
        if number == 25 && pid(packet) == PAT_PID {
            let counter = packet[3];
            packet.clone_from(&map);
            packet[1] &= 0xE0;
            packet[2] = 0;
            packet[3] = counter;
        }
    });
    assert_eq!(errors(&counted), [("1.3", 1)]);
}

#[test]
fn a_damaged_table_is_a_crc_error() {
    let counted = count(stream(50, 0), |number, packet| {
        if number == 25 && pid(packet) == MAP_PID {
            packet[12] ^= 0x10;
        }
    });
    assert_eq!(errors(&counted), [("2.2", 1)]);
}

#[test]
fn lost_packets_are_continuity_errors_and_marked_ones_transport_errors() {
    let counted = count(stream(50, 0), |number, packet| {
        let inside = pid(packet) == VIDEO_PID && packet[1] & 0x40 == 0;
        if inside && packet[3] & 15 == 9 {
            match number {
                10..15 => packet.clear(),
                20..25 => packet[1] |= 0x80,
                _ => {}
            }
        }
    });
    let (lost, marked) = (counted.continuity.count, counted.transport.count);
    assert!(lost > marked && marked > 0, "{lost} and {marked}");
    let last = counted.transport.last.expect("one was marked");
    assert!(last < Instant::from_millis(5000 + 40 * 25));
}

#[test]
fn a_picture_that_stays_away_is_a_pid_error_after_five_seconds() {
    let silent_for = |pictures: usize| {
        let counted = count(stream(400, 0), |number, packet| {
            if (50..50 + pictures).contains(&number) && pid(packet) == VIDEO_PID {
                packet.clear();
            }
        });
        counted.pid.count
    };
    assert_eq!((silent_for(100), silent_for(200)), (0, 1));
}

#[test]
fn clocks_that_come_late_and_clocks_that_jump_are_told_apart() {
    let without_clock = |number: usize, packet: &mut Vec<u8>| {
        if (50..55).contains(&number) && pid(packet) == VIDEO_PID && packet[3] & 0x20 != 0 {
            packet[5] &= !0x10;
        }
    };
    let counted = count(stream(100, 0), without_clock);
    assert_eq!(errors(&counted), [("2.3a", 1)]);

    let jump = |announced: bool| {
        let mut all = stream(50, 900_000);
        let mut after = stream(50, 0);
        for (number, (at, packets)) in after.iter_mut().enumerate() {
            *at = Instant::from_millis(7000 + 40 * number as u64);
            for packet in packets.chunks_exact_mut(PACKET_BYTES) {
                let is_first = number == 0 && packet[1] & 0x40 != 0;
                if announced && is_first && packet[3] & 0x20 != 0 {
                    packet[5] |= 0x80;
                }
            }
        }
        all.extend(after);
        let counted = count(all, |_, _| {});
        counted.pcr_discontinuity.count
    };
    assert_eq!((jump(false), jump(true)), (1, 0));
}

#[test]
fn a_presentation_time_that_stands_still_for_a_second_is_one_error() {
    let counted = count(stream(200, 0), |number, packet| {
        let header = packet.windows(4).position(|bytes| bytes == [0, 0, 1, 0xE0]);
        if let (50..75, Some(at)) = (number, header) {
            // That of picture 49.
            let pts = 45_000 + 49_u64 * 3600;
            let byte = |shift: u64| (pts >> shift) as u8;
            let field = [
                0x21 | byte(29) & 0x0E,
                byte(22),
                byte(14) | 1,
                byte(7),
                byte(0) << 1 | 1,
            ];
            packet[at + 9..at + 14].copy_from_slice(&field);
        }
    });
    assert_eq!(errors(&counted), [("2.5", 1)]);
}

proptest! {
    /// Whatever comes, nothing panics, what is told is bounded, and counters only grow.
    #[test]
    fn hostile_streams_are_only_counted(
        packets in prop::collection::vec(
            (0_u16..6, any::<[u8; 40]>(), 0_u64..2_000_000, any::<bool>()), 1..200),
    ) {
        let mut inspector = Inspector::new();
        let mut now = Instant::ZERO;
        for (_, packets) in stream(2, 0) {
            inspector.push(now, &packets);
        }
        let mut before = inspector.tr101290();
        for (pid, random, pause, aligned) in packets {
            now = Instant::from_micros(now.as_micros() + pause);
            let pid = [0, MAP_PID, VIDEO_PID, VIDEO_PID, 0x1FFF, 0x1234][usize::from(pid)];
            let [high, low] = pid.to_be_bytes();
            let mut packet = vec![0x47, high | random[0] & 0xC0, low];
            packet.extend(random);
            packet.resize(if aligned { PACKET_BYTES } else { 150 }, random[1]);
            inspector.push(now, &packet);
            let pulse = inspector.pulse();
            prop_assert!(pulse.streams().len() <= tidegate_mpegts::MAX_PULSE_STREAMS);
            prop_assert!(pulse.flow <= now && pulse.null_packets <= pulse.packets);
            let counted = inspector.tr101290();
            for (old, new) in before.indicators().iter().zip(counted.indicators()) {
                prop_assert!(old.2.count <= new.2.count, "{} fell", old.1);
            }
            before = counted;
        }
    }
}
