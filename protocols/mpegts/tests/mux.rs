//! What is multiplexed is what was put in, and others can read it.

mod common;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use common::{Demuxed, complaints, ffmpeg_ts};
use tidegate_codecs::Codec;
use tidegate_mpegts::{
    AccessUnit, Inspector, Mux, MuxError, MuxTrack, MuxUnit, PACKET_BYTES, Packet, Track,
};
use tidegate_units::{Duration, Instant};

/// Demultiplexes a stream and multiplexes it again.
fn remux(demuxed: &Demuxed) -> Vec<u8> {
    let mut mux = Mux::new();
    mux.set_tracks(&mux_tracks(demuxed))
        .expect("all can be carried");
    let mut out = BytesMut::new();
    for unit in &demuxed.units {
        mux.push(&mux_unit(unit), &mut out);
    }
    out.to_vec()
}

fn mux_tracks(demuxed: &Demuxed) -> Vec<MuxTrack> {
    let track = |track: &Track| MuxTrack {
        id: track.pid,
        config: Arc::clone(track.config.as_ref().expect("a configuration")),
        language: track.language,
    };
    demuxed.tracks.iter().map(track).collect()
}

fn mux_unit(unit: &AccessUnit) -> MuxUnit {
    MuxUnit {
        track: unit.pid,
        pts: unit.pts,
        dts: unit.dts,
        key: unit.random_access,
        data: unit.data.clone(),
    }
}

/// The remultiplexed stream has the same units, no faults, and decodes without a complaint.
fn survives(arguments: &str) {
    let Some(stream) = ffmpeg_ts(arguments) else {
        return;
    };
    let before = Demuxed::of(&stream);
    let remuxed = remux(&before);
    assert_eq!(remuxed.len() % PACKET_BYTES, 0);
    let after = Demuxed::of(&remuxed);
    for (old, new) in before.tracks.iter().zip(&after.tracks) {
        assert_eq!(
            (old.config.as_ref(), old.language),
            (new.config.as_ref(), new.language)
        );
        let (old, new) = (before.units_of(old.pid), after.units_of(new.pid));
        assert_eq!(old.len(), new.len());
        for (old, new) in old.iter().zip(new) {
            assert_eq!(
                (old.pts, old.dts, old.random_access),
                (new.pts, new.dts, new.random_access)
            );
            assert!(new.data.ends_with(&old.data) && !new.discontinuity);
        }
    }
    let mut inspector = Inspector::new();
    inspector.push(Instant::ZERO, &remuxed);
    let report = inspector.report(Instant::ZERO);
    assert_eq!(
        (
            report.continuity_errors,
            report.sync_losses,
            report.table_errors
        ),
        (0, 0, 0)
    );
    let interval = report.programs[0].pcr_interval.expect("a clock");
    assert!(interval <= Duration::from_millis(100), "{interval:?}");
    assert_eq!(complaints(&remuxed), "");
}

#[test]
fn h264_with_b_frames_and_aac() {
    survives(
        "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=44100 -t 3 -c:v libx264 \
        -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac -metadata:s:a:0 language=deu",
    );
}

#[test]
fn hevc_and_the_dolby_codecs() {
    survives(
        "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 2 -map 0 -map 1 -map 1 \
        -c:v libx265 -preset ultrafast -x265-params log-level=none -c:a:0 ac3 -c:a:1 eac3",
    );
}

#[test]
fn mpeg2_mp2_and_opus() {
    survives(
        "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 2 -map 0 -map 1 -map 1 \
        -c:v mpeg2video -c:a:0 mp2 -c:a:1 libopus",
    );
}

#[test]
fn sound_alone_carries_the_clock() {
    survives("-f lavfi -i sine=r=48000 -t 2 -c:a aac");
}

#[test]
fn parameter_sets_from_outside_the_stream_are_put_in() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=320x180:r=25 -t 2 -c:v libx264 -preset ultrafast -g 25 \
        -pix_fmt yuv420p",
    ) else {
        return;
    };
    let mut demuxed = Demuxed::of(&stream);
    for unit in &mut demuxed.units {
        // As containers with outside headers have it: slices alone.
        let slices = tidegate_codecs::nal::split(&unit.data)
            .filter(|nal| matches!(nal[0] & 0x1F, 1 | 5))
            .flat_map(|nal| [&[0, 0, 0, 1], nal].concat());
        unit.data = slices.collect::<Vec<u8>>().into();
    }
    let after = Demuxed::of(&remux(&demuxed));
    assert_eq!(after.tracks[0].config, demuxed.tracks[0].config);
    assert_eq!(after.units.len(), demuxed.units.len());
    assert_eq!(
        after.units.iter().filter(|unit| unit.random_access).count(),
        2
    );
}

#[test]
fn the_clock_never_goes_back_however_loosely_tracks_are_interleaved() {
    let Some(stream) = ffmpeg_ts(
        "-f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine=r=48000 -t 2 -c:v libx264 \
        -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac",
    ) else {
        return;
    };
    let mut demuxed = Demuxed::of(&stream);
    let video = demuxed.tracks[0].pid;
    // Sound comes half a second after the picture that belongs to it.
    let late = |pid: u16| if pid == video { 0 } else { 45_000 };
    demuxed.units.sort_by_key(|unit| unit.dts + late(unit.pid));
    let tracks = mux_tracks(&demuxed);
    let (mut mux, mut remuxed) = (Mux::new(), BytesMut::new());
    mux.set_tracks(&tracks[..1]).expect("carried");
    let mut has_sound = false;
    for unit in &demuxed.units {
        if unit.pid != video && !has_sound {
            // It becomes known with its first frame.
            mux.set_tracks(&tracks).expect("carried");
            has_sound = true;
        }
        mux.push(&mux_unit(unit), &mut remuxed);
    }
    let clocks = remuxed.chunks_exact(PACKET_BYTES).filter_map(|packet| {
        let packet = Packet::new(packet.try_into().expect("a packet"))?;
        packet.adaptation()?.pcr
    });
    let clocks: Vec<u64> = clocks.map(|pcr| pcr.0).collect();
    assert!(clocks.len() > 40, "{}", clocks.len());
    assert!(clocks.is_sorted(), "{clocks:?}");
}

#[test]
fn what_cannot_be_carried_is_refused() {
    let Some(stream) = ffmpeg_ts("-f lavfi -i sine=r=48000 -t 1 -c:a aac") else {
        return;
    };
    let track = Demuxed::of(&stream).tracks.remove(0);
    let track = MuxTrack {
        id: 1,
        config: track.config.expect("read"),
        language: None,
    };
    let mut mux = Mux::new();
    assert_eq!(
        mux.set_tracks(&vec![track.clone(); 65]),
        Err(MuxError::TooManyTracks)
    );
    assert!(!Mux::can_carry(Codec::Av1));
    mux.set_tracks(&[track]).expect("carried");
    let mut out = BytesMut::new();
    let stranger = MuxUnit {
        track: 9,
        pts: 0,
        dts: 0,
        key: true,
        data: Bytes::new(),
    };
    mux.push(&stranger, &mut out);
    assert!(out.is_empty());
}
