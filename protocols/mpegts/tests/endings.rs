//! A picture is handed on with its last packet, where that can be known.

mod common;

use common::{Demuxed, ffmpeg_ts};
use tidegate_mpegts::{AccessUnit, Demux, Event, PACKET_BYTES, Packet, Stamp};

/// Pictures after which a multiplexer is known.
const LEARNED: usize = 17;

fn stream() -> Option<Vec<u8>> {
    ffmpeg_ts(
        "-f lavfi -i testsrc2=s=640x360:r=25 -t 3 -c:v libx264 -preset ultrafast -g 25 \
        -pix_fmt yuv420p",
    )
}

fn packets(stream: &[u8]) -> impl Iterator<Item = &[u8; PACKET_BYTES]> {
    let whole = stream.chunks_exact(PACKET_BYTES);
    whole.map(|packet| packet.try_into().expect("a packet"))
}

fn view(packet: &[u8; PACKET_BYTES]) -> Packet<'_> {
    Packet::new(packet).expect("in step")
}

/// Units, each with the number of the packet it came with.
fn one_by_one(stream: &[u8]) -> Vec<(usize, AccessUnit)> {
    let mut demux = Demux::new();
    let mut units = Vec::new();
    for (number, packet) in packets(stream).enumerate() {
        demux.push(Stamp::default(), packet);
        while let Some(event) = demux.next_event() {
            if let Event::Unit(unit) = event {
                units.push((number, unit));
            }
        }
    }
    units
}

#[test]
fn a_picture_comes_with_its_last_packet_once_the_multiplexer_is_known() {
    let Some(stream) = stream() else { return };
    let pid = Demuxed::of(&stream).tracks[0].pid;
    let mut ends: Vec<(usize, bool)> = Vec::new();
    for (number, packet) in packets(&stream).enumerate() {
        let packet = view(packet);
        if packet.pid() != pid || !packet.has_payload() {
            continue;
        }
        if packet.unit_start() {
            ends.push((number, packet.filled_up()));
        } else if let Some(end) = ends.last_mut() {
            *end = (number, packet.filled_up());
        }
    }
    let units = one_by_one(&stream);
    let learned = ends.iter().zip(&units).skip(LEARNED);
    let filled_up = learned.filter(|((_, filled_up), _)| *filled_up);
    let mut seen = 0;
    for ((end, _), (came, _)) in filled_up {
        assert_eq!(came, end);
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

/// Cuts the second packet of the `picture`th picture in two, each filled up.
fn with_a_cut_packet(stream: &[u8], pid: u16, picture: usize) -> Vec<u8> {
    let (mut starts, mut since, mut extra) = (0, 0, 0);
    let mut out = Vec::new();
    for packet in packets(stream) {
        let seen = view(packet);
        let mut renumbered = *packet;
        if seen.pid() == pid && seen.has_payload() {
            renumbered[3] = packet[3] & 0xF0 | (packet[3] + extra) & 0x0F;
            starts += usize::from(seen.unit_start());
            since = if seen.unit_start() { 0 } else { since + 1 };
            if starts == picture && since == 1 {
                for half in seen.payload().chunks(seen.payload().len().div_ceil(2)) {
                    out.extend_from_slice(&half_packet(&renumbered, half));
                    renumbered[3] = renumbered[3] & 0xF0 | (renumbered[3] + 1) & 0x0F;
                }
                extra += 1;
                continue;
            }
        }
        out.extend_from_slice(&renumbered);
    }
    out
}

fn half_packet(like: &[u8; PACKET_BYTES], payload: &[u8]) -> Vec<u8> {
    let mut packet = like[..3].to_vec();
    packet.push(0x30 | like[3] & 0x0F);
    let field = PACKET_BYTES - 5 - payload.len();
    packet.push(u8::try_from(field).expect("fits"));
    packet.push(0);
    packet.resize(5 + field, 0xFF);
    packet.extend_from_slice(payload);
    packet
}

#[test]
fn a_multiplexer_that_fills_up_anywhere_loses_nothing() {
    let Some(stream) = stream() else { return };
    let whole = Demuxed::of(&stream);
    let pid = whole.tracks[0].pid;
    let cut = Demuxed::of(&with_a_cut_packet(&stream, pid, 3));
    assert_eq!(cut.units, whole.units);
}

#[test]
fn one_that_changes_its_habits_costs_one_picture_and_is_not_trusted_again() {
    let Some(stream) = stream() else { return };
    let whole = Demuxed::of(&stream);
    let pid = whole.tracks[0].pid;
    let once = with_a_cut_packet(&stream, pid, 40);
    let twice = with_a_cut_packet(&once, pid, 50);
    let units = Demuxed::of(&twice).units;
    assert_eq!(units.len(), whole.units.len());
    let other: Vec<usize> = (0..units.len())
        .filter(|&n| units[n].data != whole.units[n].data)
        .collect();
    assert_eq!(other, [39]);
    assert!(units[40].discontinuity);
}
