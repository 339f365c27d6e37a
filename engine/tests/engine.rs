//! What the engine promises to those who run sources and outputs.

mod support;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;
use support::{
    BreaksThenCalls, CannotWork, Collector, Refused, Stubborn, attached, chunk, engine, eventually,
    set_collector, set_output, set_source, write,
};
use tidegate_engine::{
    Clock, Connection, EventKind, Health, OutputSpec, OutputState, SourceSpec, SourceState, limits,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_creates_and_deletes_of_one_output_cost_its_neighbours_no_packet() {
    let engine = engine();
    let source = set_source(&engine, "cam1").await;
    let neighbours = [
        set_collector(&engine, "one", "cam1").await,
        set_collector(&engine, "two", "cam1").await,
    ];
    attached(&engine, "cam1", 2).await;
    let context = source.context().await;
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let writer = tokio::task::spawn_blocking(move || {
        let mut writer = context.feed.ts_writer();
        let mut sent = 0;
        while !until.load(Ordering::Relaxed) {
            write(&mut writer, sent..sent + 10);
            sent += 10;
            std::thread::sleep(Duration::from_micros(500));
        }
        sent
    });
    for _ in 0..1000 {
        set_collector(&engine, "restless", "cam1").await;
        while engine.feed("cam1").reader_count() < 3 {
            tokio::task::yield_now().await;
        }
        engine.remove_output("restless").await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let sent = writer.await.unwrap();
    for neighbour in neighbours {
        eventually("all arrives", || {
            (neighbour.count() as u64 >= sent).then_some(())
        })
        .await;
        assert!(
            neighbour
                .numbers
                .lock()
                .unwrap()
                .iter()
                .copied()
                .eq(0..sent)
        );
        assert_eq!(*neighbour.lost.lock().unwrap(), 0);
    }
    assert!(engine.output_status("restless").is_none());
}

#[tokio::test]
async fn readers_stay_attached_when_a_source_is_replaced() {
    let engine = engine();
    let first = set_source(&engine, "cam1").await;
    let output = set_collector(&engine, "out", "cam1").await;
    attached(&engine, "cam1", 1).await;
    write(&mut first.context().await.feed.ts_writer(), 0..5);
    let second = set_source(&engine, "cam1").await;
    write(&mut second.context().await.feed.ts_writer(), 5..10);
    eventually("all arrives", || (output.count() == 10).then_some(())).await;
    assert_eq!(engine.output_status("out").unwrap().reconnects, 0);
}

#[tokio::test]
async fn an_output_may_be_there_before_its_source() {
    let engine = engine();
    let output = set_collector(&engine, "out", "later").await;
    attached(&engine, "later", 1).await;
    eventually("it waits", || {
        (engine.output_status("out")?.state == OutputState::Waiting).then_some(())
    })
    .await;
    let source = set_source(&engine, "later").await;
    write(&mut source.context().await.feed.ts_writer(), 0..3);
    eventually("all arrives", || (output.count() == 3).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_made_beside_others_that_go_find_their_source() {
    let engine = engine();
    for round in 0..100 {
        let source = format!("source-{round}");
        set_collector(&engine, "goes", "elsewhere").await;
        let (created, removed) = tokio::join!(set_collector(&engine, "out", &source), async {
            engine.remove_output("goes").await
        });
        removed.unwrap();
        let held = set_source(&engine, &source).await;
        attached(&engine, &source, 1).await;
        write(&mut held.context().await.feed.ts_writer(), 0..1);
        eventually("the packet arrives", || {
            (created.count() == 1).then_some(())
        })
        .await;
        engine.remove_output("out").await.unwrap();
        engine.remove_source(&source).await.unwrap();
    }
}

#[tokio::test]
async fn re_pointing_one_output_restarts_nothing() {
    let engine = engine();
    let (one, two) = (
        set_source(&engine, "one").await,
        set_source(&engine, "two").await,
    );
    let moved = set_collector(&engine, "moved", "one").await;
    let stays = set_collector(&engine, "stays", "one").await;
    attached(&engine, "one", 2).await;
    let mut writer_one = one.context().await.feed.ts_writer();
    let mut writer_two = two.context().await.feed.ts_writer();
    write(&mut writer_one, 0..2);
    let driver = Arc::clone(&moved) as _;
    let spec = OutputSpec {
        source: "two".into(),
        driver,
    };
    engine.set_output("moved", spec).await.unwrap();
    write(&mut writer_one, 2..4);
    write(&mut writer_two, 100..102);
    eventually("both have all", || {
        (moved.count() + stays.count() == 8).then_some(())
    })
    .await;
    assert_eq!(*moved.numbers.lock().unwrap(), [0, 1, 100, 101]);
    assert_eq!(*stays.numbers.lock().unwrap(), [0, 1, 2, 3]);
    let status = engine.output_status("moved").unwrap();
    assert_eq!((status.source.as_str(), status.reconnects), ("two", 0));
}

#[tokio::test]
async fn an_output_that_will_not_stop_is_gone_in_bounded_time() {
    let engine = engine();
    set_output(&engine, "out", "cam1", Arc::new(Stubborn)).await;
    let asked = Instant::now();
    engine.remove_output("out").await.unwrap();
    assert!(asked.elapsed() < limits::STOP_GRACE + Duration::from_millis(500));
    assert!(engine.output_status("out").is_none());
}

#[tokio::test]
async fn changing_one_output_does_not_wait_for_another() {
    let engine = engine();
    set_output(&engine, "stuck", "cam1", Arc::new(Stubborn)).await;
    let removing = engine.clone();
    let removal = tokio::spawn(async move { removing.remove_output("stuck").await });
    tokio::task::yield_now().await;
    let asked = Instant::now();
    set_collector(&engine, "other", "cam1").await;
    assert!(asked.elapsed() < limits::STOP_GRACE / 2);
    removal.await.unwrap().unwrap();
}

#[tokio::test]
async fn connected_is_not_healthy_and_events_say_so() {
    let engine = engine();
    let mut events = engine.events().subscribe();
    let source = set_source(&engine, "cam1").await;
    let status = engine.source_status("cam1").unwrap();
    assert_eq!(status.state, SourceState::Waiting);
    assert_ne!(status.health, Health::Ok, "not even before the first look");
    source
        .context()
        .await
        .report
        .connected(Some("192.0.2.1:5000".into()));
    let status = eventually("a verdict", || {
        let status = engine.source_status("cam1").unwrap();
        (!status.reasons.is_empty()).then_some(status)
    })
    .await;
    assert_eq!(status.connection, Connection::Connected);
    assert_ne!(status.health, Health::Ok);
    assert_eq!(status.reasons[0].text, "No media");
    loop {
        match events.recv().await.unwrap().kind {
            EventKind::AlarmRaised(alarm) if alarm.code == "no_media" => break,
            _ => {}
        }
    }
    assert_eq!(engine.alarms().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_fail_alike_are_told_once() {
    let engine = engine();
    let mut events = engine.events().subscribe();
    let spec = SourceSpec {
        driver: Arc::new(Refused),
        expect: None,
    };
    engine.set_source("cam1", spec).await.unwrap();
    set_output(&engine, "out", "cam1", Arc::new(Refused)).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let (mut failures, mut states) = (0, 0);
    while let Ok(event) = events.try_recv() {
        match event.kind {
            EventKind::RunFailed { .. } => failures += 1,
            EventKind::SourceDisconnected { .. } | EventKind::OutputState { .. } => states += 1,
            _ => {}
        }
    }
    // The source calls, then calls again; the output begins again.
    assert_eq!((failures, states), (2, 3));
    let status = engine.output_status("out").unwrap();
    assert!(status.reconnects > 4);
    assert_eq!(
        status.last_error.unwrap(),
        "the far side refused. Ask its operator."
    );
}

#[tokio::test]
async fn a_call_to_a_dead_far_side_is_reconnecting_while_it_is_tried_again() {
    let engine = engine();
    let output = Arc::new(BreaksThenCalls::default());
    set_output(&engine, "out", "cam1", Arc::clone(&output) as _).await;
    eventually("the second call", || {
        (output.runs.load(Ordering::Relaxed) == 2).then_some(())
    })
    .await;
    let status = engine.output_status("out").unwrap();
    assert_eq!(status.state, OutputState::Reconnecting);
    assert_eq!(status.state_reason.unwrap(), "the far side refused");
}

#[tokio::test]
async fn what_rests_is_started_anew_by_a_change() {
    let engine = engine();
    let runs = Arc::new(AtomicUsize::new(0));
    for change in 1..=3 {
        let driver = Arc::new(CannotWork {
            runs: Arc::clone(&runs),
        });
        let spec = SourceSpec {
            driver: Arc::clone(&driver) as _,
            expect: None,
        };
        engine.set_source("cam1", spec).await.unwrap();
        set_output(&engine, "out", "cam1", driver).await;
        eventually("both rest again", || {
            let source = engine.source_status("cam1")?;
            let output = engine.output_status("out")?;
            let ran = runs.load(Ordering::Relaxed) == 2 * change;
            (ran && source.resting && output.resting).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn only_what_is_not_tried_again_rests() {
    let engine = engine();
    let spec = SourceSpec {
        driver: Arc::new(Refused),
        expect: None,
    };
    engine.set_source("cam1", spec).await.unwrap();
    set_output(&engine, "out", "cam1", Arc::new(Refused)).await;
    eventually("both have failed", || {
        let source = engine.source_status("cam1")?;
        let output = engine.output_status("out")?;
        let failed = source.last_error.is_some() && output.last_error.is_some();
        failed.then(|| assert!(!source.resting && !output.resting))
    })
    .await;
}

#[tokio::test]
async fn an_alarm_ends_with_its_source() {
    let engine = engine();
    let source = set_source(&engine, "cam1").await;
    source.context().await.report.connected(None);
    eventually("an alarm", || (!engine.alarms().is_empty()).then_some(())).await;
    let mut events = engine.events().subscribe();
    engine.remove_source("cam1").await.unwrap();
    assert!(engine.alarms().is_empty());
    let mut cleared = false;
    while let Ok(event) = events.try_recv() {
        cleared |= matches!(event.kind, EventKind::AlarmCleared { .. });
    }
    assert!(cleared, "the alarm is cleared, not merely forgotten");
}

#[tokio::test]
async fn an_output_says_why_it_waits() {
    let engine = engine();
    set_collector(&engine, "out", "cam1").await;
    let reason = eventually("a reason", || engine.output_status("out")?.state_reason).await;
    assert_eq!(reason, "the source has no media");
}

#[tokio::test]
async fn an_output_is_delivering_only_while_bytes_are_taken() {
    let engine = engine();
    let source = set_source(&engine, "cam1").await;
    set_collector(&engine, "out", "cam1").await;
    attached(&engine, "cam1", 1).await;
    let mut writer = source.context().await.feed.ts_writer();
    let mut sent = 0;
    eventually("it delivers", || {
        write(&mut writer, sent..sent + 1);
        sent += 1;
        engine.output_status("out")?.delivering.then_some(())
    })
    .await;
    assert!(engine.output_status("out").unwrap().bitrate_bps > 0);
    eventually("it stops delivering", || {
        (engine.output_status("out")?.state == OutputState::Waiting).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_status_has_the_fields_that_scripts_rely_on() {
    let engine = engine();
    let source = set_source(&engine, "cam1").await;
    let context = source.context().await;
    context
        .report
        .detail("srt", serde_json::json!({ "rtt_ms": 12.5 }));
    let mut writer = context.feed.ts_writer();
    writer.push(chunk(1, Clock::start().now()));
    writer.seal();
    let status = serde_json::to_value(engine.source_status("cam1").unwrap()).unwrap();
    assert_eq!(status["connection"], "disconnected");
    assert_eq!(status["state"], "waiting");
    assert_eq!(status["srt"]["rtt_ms"], 12.5);
    assert!(status["last_packet_age_ms"].is_u64());
    for field in [
        "health",
        "reasons",
        "bitrate_bps",
        "media",
        "peer",
        "expect",
        "readers",
    ] {
        assert!(status.get(field).is_some(), "{field} is missing");
    }
    let collector = Arc::new(Collector::default());
    set_output(&engine, "out", "cam1", collector).await;
    let status = serde_json::to_value(engine.output_status("out").unwrap()).unwrap();
    for field in [
        "state",
        "delivering",
        "bitrate_bps",
        "readers",
        "reconnects",
        "last_error",
    ] {
        assert!(status.get(field).is_some(), "{field} is missing");
    }
}

#[tokio::test]
async fn shutting_down_stops_everything() {
    let engine = engine();
    let source = set_source(&engine, "cam1").await;
    set_collector(&engine, "out", "cam1").await;
    let context = source.context().await;
    engine.shutdown().await;
    assert!(context.stop.is_cancelled());
    assert_eq!(
        engine.output_status("out").unwrap().state,
        OutputState::Stopped
    );
    assert_eq!(engine.feed("cam1").reader_count(), 0);
}
