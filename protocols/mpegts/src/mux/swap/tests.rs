use super::*;
use crate::packet::{PACKET_BYTES, Pcr};
use crate::psi::{Pmt, crc32};
use crate::{Demux, Event, Stamp};
use bytes::Bytes;
use tidegate_codecs::{AudioConfig, AudioFormat, AudioHeaders, Codec, aac};

const MAP: u16 = 0x20;
const VIDEO: u16 = 0x100;
const SOUND: u16 = 0x101;
const SPLICES: u16 = 0x102;

fn section(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[2] = (bytes.len() + 4 - 3) as u8;
    let crc = crc32(&bytes);
    bytes.extend(crc.to_be_bytes());
    bytes
}

fn pat() -> Vec<u8> {
    section(vec![0, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0, 1, 0xE0, MAP as u8])
}

/// A map whose sound is AC-3 and carries the clock.
fn pmt() -> Vec<u8> {
    let mut map = vec![2, 0xB0, 0, 0, 1, 0xC7, 0, 0, 0xE1, 0x01, 0xF0, 6];
    map.extend(*b"\x05\x04CUEI");
    map.extend([0x1B, 0xE1, 0x00, 0xF0, 0]);
    map.extend([0x81, 0xE1, 0x01, 0xF0, 15]);
    map.extend(*b"\x05\x04AC-3");
    map.extend([0x0A, 4, b'd', b'e', b'u', 0, 0x6A, 1, 0]);
    map.extend([0x86, 0xE1, 0x02, 0xF0, 0]);
    section(map)
}

fn table(pid: u16, section: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    Packetizer::new(pid).section(section, &mut out);
    out
}

fn plain(pid: u16, continuity: u8) -> [u8; PACKET_BYTES] {
    let mut packet = [continuity ^ 0x5A; PACKET_BYTES];
    let [high, low] = pid.to_be_bytes();
    packet[..4].copy_from_slice(&[0x47, high, low, 0x10 | continuity]);
    packet
}

fn with_clock(pid: u16, clock: u64) -> [u8; PACKET_BYTES] {
    let mut packet = plain(pid, 3);
    packet[3] = 0x33;
    packet[4..6].copy_from_slice(&[7, 0x90]);
    Pcr(clock).write(&mut packet);
    packet
}

fn swap(stream: &[u8]) -> (SoundSwap, BytesMut) {
    let sound = NewSound::of(Codec::Aac, 2);
    let (mut swap, mut out) = (SoundSwap::new(sound), BytesMut::new());
    for packet in stream.as_chunks::<PACKET_BYTES>().0 {
        swap.packet(Packet::new(packet).unwrap(), &mut out);
    }
    (swap, out)
}

fn begin() -> Vec<u8> {
    let mut stream = table(0, &pat()).to_vec();
    stream.extend(table(MAP, &pmt()));
    stream
}

fn packets_of(pid: u16, stream: &[u8]) -> Vec<[u8; PACKET_BYTES]> {
    let packets = stream.as_chunks::<PACKET_BYTES>().0.iter();
    packets
        .filter(|bytes| Packet::new(bytes).unwrap().pid() == pid)
        .copied()
        .collect()
}

fn stereo_aac() -> StreamConfig {
    let config = aac::AudioSpecificConfig::plain(2, 3, 2).unwrap();
    StreamConfig::Audio(AudioConfig {
        format: AudioFormat {
            codec: Codec::Aac,
            name: "aac",
            profile: Some("LC"),
            sample_rate_hz: 48_000,
            channels: 2,
            samples_per_frame: 1024,
        },
        headers: AudioHeaders::Aac {
            audio_specific_config: config.to_bytes().to_vec().into(),
        },
    })
}

#[test]
fn the_map_names_the_new_sound_and_keeps_all_else() {
    let (_, out) = swap(&[begin(), begin()].concat());
    let mut reader = SectionReader::new();
    let mut maps = Vec::new();
    for packet in packets_of(MAP, &out) {
        let packet = Packet::new(&packet).unwrap();
        reader.push(packet.payload(), packet.unit_start(), |section| {
            maps.push((section[5], Pmt::parse(section).unwrap()));
        });
    }
    let (version, map) = maps.last().unwrap();
    assert_eq!(*version, 0xC7, "the version is the stream's own");
    let codecs: Vec<_> = map.streams.iter().map(|stream| stream.codec).collect();
    assert_eq!(codecs, [Codec::H264, Codec::Aac, Codec::Scte35]);
    assert_eq!(map.streams[1].language.unwrap().as_str(), "deu");
    assert_eq!(map.pcr_pid, SOUND);
}

