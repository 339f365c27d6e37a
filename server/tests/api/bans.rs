//! Bans by API: made, listed, kept over a restart, over in time, lifted.

use serde_json::{Value, json};
use tidegate_testkit::{Tidegate, eventually};

use crate::{STATION, tidegate};

fn bans(tidegate: &Tidegate) -> Vec<Value> {
    let list = tidegate.http().get("/api/v1/bans").json();
    list.as_array().unwrap().clone()
}

#[track_caller]
fn is_journalled(tidegate: &Tidegate, action: &str) {
    eventually("the journal says who did what", || {
        let events = tidegate.http().get("/api/v1/events?kind=audit").text();
        events.contains(action).then_some(())
    });
}

#[test]
fn a_ban_is_made_kept_over_a_kill_and_lifted() {
    let mut tidegate = tidegate(STATION);
    let body = json!({ "address": "192.0.2.0/24", "reason": "guesses passphrases" });
    let made = tidegate.http().post("/api/v1/bans", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["address"], "192.0.2.0/24");
    assert_eq!(made["by"], "api-token");
    assert!(made.get("until").is_none(), "{made}");
    is_journalled(
        &tidegate,
        "banned 192.0.2.0/24 for good: guesses passphrases",
    );
    tidegate.process().kill();
    tidegate.restart();
    assert_eq!(bans(&tidegate), std::slice::from_ref(&made));
    let metrics = tidegate.http().get("/metrics").text();
    assert!(metrics.contains("tidegate_bans 1"), "{metrics}");
    let path = format!("/api/v1/bans/{}", made["id"]);
    assert_eq!(tidegate.http().delete(&path).status, 204);
    assert!(bans(&tidegate).is_empty());
    assert_eq!(tidegate.http().delete(&path).status, 404);
    is_journalled(&tidegate, "lifted the ban of 192.0.2.0/24");
}

#[test]
fn a_ban_ends_when_its_time_is_over() {
    let tidegate = tidegate(STATION);
    let body = json!({ "address": "2001:db8::7", "duration": "1s" });
    assert_eq!(tidegate.http().post("/api/v1/bans", &body).status, 201);
    eventually("the ban is over", || {
        bans(&tidegate).is_empty().then_some(())
    });
    eventually("the journal says so", || {
        let events = tidegate.http().get("/api/v1/events?kind=notice").text();
        events
            .contains("the ban of 2001:db8::7 is over")
            .then_some(())
    });
}

#[test]
fn banning_the_same_again_replaces_the_ban() {
    let tidegate = tidegate(STATION);
    for until in ["2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z"] {
        let body = json!({ "address": "::ffff:192.0.2.9", "until": until });
        assert_eq!(tidegate.http().post("/api/v1/bans", &body).status, 201);
    }
    let [ban] = &bans(&tidegate)[..] else {
        panic!("not one ban");
    };
    assert_eq!(ban["address"], "192.0.2.9");
    assert_eq!(ban["until"], "2091-01-01T00:00:00.000Z");
}

#[test]
fn what_is_no_ban_is_refused_with_the_place_of_the_mistake() {
    let tidegate = tidegate(STATION);
    let cases = [
        (json!({ "address": "0.0.0.0/0" }), "everybody"),
        (json!({ "address": "192.0.2.9/24" }), "192.0.2.0/24"),
        (json!({ "address": "next door" }), "not an IP address"),
        (
            json!({ "address": "192.0.2.9", "until": "2001-01-01T00:00:00Z" }),
            "already",
        ),
        (
            json!({ "address": "192.0.2.9", "until": "tomorrow" }),
            "RFC 3339",
        ),
        (
            json!({ "address": "192.0.2.9", "until": "2090-01-01T00:00:00Z", "duration": "1h" }),
            "Both",
        ),
        (
            json!({ "address": "192.0.2.9", "reason": "x".repeat(201) }),
            "longer",
        ),
        (json!({ "adress": "192.0.2.9" }), "adress"),
        (
            json!({ "address": "192.0.2.9", "duration": "0s" }),
            "/duration",
        ),
        (
            json!({ "address": "192.0.2.9", "duration": "300000000years" }),
            "9999",
        ),
        (
            json!({ "address": "192.0.2.9", "duration": "-1h" }),
            "with its unit",
        ),
        (json!({ "address": "" }), "not an IP address"),
        (json!({ "address": "192.0.2.9/33" }), "number of bits"),
        (json!({ "address": 7 }), "address"),
    ];
    for (body, says) in cases {
        let answer = tidegate.http().post("/api/v1/bans", &body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert!(answer.text().contains(says), "{body}: {}", answer.text());
    }
    assert!(bans(&tidegate).is_empty());
}
