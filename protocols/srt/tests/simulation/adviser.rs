//! The latency adviser, held to its word: with what it advises a link loses next to nothing,
//! and with half of that it does not. The sender repeats as libsrt's does, without copies of last
//! repetitions: the adviser cannot know who sends.

use core::time::Duration;

use crate::support::payload::PAYLOAD_BYTES;
use crate::support::{MS, SECOND, Scenario, Side};
use tidegate_netsim::{LinkConfig, Probability};
use tidegate_srt::{Advice, Adviser, TooEarly};

const MEGABITS_PER_SECOND: f64 = 4.0;
/// The link is measured with room to spare, as somebody would who does not know it.
const MEASURED_WITH: Duration = Duration::from_secs(2);
const MEASURED_FOR: Duration = Duration::from_secs(60);
/// How long the advice is tried; the promise is one packet in an hour.
const TRIED_SECONDS: u64 = 600;
/// Chance may lose one in so short a time.
const UNRECOVERED_MAX: u64 = 1;
/// So many in that time are thirty in an hour: the promise is broken.
const BROKEN_FROM: u64 = 5;

struct Link {
    name: &'static str,
    config: LinkConfig,
    seed: u64,
}

fn links() -> [Link; 5] {
    let random = |one_way: u32, percent| {
        LinkConfig::delayed(MS * one_way).losing(Probability::percent(percent))
    };
    let bursts = |one_way: u32, percent, packets| {
        LinkConfig::delayed(MS * one_way).losing_in_bursts(Probability::percent(percent), packets)
    };
    [
        ("RTT 40 ms, 5 %", random(20, 5.0), 1),
        ("RTT 100 ms, 2 %", random(50, 2.0), 2),
        ("RTT 60 ms, 10 %", random(30, 10.0), 3),
        ("RTT 80 ms, 3 % in bursts of 4", bursts(40, 3.0, 4.0), 4),
        (
            "RTT 50 ms, 4 %, jitter",
            random(25, 4.0).jittering(8 * MS),
            5,
        ),
    ]
    .map(|(name, config, seed)| Link { name, config, seed })
}

/// Measures `link` like a receiver would, a few times a second.
fn advise(link: &Link) -> Advice {
    let mut pair = Scenario::new(link.seed)
        .link(link.config.clone())
        .latency(MEASURED_WITH)
        .connect();
    pair.publish(Side::Caller, MEGABITS_PER_SECOND, MEASURED_FOR);
    let mut adviser = Adviser::default();
    let mut last = None;
    for _ in 0..MEASURED_FOR.as_millis() / 250 {
        pair.world.run_for(250 * MS);
        let statistics = pair.statistics(Side::Listener);
        adviser.note(&statistics);
        last = Some(adviser.advise(statistics.at, statistics.instant.receive_latency));
    }
    last.expect("it was measured").expect("a minute is enough")
}

/// Packets that `link` loses for good with this latency.
fn unrecovered(link: &Link, latency: Duration) -> u64 {
    let seconds = TRIED_SECONDS;
    let mut scenario = Scenario::new(link.seed + 100)
        .link(link.config.clone())
        .latency(latency);
    scenario.connection.max_duplicate_percent = 0;
    let mut pair = scenario.connect();
    let time = Duration::from_secs(seconds);
    pair.publish(Side::Caller, MEGABITS_PER_SECOND, time);
    pair.world.run_for(time + latency + 2 * SECOND);
    let inbox = pair.inbox(Side::Listener);
    let sent = (seconds as f64 * MEGABITS_PER_SECOND * 1e6 / 8.0 / PAYLOAD_BYTES as f64) as u64;
    assert!(
        inbox.delivered + inbox.missing >= sent * 99 / 100,
        "{}: no stream",
        link.name
    );
    inbox.missing
}

#[test]
fn what_is_advised_is_enough_and_half_of_it_is_not() {
    for link in links() {
        let advice = advise(&link);
        assert!(
            advice.enough_now,
            "{}: two seconds are plenty: {advice:?}",
            link.name
        );
        let lost = unrecovered(&link, advice.latency);
        let name = link.name;
        assert!(
            lost <= UNRECOVERED_MAX,
            "{name}: {lost} lost with {advice:#?}"
        );
        let with_half = unrecovered(&link, advice.latency / 2);
        println!(
            "{name}: {:?}: {lost} lost, half: {with_half}; {:?}",
            advice.latency, advice.why
        );
        assert!(
            with_half >= BROKEN_FROM,
            "{name}: half is enough, too: {with_half} lost, {advice:#?}"
        );
    }
}

#[test]
fn a_short_latency_is_called_too_short_with_the_figures_behind_it() {
    let link = LinkConfig::delayed(40 * MS).losing(Probability::percent(3.0));
    let mut pair = Scenario::new(9).link(link).latency(120 * MS).connect();
    pair.publish(Side::Caller, MEGABITS_PER_SECOND, MEASURED_FOR);
    let mut adviser = Adviser::default();
    let mut look = |pair: &mut crate::support::Pair| {
        pair.world.run_for(SECOND);
        let statistics = pair.statistics(Side::Listener);
        adviser.note(&statistics);
        adviser.advise(statistics.at, statistics.instant.receive_latency)
    };
    let early = look(&mut pair).unwrap_err();
    assert_eq!(
        early,
        TooEarly {
            measured: Duration::ZERO
        }
    );
    assert_eq!(
        early.to_string(),
        "not enough data yet: 0 of 30 seconds measured"
    );
    let mut advice = None;
    for _ in 0..40 {
        advice = look(&mut pair).ok();
    }
    let advice = advice.unwrap();
    assert!(!advice.enough_now, "{advice:?}");
    assert!(advice.latency > 300 * MS, "{advice:?}");
    assert!(advice.why[0].starts_with("RTT 8"), "{advice:?}");
    assert!(advice.why[1].ends_with("; now 120 ms"), "{advice:?}");
    let payload = MEGABITS_PER_SECOND * 1e6;
    let needed = advice.bandwidth.as_bps() as f64 / payload;
    assert!((1.25..1.40).contains(&needed), "{needed} times the payload");
}

#[test]
fn the_first_guess_of_the_round_trip_time_is_no_measurement() {
    let link = LinkConfig::delayed(5 * MS);
    let mut pair = Scenario::new(10).link(link).latency(120 * MS).connect();
    let mut adviser = Adviser::default();
    let mut look = |pair: &mut crate::support::Pair| {
        pair.world.run_for(SECOND);
        let statistics = pair.statistics(Side::Listener);
        adviser.note(&statistics);
        let advice = adviser.advise(statistics.at, statistics.instant.receive_latency);
        (statistics.rtt_known, advice)
    };
    for _ in 0..40 {
        let (known, advice) = look(&mut pair);
        assert!(!known, "nothing was sent");
        let measured = Duration::ZERO;
        assert_eq!(advice.unwrap_err(), TooEarly { measured });
    }
    pair.publish(Side::Caller, MEGABITS_PER_SECOND, MEASURED_FOR);
    let (mut known, mut advice) = look(&mut pair);
    for _ in 0..40 {
        (known, advice) = look(&mut pair);
    }
    assert!(known);
    let advice = advice.unwrap();
    assert!(advice.rtt < 20 * MS, "{advice:?}");
    assert!(advice.enough_now, "{advice:?}");
}
