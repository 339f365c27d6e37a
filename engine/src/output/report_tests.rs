use super::*;

fn report() -> (OutputReport, tokio::sync::broadcast::Receiver<crate::Event>) {
    let events = EventSink::new();
    let told = events.subscribe();
    (OutputReport::new("out", events), told)
}

fn where_it_stands(report: &OutputReport) -> (OutputState, Option<String>) {
    let said = report.snapshot();
    (said.state, said.reason)
}

#[test]
fn another_try_is_still_reconnecting_until_it_is_up() {
    let (report, _) = report();
    report.connecting();
    assert_eq!(report.snapshot().state, OutputState::Connecting);
    let broken = (OutputState::Reconnecting, Some("refused".to_owned()));
    for _ in 0..3 {
        report.state(OutputState::Reconnecting, Some("refused".into()));
        assert_eq!(where_it_stands(&report), broken);
        report.connecting();
        assert_eq!(where_it_stands(&report), broken);
    }
    report.up();
    assert_eq!(report.snapshot().state, OutputState::Waiting);
}

#[test]
fn an_output_that_gets_nothing_across_has_failed_while_its_error_is_fresh() {
    let (report, _) = report();
    report.up();
    let now = Instant::now();
    report.observed(Seen::NothingAccepted, now);
    assert_eq!(report.snapshot().state, OutputState::Waiting);
    report.error("It refuses. Start it.");
    report.observed(Seen::NothingAccepted, Instant::now());
    assert_eq!(
        where_it_stands(&report),
        (OutputState::Failed, Some("It refuses. Start it.".into()))
    );
    report.observed(Seen::Idle("the source has no media"), Instant::now());
    assert_eq!(report.snapshot().state, OutputState::Waiting);
    report.observed(Seen::NothingAccepted, Instant::now());
    assert_eq!(report.snapshot().state, OutputState::Failed);
    report.observed(Seen::Delivering, Instant::now());
    assert_eq!(where_it_stands(&report), (OutputState::Delivering, None));
    let later = Instant::now() + limits::ERROR_FRESH;
    report.observed(Seen::NothingAccepted, later);
    assert_eq!(report.snapshot().state, OutputState::Waiting);
}

#[test]
fn an_output_that_cannot_work_is_not_brought_back_by_being_looked_at() {
    let (report, _) = report();
    report.up();
    report.state(OutputState::Failed, Some("no such folder".into()));
    for seen in [Seen::Delivering, Seen::Idle("nobody is watching")] {
        report.observed(seen, Instant::now());
        assert_eq!(report.snapshot().state, OutputState::Failed);
    }
}

#[test]
fn a_standing_alarm_takes_the_newest_words_and_keeps_its_beginning() {
    let (report, mut told) = report();
    let raise = |advice| report.raise("disk", Severity::Error, "Disk full", advice);
    let alarm = || report.snapshot().alarms["disk"].0.clone();
    raise("10 MB are left.");
    let since = alarm().since;
    raise("9 MB are left.");
    assert_eq!(alarm().advice, "9 MB are left.");
    raise("Nothing is left.");
    assert_eq!(
        (alarm().advice.as_str(), alarm().since),
        ("Nothing is left.", since)
    );
    let mut advice = Vec::new();
    while let Ok(event) = told.try_recv() {
        if let EventKind::AlarmRaised(alarm) = event.kind {
            advice.push(alarm.advice);
        }
    }
    assert_eq!(advice, ["10 MB are left.", "Nothing is left."]);
}
