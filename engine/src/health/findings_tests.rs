use super::*;
use crate::health::{AudioStatus, Expect, VideoStatus};
use crate::source::{AdvisedLatency, Paths};

fn media() -> MediaStatus {
    MediaStatus {
        video: Some(VideoStatus {
            codec: "h264",
            last_unit_age_ms: Some(20),
            ..VideoStatus::default()
        }),
        audio: vec![AudioStatus {
            codec: "aac",
            last_unit_age_ms: Some(10),
            ..AudioStatus::default()
        }],
        ..MediaStatus::default()
    }
}

fn good(media: &MediaStatus) -> Evidence<'_> {
    Evidence {
        connection: Connection::Connected,
        ever_connected: true,
        any_data: true,
        connected_for: Duration::from_secs(60),
        silent_for: Duration::from_millis(5),
        bitrate: Bitrate::from_bps(6_000_000),
        usual_bitrate: Some(Bitrate::from_bps(6_000_000)),
        media: Some(media),
        had_picture: true,
        had_sound: true,
        ..Evidence::default()
    }
}

fn only(evidence: &Evidence<'_>) -> (ReasonCode, Health) {
    let findings = evidence.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    (findings[0].code, findings[0].severity)
}

#[test]
fn good_media_has_no_findings() {
    assert_eq!(good(&media()).findings(), []);
}

#[test]
fn what_is_made_here_says_why_it_is_dark_and_blames_no_sender() {
    let media = media();
    let mut evidence = Evidence {
        made_here: true,
        connection: Connection::Disconnected,
        connection_reason: Some("it is locked to main; unlock it"),
        ..good(&media)
    };
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Error));
    let advice = &evidence.findings()[0].advice;
    assert_eq!(
        advice,
        "Viewers see nothing: it is locked to main; unlock it."
    );
    evidence.connection = Connection::Connected;
    evidence.silent_for = Duration::from_secs(1);
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Warning));
    assert!(!evidence.findings()[0].advice.contains("sender"));
}

#[test]
fn connected_without_media_is_a_warning_at_once_and_soon_an_error() {
    let media = media();
    let mut evidence = Evidence {
        media: None,
        any_data: false,
        ..good(&media)
    };
    evidence.silent_for = Duration::ZERO;
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Warning));
    evidence.silent_for = Duration::from_secs(3);
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Error));
}

#[test]
fn data_that_is_no_transport_stream_is_no_media() {
    let nothing = MediaStatus::default();
    let mut evidence = Evidence {
        media: Some(&nothing),
        ..good(&nothing)
    };
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Error));
    evidence.connected_for = Duration::from_millis(500);
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Warning));
}

#[test]
fn a_track_that_never_carries_anything_is_a_warning_and_soon_an_error() {
    let mut media = media();
    media.audio[0].last_unit_age_ms = None;
    let mut evidence = good(&media);
    evidence.connected_for = Duration::from_secs(1);
    assert_eq!(only(&evidence), (ReasonCode::NoSound, Health::Warning));
    evidence.connected_for = Duration::from_secs(10);
    assert_eq!(only(&evidence), (ReasonCode::NoSound, Health::Error));
}

#[test]
fn a_source_nobody_has_connected_to_waits_and_one_that_was_there_has_failed() {
    let mut evidence = Evidence::default();
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Warning));
    evidence.ever_connected = true;
    assert_eq!(only(&evidence), (ReasonCode::NoMedia, Health::Error));
}

#[test]
fn a_track_that_stops_is_a_warning_and_then_an_error() {
    let mut stopped = media();
    stopped.audio[0].last_unit_age_ms = Some(700);
    assert_eq!(
        only(&good(&stopped)),
        (ReasonCode::NoSound, Health::Warning)
    );
    stopped.audio[0].last_unit_age_ms = Some(2500);
    assert_eq!(only(&good(&stopped)), (ReasonCode::NoSound, Health::Error));
}

#[test]
fn a_track_that_was_there_or_is_expected_must_be_there() {
    let mut mute = media();
    mute.audio.clear();
    assert_eq!(only(&good(&mute)), (ReasonCode::NoSound, Health::Error));
    let mut evidence = Evidence {
        had_sound: false,
        ..good(&mute)
    };
    assert_eq!(
        evidence.findings(),
        [],
        "a picture without sound may be meant"
    );
    let expect = Expect {
        audio: Some("aac".into()),
        ..Expect::default()
    };
    evidence.expected = Expectation::parse(&expect).unwrap();
    assert_eq!(only(&evidence), (ReasonCode::NoSound, Health::Error));
}

