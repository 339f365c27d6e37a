//! Who may come in besides having the passphrase: webhooks, addresses, keys, room, bans.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Bed, PASSPHRASE, Receiving, refused};
use tidegate_adapter_srt::{Answer, Doorman, NoAnswer, Question, Webhook};
use tidegate_engine::BoxFuture;
use tidegate_testkit::{eventually, media, peers};
use tidegate_units::NetworkSet;

const NOBODY_ASKED: &str = "http://192.0.2.1/nobody-connects-here";

/// Answers as the stream's name says, after a while, and remembers what it was asked.
#[derive(Default)]
struct Porter {
    pause: Duration,
    asked: Mutex<Vec<Question>>,
}

impl Doorman for Porter {
    fn ask<'a>(
        &'a self,
        webhook: &'a Webhook,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>> {
        assert_eq!(webhook.url, NOBODY_ASKED);
        Box::pin(async move {
            self.asked.lock().unwrap().push(question.clone());
            tokio::time::sleep(self.pause).await;
            match question.name.as_str() {
                "unlucky" => Ok(Answer {
                    allow: false,
                    reason: Some("not today".into()),
                }),
                "lost" | "lenient" => Err(NoAnswer {
                    message: "the webhook is down".into(),
                    advice: "start it".into(),
                }),
                _ => Ok(Answer {
                    allow: true,
                    reason: None,
                }),
            }
        })
    }
}

fn porter(bed: &Bed, pause: Duration) -> Arc<Porter> {
    let porter = Arc::new(Porter {
        pause,
        ..Porter::default()
    });
    let doorman = Arc::clone(&porter) as Arc<dyn Doorman>;
    drop(bed.adapter.clone().with_doorman(doorman));
    porter
}

/// A source with a passphrase and these settings besides.
fn source(bed: &Bed, name: &str, more: &str) {
    let settings = format!(
        r#"{{ "listener": "ingest", "stream_id": "{name}", "passphrase": "{PASSPHRASE}" {more} }}"#
    );
    bed.source(name, &settings);
}

