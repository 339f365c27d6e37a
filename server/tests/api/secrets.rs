//! Secrets go in and are used; they never come out by accident.

use serde_json::{Value, json};

use crate::{STATION, tidegate};

const LITERAL: &str = "canary-literal-passphrase";
const NAMED: &str = "canary-named-passphrase";

fn passphrase(tidegate: &tidegate_testkit::Tidegate, source: &str) -> Value {
    tidegate
        .http()
        .get(&format!("/api/v1/handout/sources/{source}"))
        .json()["passphrase"]
        .clone()
}

#[test]
fn writing_back_what_was_read_loses_no_secret() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    let _ = tidegate.port("ingest");
    for (source, secret) in [("cam1", NAMED), ("cam2", LITERAL)] {
        let path = format!("/api/v1/sources/{source}");
        let view = http.get(&path).json();
        let answer = http.put(&path, &view["config"]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.json()["revision"],
            view["revision"],
            "nothing changed"
        );
        assert_eq!(passphrase(&tidegate, source), secret);
    }
    assert_eq!(
        tidegate.source("cam1")["config"]["srt"]["passphrase"],
        json!({ "secret": "cam1" })
    );
    assert_eq!(
        tidegate.source("cam2")["config"]["srt"]["passphrase"],
        "•••"
    );

    let config = http.get("/api/v1/config").json();
    let applied = http.post("/api/v1/config", &config);
    assert_eq!(applied.status, 200, "{}", applied.text());
    assert_eq!(applied.json()["revision"], 1);
    assert_eq!(passphrase(&tidegate, "cam2"), LITERAL);
}

#[test]
fn a_secret_is_changed_moved_and_removed() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    let _ = tidegate.port("ingest");
    let put = |passphrase: Value| {
        let srt =
            json!({ "listener": "ingest", "stream_id": "live/cam2", "passphrase": passphrase });
        http.put(
            "/api/v1/sources/cam2",
            &json!({ "name": "cam2", "srt": srt }),
        )
    };
    assert_eq!(put(json!("another-passphrase")).status, 200);
    assert_eq!(passphrase(&tidegate, "cam2"), "another-passphrase");
    assert_eq!(put(json!({ "secret": "cam1" })).status, 200);
    assert_eq!(passphrase(&tidegate, "cam2"), NAMED);
    let problem = put(json!({ "secret": "cam" }));
    assert_eq!(
        (problem.status, &problem.json()["nearest"]),
        (422, &json!("cam1"))
    );
    assert_eq!(
        put(json!({ "secret": "source/cam2/srt/passphrase" })).status,
        422
    );
    let short = put(json!("short"));
    assert_eq!(short.status, 422);
    assert!(short.text().contains("10 to 79"), "{}", short.text());
}

#[test]
fn dots_where_nothing_was_before_are_refused() {
    let tidegate = tidegate(STATION);
    let srt = json!({ "listener": "ingest", "stream_id": "new", "passphrase": "•••" });
    let answer = tidegate
        .http()
        .put("/api/v1/sources/new", &json!({ "name": "new", "srt": srt }));
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["pointer"], "/srt/passphrase");
    assert_eq!(tidegate.http().get("/api/v1/sources/new").status, 404);
}

#[test]
fn no_secret_is_in_any_answer_or_in_the_log() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    let _ = tidegate.port("ingest");
    let mut seen = String::new();
    for path in [
        "/api/v1/sources",
        "/api/v1/sources/cam1",
        "/api/v1/sources/cam2",
        "/api/v1/outputs",
        "/api/v1/listeners",
        "/api/v1/config",
        "/api/v1/config?format=yaml",
        "/api/v1/events",
        "/api/v1/rejections",
        "/api/v1/revisions",
        "/api/v1/system",
        "/api/v1/openapi.json",
        "/metrics",
        "/",
    ] {
        seen += &http.get(path).text();
    }
    // A request that is refused must not be repeated in the answer or the log either.
    let srt = json!({ "listener": "x", "passphrase": "canary-refused-passphrase" });
    seen += &http
        .put("/api/v1/sources/x", &json!({ "name": "x", "srt": srt }))
        .text();
    // Nor one that lacks its quotes, or hides in an address that cannot be read.
    let srt = json!({ "listener": "x", "passphrase": 555_000_111_222_333_u64 });
    seen += &http
        .put("/api/v1/sources/x", &json!({ "name": "x", "srt": srt }))
        .text();
    let srt = json!({ "call": "srt://host:port?passphrase=canary-in-an-address" });
    seen += &http
        .put("/api/v1/sources/x", &json!({ "name": "x", "srt": srt }))
        .text();
    let wrong = json!({ "user": "admin", "password": "canary-wrong-password" });
    seen += &http.post("/api/v1/session", &wrong).text();
    passphrase(&tidegate, "cam1");
    seen += &tidegate.output();
    for secret in [
        "canary",
        "555000111222333",
        tidegate.token(),
        "correct horse battery staple",
    ] {
        let at = seen
            .find(secret)
            .map(|at| &seen[at.saturating_sub(200)..(at + 50).min(seen.len())]);
        assert_eq!(at, None, "{secret} was shown");
    }
}

