use super::*;
use crate::health::{AudioStatus, VideoStatus};

/// A source under observation, one quarter of a second at a time.
struct Bench {
    observed: Observed,
    said: Said,
    now: Instant,
    bytes: u64,
    last_arrival: Option<Instant>,
    media: Option<MediaStatus>,
}

impl Bench {
    fn new() -> Self {
        Self {
            observed: Observed::new(
                None,
                Carried {
                    bytes: 0,
                    items: 0,
                    last_arrival: None,
                },
            ),
            said: Said::default(),
            now: Instant::from_millis(1_000_000),
            bytes: 0,
            last_arrival: None,
            media: None,
        }
    }

    fn connect(&mut self) {
        self.said.connection = Connection::Connected;
        self.said.ever_connected = true;
        self.said.connections += 1;
    }

    fn disconnect(&mut self) {
        self.said.connection = Connection::Disconnected;
    }

    fn media(&mut self) {
        let video = VideoStatus {
            codec: "h264",
            last_unit_age_ms: Some(20),
            ..VideoStatus::default()
        };
        let audio = AudioStatus {
            codec: "aac",
            last_unit_age_ms: Some(20),
            ..AudioStatus::default()
        };
        self.media = Some(MediaStatus {
            video: Some(video),
            audio: vec![audio],
            ..MediaStatus::default()
        });
    }

    /// Lets `millis` pass, with or without packets at 8 Mbit/s.
    fn run(&mut self, millis: u64, flowing: bool) -> Vec<EventKind> {
        let mut events = Vec::new();
        for _ in 0..millis / 250 {
            self.now += Duration::from_millis(250);
            if flowing {
                self.bytes += 250_000;
                self.last_arrival = Some(self.now - Duration::from_millis(1));
            }
            let carried = Carried {
                bytes: self.bytes,
                items: 0,
                last_arrival: self.last_arrival,
            };
            let wall = SystemTime::UNIX_EPOCH + Duration::from_micros(self.now.as_micros());
            let media = self.media.clone();
            events.extend(
                self.observed
                    .look(self.now, wall, &self.said, carried, media),
            );
        }
        events
    }

    fn health(&self) -> Health {
        self.observed.verdict.health()
    }

    fn phrases(&self) -> Vec<&str> {
        self.observed
            .verdict
            .reasons()
            .iter()
            .map(|reason| reason.text.as_str())
            .collect()
    }
}

fn alarms_of(events: &[EventKind]) -> (usize, usize) {
    let raised = events
        .iter()
        .filter(|kind| matches!(kind, EventKind::AlarmRaised(_)))
        .count();
    let cleared = events
        .iter()
        .filter(|kind| matches!(kind, EventKind::AlarmCleared { .. }))
        .count();
    (raised, cleared)
}

#[test]
fn a_source_that_waits_is_not_green_but_raises_no_alarm() {
    let mut bench = Bench::new();
    let events = bench.run(60_000, false);
    assert_eq!(bench.health(), Health::Warning);
    assert_eq!(alarms_of(&events), (0, 0));
}

#[test]
fn connected_without_media_is_never_green() {
    let mut bench = Bench::new();
    bench.connect();
    bench.run(250, false);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Warning, vec!["No media"])
    );
    bench.run(5000, false);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Error, vec!["No media"])
    );
}

#[test]
fn how_long_nobody_came_is_not_held_against_who_comes() {
    let mut bench = Bench::new();
    bench.run(600_000, false);
    bench.connect();
    let before = bench.now;
    bench.run(500, false);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Warning, vec!["No media"])
    );
    let since = bench.observed.verdict.reasons()[0].since;
    assert!(since > SystemTime::UNIX_EPOCH + Duration::from_micros(before.as_micros()));
}

#[test]
fn a_call_that_fails_again_and_again_is_one_alarm() {
    let mut bench = Bench::new();
    let mut events = Vec::new();
    for _ in 0..5 {
        bench.said.connection = Connection::Connecting;
        events.extend(bench.run(1000, false));
        bench.said.connection = Connection::Reconnecting;
        bench.said.failing = true;
        events.extend(bench.run(2000, false));
    }
    assert_eq!(bench.phrases(), ["Reconnecting"]);
    assert_eq!(alarms_of(&events), (1, 0));
    let since = bench.observed.verdict.reasons()[0].since;
    bench.run(10_000, false);
    assert_eq!(bench.observed.verdict.reasons()[0].since, since);
}

#[test]
fn the_moment_before_the_first_packet_is_no_alarm() {
    let mut bench = Bench::new();
    bench.connect();
    let mut events = bench.run(500, false);
    bench.media();
    events.extend(bench.run(3000, true));
    assert_eq!(alarms_of(&events), (0, 0));
    assert_eq!(bench.health(), Health::Ok);
}

#[test]
fn good_media_is_green_and_its_bitrate_that_of_the_last_second() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(3000, true);
    assert_eq!(bench.health(), Health::Ok);
    assert_eq!(bench.observed.meter.rate(bench.now).as_bps(), 8_000_000);
}