fn webhook(more: &str) -> String {
    format!(r#", "webhook": {{ "url": "{NOBODY_ASKED}" {more} }}"#)
}

fn right(stream_id: &str) -> String {
    format!("streamid={stream_id}&passphrase={PASSPHRASE}")
}

#[test]
fn a_webhook_that_takes_two_seconds_lets_in_and_no_other_stream_notices() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let porter = porter(&bed, Duration::from_secs(2));
    source(&bed, "asked", &webhook(""));
    source(&bed, "quiet", "");
    let (asked, quiet) = (bed.gather("asked"), bed.gather("quiet"));
    let sent = media::numbered_ts(7 * 4000);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| bed.publish("quiet", &right("quiet"), &sent));
        eventually("the other stream runs", || {
            (quiet.len() > 100_000).then_some(())
        });
        let began = Instant::now();
        let stream_id = "#!::r=asked,u=alice,h=ex.org,s=one-shot,m=publish,company_x=7";
        let _sender = bed.publish("asked", &right(stream_id), &sent[..188 * 700]);
        assert!(began.elapsed() >= Duration::from_secs(2));
        asked.assert_carried(&sent[..188 * 700]);
        let caller = eventually("the status shows the caller", || {
            let status = serde_json::to_value(bed.source_status("asked")).ok()?;
            status["srt"].get("caller").cloned()
        });
        assert_eq!(caller["user"], "alice", "{caller}");
        assert_eq!(caller["session"], "one-shot");
        assert_eq!(caller["keys"]["company_x"], "7");
        let _sender = other.join().unwrap();
        quiet.assert_carried(&sent);
    });
    let questions = porter.asked.lock().unwrap();
    let [question] = &questions[..] else {
        panic!("asked {} times", questions.len());
    };
    let asked = serde_json::to_value(question).unwrap();
    assert_eq!(asked["listener"], "ingest");
    assert_eq!(asked["mode"], "publish");
    assert_eq!(asked["name"], "asked");
    assert_eq!(asked["resource"], "asked");
    assert_eq!(asked["user"], "alice");
    assert_eq!(asked["host"], "ex.org");
    assert_eq!(asked["keys"]["company_x"], "7");
    assert_eq!(asked["encrypted"], true);
    assert!(asked["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(!asked.to_string().contains(PASSPHRASE));
    assert!(!bed.has_rejections());
}

#[test]
fn the_journal_says_what_the_webhook_said_and_strangers_hear_nothing_of_it() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let porter = porter(&bed, Duration::ZERO);
    for name in ["unlucky", "lost", "lucky"] {
        source(&bed, name, &webhook(""));
    }
    source(&bed, "lenient", &webhook(r#", "on_failure": "allow""#));
    let unknown = refused(&bed, "unknown", &right("nothing"));
    let denied = refused(&bed, "denied", &right("unlucky"));
    let rejection = bed.rejection("unlucky");
    assert_eq!(rejection.reason, "forbidden");
    assert!(rejection.received.unwrap().contains("not today"));
    let unanswered = refused(&bed, "unanswered", &right("lost"));
    let rejection = bed.rejection("lost");
    assert_eq!(rejection.reason, "webhook_failed");
    assert_eq!(rejection.received.as_deref(), Some("the webhook is down"));
    assert_eq!(rejection.advice, "start it");
    assert_eq!(denied, unknown);
    assert_eq!(unanswered, unknown);
    let asked = porter.asked.lock().unwrap().len();
    let wrong = refused(&bed, "wrong", "streamid=lucky&passphrase=not the right one");
    assert_eq!(wrong, unknown);
    assert_eq!(bed.rejection("lucky").reason, "wrong_passphrase");
    assert_eq!(
        porter.asked.lock().unwrap().len(),
        asked,
        "strangers cannot make us call out"
    );
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("lenient");
    let _sender = bed.publish("lenient", &right("lenient"), &sent);
    gathered.assert_carried(&sent);
}

#[test]
fn a_webhook_of_the_listener_is_asked_unless_the_stream_has_its_own() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let listener = format!(
        r#"{{ "bind": "127.0.0.1:0" {} }}"#,
        webhook(r#", "timeout": "5s", "secret": "a secret to sign with""#)
    );
    let bed = Bed::with_listener(&listener);
    let porter = porter(&bed, Duration::ZERO);
    source(&bed, "cam1", "");
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("cam1");
    let _sender = bed.publish("cam1", &right("cam1"), &sent);
    gathered.assert_carried(&sent);
    assert_eq!(porter.asked.lock().unwrap().len(), 1);
}

#[test]
fn addresses_and_keys_that_do_not_fit_are_refused_with_the_rule_in_the_journal() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    source(
        &bed,
        "near",
        r#", "allow": ["127.0.0.0/8", "2001:db8::/32"]"#,
    );
    source(&bed, "far", r#", "allow": ["192.0.2.0/24"]"#);
    let unknown = refused(&bed, "unknown", &right("nothing"));
    let told = refused(&bed, "far", &right("far"));
    let rejection = bed.rejection("far");
    assert_eq!(told, unknown);
    assert_eq!(rejection.reason, "address_not_allowed");
    assert_eq!(
        rejection.expected.as_deref(),
        Some("an address that source far allows: 192.0.2.0/24")
    );
    let cases = [
        (
            "#!::r=near,t=file,m=publish",
            "unsupported_type",
            "no files",
        ),
        ("#!::r=near,t=auth", "unsupported_type", "t=stream"),
        ("#!::r=near,m=bidirectional", "wrong_mode", "one way"),
        ("#!::r=near,m=sideways", "wrong_mode", "m=publish"),
    ];
    for (index, (stream_id, reason, advice)) in cases.into_iter().enumerate() {
        let told = refused(&bed, &format!("odd{index}"), &right(stream_id));
        assert_eq!(told, unknown, "{stream_id}");
        let rejection = bed.rejection(stream_id);
        assert_eq!(rejection.reason, reason);
        assert!(rejection.advice.contains(advice), "{}", rejection.advice);
    }
    let sent = media::numbered_ts(7 * 100);
    let gathered = bed.gather("near");
    let _sender = bed.publish("near", &right("#!:{r=near,m=Publish,t=Stream}"), &sent);
    gathered.assert_carried(&sent);
}

#[test]
fn a_listener_that_allows_other_networks_refuses_everybody_here() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::with_listener(
        r#"{ "bind": "127.0.0.1:0", "allow": ["2001:db8::/32"], "reject_detail": true }"#,
    );
    source(&bed, "cam1", "");
    refused(&bed, "caller", &right("cam1"));
    let rejection = bed.rejection("cam1");
    assert_eq!(rejection.reason, "address_not_allowed");
    assert!(
        rejection.advice.contains("127.0.0.1"),
        "{}",
        rejection.advice
    );
}

#[test]
fn a_full_output_refuses_the_next_reader_and_the_status_shows_why() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    source(&bed, "cam1", "");
    bed.output(
        "out",
        "cam1",
        r#"{ "listener": "ingest", "stream_id": "out", "open": true, "max_readers": 1 }"#,
    );
    let readers = || bed.output_status("out").readers;
    let first = Receiving::start("first", &bed.url("streamid=out"), bed.folder());
    eventually("the first reads", || (readers() == 1).then_some(()));
    refused(&bed, "second", "streamid=out");
    let rejection = bed.rejection("out");
    assert_eq!(rejection.reason, "overloaded");
    assert_eq!(
        rejection.expected.as_deref(),
        Some("at most 1 readers of output out")
    );
    let status = serde_json::to_value(bed.output_status("out")).unwrap();
    let srt = &status["detail"]["srt"];
    assert_eq!(srt["max_readers"], 1, "{status}");
    let refused = || {
        let status = serde_json::to_value(bed.output_status("out")).unwrap();
        status["detail"]["srt"]["refused_max_readers"].as_u64()
    };
    eventually("it counts who found no place", || {
        (refused() >= Some(1)).then_some(())
    });
    drop(first);
    eventually("its place is free", || (readers() == 0).then_some(()));
    let _next = Receiving::start("next", &bed.url("streamid=out"), bed.folder());
    eventually("the next reads", || (readers() == 1).then_some(()));
}