#[test]
fn showing_a_secret_again_is_in_the_journal() {
    let tidegate = tidegate(STATION);
    let _ = tidegate.port("ingest");
    assert_eq!(passphrase(&tidegate, "cam1"), NAMED);
    tidegate_testkit::eventually("the audit event", || {
        let events = tidegate.http().get("/api/v1/events?kind=audit").json();
        let event = &events[0];
        (event["subject"]["name"] == "cam1" && event["by"] == "api-token").then_some(())
    });
}

/// Sources with several passphrases, with users, and on a listener that has some.
const MANY: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", users: { carol: "canary-of-carol" } } }
sources:
  - { name: rotated, srt: { listener: ingest, stream_id: a, passphrases: { y25: "canary-of-2025", y26: "canary-of-2026" } } }
  - { name: users, srt: { listener: ingest, stream_id: "b,%", users: { alice: "canary-of-alice", bob: { new: "canary-new-of-bob", old: "canary-old-of-bob" } } } }
  - { name: listeners, srt: { listener: ingest, stream_id: c } }
outputs:
  - { name: watch, source: users, srt: { listener: ingest, stream_id: d, users: { alice: "canary-of-reading-alice" } } }
"#;

#[test]
fn a_handout_is_for_whom_it_was_asked_and_says_which_passphrase_it_shows() {
    let tidegate = tidegate(MANY);
    let _ = tidegate.port("ingest");
    let get = |of: &str| tidegate.http().get(&format!("/api/v1/handout/{of}"));
    for (of, stream_id, used, passphrase) in [
        ("sources/rotated", "a", "passphrases/y25", "canary-of-2025"),
        (
            "sources/rotated?passphrase=y26",
            "a",
            "passphrases/y26",
            "canary-of-2026",
        ),
        (
            "sources/users?user=alice",
            "#!::r=b%2C%25,m=publish,u=alice",
            "users/alice",
            "canary-of-alice",
        ),
        (
            "sources/users?user=bob&passphrase=old",
            "#!::r=b%2C%25,m=publish,u=bob",
            "users/bob/old",
            "canary-old-of-bob",
        ),
        (
            "sources/listeners?user=carol",
            "#!::r=c,m=publish,u=carol",
            "listener/users/carol",
            "canary-of-carol",
        ),
        (
            "outputs/watch?user=alice",
            "#!::r=d,m=request,u=alice",
            "users/alice",
            "canary-of-reading-alice",
        ),
    ] {
        let handout = get(of).json();
        assert_eq!(handout["stream_id"], stream_id, "{of}: {handout}");
        assert_eq!(handout["passphrase_used"], used, "{of}: {handout}");
        assert_eq!(handout["passphrase"], passphrase, "{of}: {handout}");
    }
    for (of, status, says) in [
        ("sources/users", 409, "?user=NAME: alice, bob."),
        ("sources/users?user=carol", 404, "alice, bob"),
        ("sources/rotated?passphrase=y27", 404, "y25, y26"),
        ("sources/rotated?label=y26", 400, "label"),
        ("sources/none?user=alice", 404, "none"),
    ] {
        let answer = get(of);
        assert_eq!(answer.status, status, "{of}: {}", answer.text());
        assert!(answer.text().contains(says), "{of}: {}", answer.text());
        assert!(!answer.text().contains("canary"), "{of}");
    }
}

const CIPHERS: &str = r#"
listeners:
  - { name: plain, srt: { bind: "127.0.0.1:0" } }
  - { name: gcm, srt: { bind: "127.0.0.1:0", cipher: gcm } }
sources:
  - { name: any, srt: { listener: plain, stream_id: a, passphrase: "canary-of-ciphers" } }
  - { name: own, srt: { listener: plain, stream_id: b, passphrase: "canary-of-ciphers", cipher: gcm } }
  - { name: listeners, srt: { listener: gcm, stream_id: c, passphrase: "canary-of-ciphers" } }
  - { name: ctr, srt: { listener: gcm, stream_id: d, passphrase: "canary-of-ciphers", cipher: ctr } }
  - { name: clear, srt: { listener: gcm, stream_id: e } }