#[test]
fn transport_figures_alone_only_warn() {
    let media = media();
    let mut evidence = good(&media);
    evidence.transport.loss_percent = Some(40.0);
    evidence.transport.rtt = Some(Duration::from_millis(84));
    evidence.transport.latency = Some(Duration::from_millis(120));
    let findings = evidence.findings();
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Health::Warning),
        "{findings:?}"
    );
}

#[test]
fn the_advice_names_the_latency_to_set() {
    let media = media();
    let mut evidence = good(&media);
    evidence.transport.rtt = Some(Duration::from_millis(84));
    evidence.transport.latency = Some(Duration::from_millis(120));
    let findings = evidence.findings();
    assert_eq!(
        findings[0].advice,
        "Latency 120 ms is too low for RTT 84 ms. Set 340 ms."
    );
}

#[test]
fn the_protocols_own_advice_goes_first() {
    let media = media();
    let mut evidence = good(&media);
    let millis = Duration::from_millis;
    evidence.transport.rtt = Some(millis(30));
    evidence.transport.latency = Some(millis(120));
    let advised = |latency, loss_percent| {
        Some(AdvisedLatency {
            latency: millis(latency),
            rtt: millis(11),
            jitter: millis(22),
            loss_percent,
        })
    };
    evidence.transport.advised = advised(140, 0.0);
    assert_eq!(evidence.findings(), [], "a little less is a choice");
    evidence.transport.advised = advised(210, 0.0);
    assert_eq!(
        evidence.findings()[0].advice,
        "Latency 120 ms is too low for RTT 11 ms, jitter 22 ms and no loss. Set 210 ms."
    );
    evidence.transport.advised = advised(210, 2.13);
    evidence.transport.rtt = Some(millis(50));
    assert_eq!(
        evidence.findings()[0].advice,
        "Latency 120 ms is too low for RTT 11 ms, jitter 22 ms and 2.1 % loss. Set 210 ms."
    );
}

#[test]
fn packets_lost_for_good_again_and_again_are_an_error() {
    let media = media();
    let mut evidence = good(&media);
    evidence.unrecovered = Recent {
        ten_seconds: 2,
        minute: 2,
    };
    assert_eq!(
        only(&evidence),
        (ReasonCode::LosingPackets, Health::Warning)
    );
    evidence.unrecovered = Recent {
        ten_seconds: 2,
        minute: 30,
    };
    assert_eq!(only(&evidence), (ReasonCode::LosingPackets, Health::Error));
}

#[test]
fn what_this_host_drops_is_not_blamed_on_the_network() {
    let media = media();
    let mut evidence = good(&media);
    evidence.transport.loss_percent = Some(2.0);
    let advice = |evidence: &Evidence<'_>| evidence.findings()[0].advice.clone();
    assert!(advice(&evidence).contains("Look at the network"));
    evidence.host_drops.ten_seconds = 7;
    let here = "This host itself dropped 7 packets";
    assert!(advice(&evidence).contains(here));
    assert!(!advice(&evidence).contains("Look at the network"));
    evidence.unrecovered.ten_seconds = 3;
    assert!(advice(&evidence).starts_with("3 packets were lost for good in 10 s. This host"));
}

#[test]
fn far_less_than_usual_or_expected_is_bitrate_low() {
    let media = media();
    let mut evidence = good(&media);
    evidence.bitrate = Bitrate::from_bps(4_000_000);
    assert_eq!(only(&evidence), (ReasonCode::BitrateLow, Health::Warning));
    evidence.bitrate = Bitrate::from_bps(400_000);
    assert_eq!(only(&evidence), (ReasonCode::BitrateLow, Health::Error));
    evidence.usual_bitrate = None;
    assert_eq!(evidence.findings(), [], "nothing to compare with yet");
}

#[test]
fn another_format_than_expected_is_said_in_words() {
    let media = media();
    let expect = Expect {
        video: Some("hevc".into()),
        ..Expect::default()
    };
    let expected = Expectation::parse(&expect).unwrap();
    let findings = Evidence {
        expected,
        ..good(&media)
    }
    .findings();
    assert_eq!(findings[0].code.text(), "Wrong format");
    assert!(
        findings[0]
            .advice
            .starts_with("Video is h264, expected hevc."),
        "{findings:?}"
    );
}

#[test]
fn a_missing_link_is_a_warning_while_others_carry_the_feed() {
    let media = media();
    let mut evidence = good(&media);
    let paths = |working, missing| Some(Paths { working, missing });
    evidence.transport.paths = paths(2, 0);
    assert_eq!(evidence.findings(), []);
    evidence.transport.paths = paths(1, 1);
    assert_eq!(only(&evidence), (ReasonCode::LinkLost, Health::Warning));
    assert!(evidence.findings()[0].advice.starts_with("1 of 2 links"));
}