#[test]
fn one_address_does_not_take_all_the_connections_of_a_listener() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::with_listener(r#"{ "bind": "127.0.0.1:0", "max_connections_per_address": 1 }"#);
    source(&bed, "cam1", "");
    source(&bed, "cam2", "");
    let sent = media::numbered_ts(7 * 100);
    let sender = bed.publish("cam1", &right("cam1"), &sent);
    refused(&bed, "second", &right("cam2"));
    let rejection = bed.rejection("cam2");
    assert_eq!(rejection.reason, "overloaded");
    assert!(rejection.advice.contains("max_connections_per_address"));
    let counters = || {
        use tidegate_engine::ListenerAdapter;
        bed.adapter.listener_status("ingest").unwrap().counters
    };
    assert_eq!(counters()["connections_admitted"], 1);
    assert_eq!(counters()["connections_per_address_max"], 1);
    assert!(counters()["refused_max_connections_per_address"].as_u64() >= Some(1));
    assert_eq!(counters()["refused_max_connections"], 0);
    drop(sender);
    eventually("the place is free", || {
        (counters()["connections_admitted"] == 0).then_some(())
    });
}

#[test]
fn who_is_banned_is_sent_away_and_then_hears_nothing() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = Bed::new();
    source(&bed, "cam1", "");
    let url = bed.url(&right("cam1"));
    let mut encoder = peers::test_picture("encoder", &url, bed.folder());
    bed.wait_connected("cam1");
    let ban = |networks: &[&str]| {
        let set: NetworkSet = networks.iter().map(|text| text.parse().unwrap()).collect();
        bed.runtime.block_on(bed.adapter.set_bans(set));
    };
    ban(&["127.0.0.1", "2001:db8::/32"]);
    eventually("it is sent away", || encoder.ended());
    eventually("the source is free", || {
        (!bed.is_connected("cam1")).then_some(())
    });
    let banned = || {
        use tidegate_engine::ListenerAdapter;
        bed.adapter.listener_status("ingest").unwrap().counters["banned"].as_u64()
    };
    let before = banned();
    let mut again = peers::test_picture("again", &url, bed.folder());
    eventually("it is ignored", || (banned() > before).then_some(()));
    eventually("it gives up", || again.ended());
    assert!(!bed.is_connected("cam1") && !bed.has_rejections());
    ban(&[]);
    let _welcome = peers::test_picture("welcome", &url, bed.folder());
    bed.wait_connected("cam1");
}