"#;

#[test]
fn a_handout_asks_for_the_cipher_that_callers_must_have() {
    let tidegate = tidegate(CIPHERS);
    let _ = tidegate.port("gcm");
    for (source, needs_gcm) in [
        ("any", false),
        ("own", true),
        ("listeners", true),
        ("ctr", false),
        ("clear", false),
    ] {
        let path = format!("/api/v1/handout/sources/{source}");
        let handout = tidegate.http().get(&path).json();
        for tool in ["obs", "ffmpeg", "gstreamer", "vmix"] {
            assert_eq!(handout[tool].is_null(), needs_gcm, "{source}: {handout}");
        }
        for tool in ["url", "srt_live_transmit"] {
            let line = handout[tool].as_str().unwrap();
            assert_eq!(line.contains("cryptomode=2"), needs_gcm, "{source}: {line}");
        }
    }
}

const OTHERS: &str = r#"
public_host: live.example.net
listeners:
  - { name: phones, rtmp: { bind: "127.0.0.1:0" } }
  - { name: players, rtsp: { bind: "127.0.0.1:0" } }
sources:
  - { name: phone, rtmp: { listener: phones, key: canary-stream-key } }
  - { name: odd, rtmp: { listener: phones, app: a/b, key: "canary/of'odd=" } }
  - { name: bars, file: { path: bars.ts } }
outputs:
  - { name: open, source: phone, rtsp: { path: live/open } }
  - { name: closed, source: phone, rtsp: { path: closed, username: desk, password: "canary @desk" } }
"#;

#[test]
fn an_rtmp_source_hands_out_what_encoders_have_fields_for() {
    let tidegate = tidegate(OTHERS);
    let port = tidegate.port("phones");
    let get = |of: &str| tidegate.http().get(&format!("/api/v1/handout/{of}"));
    let handout = get("sources/phone").json();
    let server = format!("rtmp://live.example.net:{port}/live");
    assert_eq!(handout["url"], server);
    let obs = json!({ "server": server, "stream_key": "canary-stream-key" });
    assert_eq!(handout["obs"], obs);
    assert_eq!(handout["vmix"]["stream_name_or_key"], "canary-stream-key");
    let whole = format!("{server}/canary-stream-key");
    assert_eq!(handout["larix"]["url"], whole);
    let link = handout["larix"]["link"].as_str().unwrap();
    let encoded = format!("%3A{port}%2Flive%2Fcanary-stream-key&conn[][name]=phone");
    assert!(link.ends_with(&encoded), "{link}");
    let line = handout["ffmpeg"].as_str().unwrap();
    assert!(line.ends_with(&format!("-f flv '{whole}'")), "{line}");

    let odd = get("sources/odd").json();
    assert_eq!(
        odd["obs"]["server"],
        format!("rtmp://live.example.net:{port}/a/b")
    );
    assert!(odd["larix"].is_null(), "{odd}");
    tidegate_testkit::eventually("the journal says who saw it", || {
        let journal = tidegate.http().get("/api/v1/events?limit=50").text();
        assert!(!journal.contains("canary"), "{journal}");
        journal.contains("saw its secret (key)").then_some(())
    });
    for (of, status) in [("sources/phone?user=alice", 404), ("sources/bars", 409)] {
        let answer = get(of);
        assert_eq!(answer.status, status, "{of}: {}", answer.text());
        assert!(!answer.text().contains("canary"), "{of}");
    }
}

#[test]
fn an_rtsp_output_hands_out_an_address_to_play() {
    let tidegate = tidegate(OTHERS);
    let port = tidegate.port("players");
    let get = |of: &str| tidegate.http().get(&format!("/api/v1/handout/{of}")).json();
    let open = get("outputs/open");
    assert_eq!(
        open["url"],
        format!("rtsp://live.example.net:{port}/live/open")
    );
    assert!(open["password"].is_null(), "{open}");
    let closed = get("outputs/closed");
    let url = format!("rtsp://desk:canary%20%40desk@live.example.net:{port}/closed");
    assert_eq!((&closed["url"], &closed["vlc"]), (&json!(url), &json!(url)));
    let line = closed["ffmpeg"].as_str().unwrap();
    assert!(line.ends_with(&format!("'{url}'")), "{line}");
    assert_eq!(closed["password"], "canary @desk");
}