#[test]
fn picture_and_data_pass_to_the_bit_and_the_old_sound_does_not() {
    let mut stream = begin();
    for continuity in 0..16 {
        for pid in [VIDEO, SOUND, SPLICES, 0x1FFF, 0x44] {
            stream.extend(plain(pid, continuity));
        }
    }
    let (_, out) = swap(&stream);
    for pid in [VIDEO, SPLICES, 0x1FFF, 0x44] {
        assert_eq!(packets_of(pid, &out), packets_of(pid, &stream), "{pid:x}");
    }
    assert!(packets_of(SOUND, &out).is_empty());
}

#[test]
fn nothing_comes_before_the_tables() {
    let (_, out) = swap(&[&plain(VIDEO, 0)[..], &plain(SOUND, 0)].concat());
    assert!(out.is_empty());
}

#[test]
fn the_clock_that_rides_on_the_sound_stays_and_counts_with_the_new_sound() {
    let mut stream = [begin(), begin()].concat();
    stream.extend(with_clock(SOUND, 27_000_123));
    let (mut swap, mut out) = swap(&stream);
    let frame = MuxUnit {
        track: SOUND,
        pts: (1 << 33) - 5,
        dts: 0,
        key: true,
        data: Bytes::from(vec![0x21; 400]),
    };
    swap.frame(&stereo_aac(), &frame, &mut out);
    let after = with_clock(SOUND, 27_000_456);
    swap.packet(Packet::new(&after).unwrap(), &mut out);
    swap.frame(&stereo_aac(), &frame, &mut out);
    let packets = packets_of(SOUND, &out);
    let read = |index: usize| Packet::new(&packets[index]).unwrap();
    let clock = read(0).adaptation().unwrap();
    assert_eq!(clock.pcr, Some(Pcr(27_000_123)));
    assert!(clock.discontinuity, "it is still told that the clock jumps");
    let mut expected = None;
    for index in 0..packets.len() {
        let packet = read(index);
        let expected = expected.get_or_insert(packet.continuity());
        if packet.has_payload() {
            *expected = (*expected + 1) & 0x0F;
        }
        assert_eq!(packet.continuity(), *expected);
    }
    let mut demux = Demux::new();
    demux.push(Stamp::default(), &out);
    demux.flush();
    let units: Vec<_> = std::iter::from_fn(|| demux.next_event())
        .filter_map(|event| match event {
            Event::Unit(unit) => Some(unit),
            Event::Tracks(_) => None,
        })
        .collect();
    assert_eq!(units.len(), 2);
    assert_eq!((units[0].pid, units[0].pts), (SOUND, (1 << 33) - 5));
    assert_eq!(units[0].data.len(), 400);
    assert!(!units[1].discontinuity);
}

#[test]
fn more_tracks_than_are_swapped_stay_as_they_are() {
    let mut map = vec![2, 0xB0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0x00, 0xF0, 0];
    for pid in 0..10 {
        map.extend([0x03, 0xE2, pid, 0xF0, 0]);
    }
    let mut stream = table(0, &pat()).to_vec();
    stream.extend(table(MAP, &section(map)));
    let (swap, _) = swap(&stream);
    assert_eq!(swap.map.sound().len(), MAX_SWAPPED);
    assert_eq!(swap.map.left_out(), [0x208, 0x209]);
}

#[test]
fn a_map_that_lies_about_its_lengths_stays_as_it_is() {
    let sound = NewSound::of(Codec::Aac, 2);
    let whole = pmt();
    for cut in 0..whole.len() {
        let mut bytes = whole[..cut].to_vec();
        bytes.extend([0xFF; 4]);
        drop(rename::sound_in(&bytes, sound, |_| true));
    }
    assert_eq!(rename::sound_in(&whole[..30], sound, |_| true), None);
}
