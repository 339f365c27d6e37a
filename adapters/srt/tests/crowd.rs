//! Crowds: more callers than there is room for, or than may be asked about at a time.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Bed, PASSPHRASE};
use tidegate_adapter_srt::{Answer, Doorman, NoAnswer, Question, Webhook};
use tidegate_engine::{BoxFuture, ListenerAdapter};
use tidegate_srt::{CallerConfig, Received};
use tidegate_srt_io::{CallOptions, ConnectionHandle, ConnectionState, EndReason, Role, Sink};
use tidegate_testkit::{eventually, media, peers};
use tidegate_units::Instant;
use tokio::sync::Semaphore;

/// Says yes after a second, and counts how many wait for it.
#[derive(Default)]
struct Porter {
    waiting: AtomicUsize,
    most: AtomicUsize,
    asked: AtomicUsize,
}

impl Doorman for Porter {
    fn ask<'a>(
        &'a self,
        _webhook: &'a Webhook,
        _question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            let now = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            Ok(Answer {
                allow: true,
                reason: None,
            })
        })
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn receive(&mut self, _packet: Received) {}
    fn end_of_turn(&mut self, _now: Instant) {}
    fn closed(&mut self, _reason: &EndReason) {}
}

/// Readers of our own: a hundred processes would be slow.
fn readers(bed: &Bed, count: usize) -> Vec<ConnectionHandle> {
    readers_of(bed, "out", count)
}

fn readers_of(bed: &Bed, stream_id: &'static str, count: usize) -> Vec<ConnectionHandle> {
    let call = |_| {
        let caller = CallerConfig {
            stream_id: stream_id.into(),
            connect_timeout: Duration::from_secs(20),
            ..CallerConfig::default()
        };
        let options = CallOptions::new(caller, Role::Publisher(Box::new(Nowhere)));
        let listener = ([127, 0, 0, 1], bed.port).into();
        bed.shards.call(listener, options).unwrap()
    };
    (0..count).map(call).collect()
}

fn counted(handles: &[ConnectionHandle], is: impl Fn(&ConnectionState) -> bool) -> usize {
    handles
        .iter()
        .filter(|handle| is(&handle.status().state))
        .count()
}

fn connected(handles: &[ConnectionHandle]) -> usize {
    counted(handles, |state| *state == ConnectionState::Connected)
}

fn bed(listener: &str, output: &str) -> Bed {
    let bed = Bed::with_listener(listener);
    let source =
        format!(r#"{{ "listener": "ingest", "stream_id": "cam1", "passphrase": "{PASSPHRASE}" }}"#);
    bed.source("cam1", &source);
    let output =
        format!(r#"{{ "listener": "ingest", "stream_id": "out", "open": true {output} }}"#);
    bed.output("out", "cam1", &output);
    bed
}

#[test]
fn only_so_many_callers_are_asked_about_at_a_time_and_all_get_in_in_the_end() {
    let bed = bed(
        r#"{ "bind": "127.0.0.1:0" }"#,
        r#", "webhook": { "url": "http://192.0.2.1/" }"#,
    );
    let porter = Arc::new(Porter::default());
    let doorman = Arc::clone(&porter) as Arc<dyn Doorman>;
    drop(bed.adapter.clone().with_doorman(doorman));
    let callers = readers(&bed, 40);
    eventually("all are in", || (connected(&callers) == 40).then_some(()));
    assert_eq!(porter.most.load(Ordering::SeqCst), 16, "from one address");
    assert_eq!(porter.asked.load(Ordering::SeqCst), 40, "once about each");
    let counters = bed.adapter.listener_status("ingest").unwrap().counters;
    assert!(counters["webhook_postponed"].as_u64() > Some(0));
    assert_eq!(counters["webhook_questions"], 0);
    assert!(!bed.has_rejections());
}

#[test]
fn a_crowd_of_readers_does_not_keep_the_publisher_out() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = bed(r#"{ "bind": "127.0.0.1:0", "max_connections": 10 }"#, "");
    let callers = readers(&bed, 12);
    eventually("nine are in and three are refused", || {
        let ended = counted(&callers, |state| {
            matches!(state, ConnectionState::Ended(EndReason::Refused(_)))
        });
        (connected(&callers) == 9 && ended == 3).then_some(())
    });
    let rejection = bed.rejection("out");
    assert_eq!(rejection.reason, "overloaded");
    assert!(rejection.advice.contains("max_connections"));
    let gathered = bed.gather("cam1");
    let sent = media::numbered_ts(7 * 100);
    let options = format!("streamid=cam1&passphrase={PASSPHRASE}");
    let _sender = bed.publish("cam1", &options, &sent);
    gathered.assert_carried(&sent);
    assert_eq!(connected(&callers), 9);
}

/// Says yes, but at one URL only when the test lets it.
struct SlowPorter {
    waiting: AtomicUsize,
    let_go: Semaphore,
}

const SLOW: &str = "http://192.0.2.1/slow";

/// One question more, until it is answered or given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Doorman for SlowPorter {
    fn ask<'a>(
        &'a self,
        webhook: &'a Webhook,
        _question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            if webhook.url == SLOW {
                let _waiting = Waiting::new(&self.waiting);
                self.let_go.acquire().await.unwrap().forget();
            }
            Ok(Answer {
                allow: true,
                reason: None,
            })
        })
    }
}