#[test]
fn a_sender_that_goes_silent_is_noticed_at_once_and_one_alarm_is_set_and_cleared() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(5000, true);
    let mut events = bench.run(750, false);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Warning, vec!["No media"])
    );
    events.extend(bench.run(2000, false));
    assert_eq!(bench.health(), Health::Error);
    events.extend(bench.run(2000, true));
    assert_eq!(bench.health(), Health::Ok);
    assert_eq!(
        alarms_of(&events),
        (2, 1),
        "a warning, then an error, cleared once"
    );
}

#[test]
fn a_sender_that_leaves_and_returns_is_judged_anew() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(5000, true);
    bench.disconnect();
    bench.run(1000, false);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Error, vec!["No media"])
    );
    bench.media = None;
    bench.connect();
    bench.run(250, false);
    assert_eq!(
        bench.health(),
        Health::Warning,
        "the old media does not count"
    );
    bench.media();
    bench.run(2000, true);
    assert_eq!(bench.health(), Health::Ok);
}

#[test]
fn a_standing_alarm_says_what_is_wrong_now_and_since_when_it_began() {
    let mut bench = Bench::new();
    bench.connect();
    bench.run(5000, false);
    let [silent] = &bench.observed.alarms()[..] else {
        panic!("one alarm");
    };
    assert!(silent.advice.contains("sends nothing"), "{}", silent.advice);
    bench.disconnect();
    let events = bench.run(1000, false);
    let [gone] = &bench.observed.alarms()[..] else {
        panic!("one alarm");
    };
    assert!(gone.advice.contains("is gone"), "{}", gone.advice);
    assert_eq!(gone.since, silent.since);
    assert_eq!(alarms_of(&events), (1, 0), "told again, once, not cleared");
    let told = events.contains(&EventKind::AlarmRaised(gone.clone()));
    assert!(told, "the event says the same");
    bench.connect();
    bench.run(250, false);
    let [silent_again] = &bench.observed.alarms()[..] else {
        panic!("one alarm");
    };
    assert!(silent_again.advice.contains("sends nothing"));
    assert_eq!(silent_again.since, silent.since);
}

#[test]
fn other_figures_in_an_alarm_are_shown_but_are_no_event() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(5000, true);
    bench.said.transport.rtt = Some(Duration::from_millis(100));
    bench.said.transport.latency = Some(Duration::from_millis(120));
    let mut events = bench.run(10_000, true);
    bench.said.transport.rtt = Some(Duration::from_millis(107));
    events.extend(bench.run(1000, true));
    let [alarm] = &bench.observed.alarms()[..] else {
        panic!("one alarm");
    };
    assert!(alarm.advice.contains("RTT 107 ms"), "{}", alarm.advice);
    assert_eq!(alarms_of(&events), (1, 0));
}

#[test]
fn every_second_leaves_a_point_of_history() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(10_000, true);
    assert_eq!(bench.observed.history.points().len(), 10);
}

#[test]
fn packets_lost_for_good_are_said_and_forgotten_after_a_clean_while() {
    let mut bench = Bench::new();
    bench.connect();
    bench.media();
    bench.run(3000, true);
    bench.said.transport.unrecovered = 3;
    bench.run(1000, true);
    assert_eq!(
        (bench.health(), bench.phrases()),
        (Health::Warning, vec!["Losing packets"])
    );
    bench.run(15_000, true);
    assert_eq!(bench.health(), Health::Ok);
}

#[test]
fn nothing_is_ready_that_has_no_media_by_its_health() {
    let reason = |code: ReasonCode, severity| Reason {
        code,
        text: code.text().into(),
        severity,
        since: SystemTime::UNIX_EPOCH,
        advice: "Do something.".into(),
    };
    let judged = |reasons: &[Reason]| {
        let mut readiness = Readiness {
            ready: true,
            reasons: Vec::new(),
            clean_since: Some(SystemTime::UNIX_EPOCH),
        };
        readiness.agree_with(reasons);
        let codes: Vec<_> = readiness.reasons.iter().map(|it| it.code).collect();
        (readiness.ready, readiness.clean_since.is_some(), codes)
    };
    use Health::{Error, Warning};
    for code in [ReasonCode::NoMedia, ReasonCode::Reconnecting] {
        let expected = (false, false, vec![code.as_str()]);
        assert_eq!(judged(&[reason(code, Warning)]), expected);
    }
    for code in [ReasonCode::NoPicture, ReasonCode::NoSound] {
        let expected = (false, false, vec![code.as_str()]);
        assert_eq!(judged(&[reason(code, Error)]), expected);
        assert_eq!(judged(&[reason(code, Warning)]), (true, true, vec![]));
    }
    // What viewers might see is no reason not to be taken where there is nothing better.
    let losing = reason(ReasonCode::LosingPackets, Error);
    assert_eq!(judged(&[losing]), (true, true, vec![]));
}