/// An output `out` whose webhook is slow.
fn slow_bed() -> (Bed, Arc<SlowPorter>) {
    let webhook = format!(r#", "webhook": {{ "url": "{SLOW}" }}"#);
    let bed = bed(r#"{ "bind": "127.0.0.1:0" }"#, &webhook);
    let porter = Arc::new(SlowPorter {
        waiting: AtomicUsize::new(0),
        let_go: Semaphore::new(0),
    });
    let doorman = Arc::clone(&porter) as Arc<dyn Doorman>;
    drop(bed.adapter.clone().with_doorman(doorman));
    (bed, porter)
}

fn waits(porter: &SlowPorter, count: usize) {
    eventually("so many are asked about", || {
        (porter.waiting.load(Ordering::SeqCst) == count).then_some(())
    });
}

#[test]
fn a_webhook_that_never_answers_delays_nobody_but_its_own_callers() {
    let (bed, porter) = slow_bed();
    for (name, webhook) in [
        ("fast", r#", "webhook": { "url": "http://192.0.2.1/fast" }"#),
        ("free", ""),
    ] {
        let settings =
            format!(r#"{{ "listener": "ingest", "stream_id": "{name}", "open": true {webhook} }}"#);
        bed.output(name, "cam1", &settings);
    }
    let slow = readers(&bed, 40);
    waits(&porter, 16);
    for name in ["fast", "free"] {
        let callers = readers_of(&bed, name, 3);
        eventually("they are in", || (connected(&callers) == 3).then_some(()));
    }
    assert_eq!(connected(&slow), 0);
    assert_eq!(porter.waiting.load(Ordering::SeqCst), 16);
    let counters = bed.adapter.listener_status("ingest").unwrap().counters;
    assert_eq!(counters["webhook_questions"], 16);
    assert_eq!(counters["webhook_questions_per_webhook_max"], 64);
}

#[test]
fn who_is_banned_while_the_webhook_is_asked_does_not_come_in() {
    let (bed, porter) = slow_bed();
    let callers = readers(&bed, 3);
    waits(&porter, 3);
    let banned = ["127.0.0.1".parse().unwrap()].into_iter().collect();
    bed.runtime.block_on(bed.adapter.set_bans(banned));
    porter.let_go.add_permits(3);
    waits(&porter, 0);
    eventually("they give up", || {
        let ended = |state: &ConnectionState| matches!(state, ConnectionState::Ended(_));
        (counted(&callers, ended) == 3).then_some(())
    });
    assert!(
        callers
            .iter()
            .all(|caller| caller.status().connected_at.is_none())
    );
    assert_eq!(bed.output_status("out").readers, 0);
    assert!(!bed.has_rejections());
}
