//! What scripts are answered that command a switch, while no camera sends anything.

use serde_json::{Value, json};
use tidegate_testkit::{Tidegate, eventually};

use crate::client::{Answer, send};
use crate::tidegate;

const PROGRAM: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", latency: 200ms } }
sources:
  - { name: main, srt: { listener: ingest, stream_id: live/main } }
  - { name: backup, srt: { listener: ingest, stream_id: live/backup } }
  - { name: program, switch: { inputs: [main, backup], slate: soon.png } }
"#;

fn post(tidegate: &Tidegate, path: &str, body: &str) -> Answer {
    let token = format!("Bearer {}", tidegate.token());
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    let path = format!("/api/v1/{path}");
    send(tidegate.http().base(), "POST", &path, &headers, Some(body))
}

fn running(config: &str) -> Tidegate {
    let tidegate = tidegate(config);
    let has_status = || tidegate.source("program")["switch"]["inputs"].is_array();
    eventually("the switch runs", || has_status().then_some(()));
    tidegate
}

/// The problem that a command leads to: its status, name, and what it says; it always advises.
#[track_caller]
fn refused(tidegate: &Tidegate, path: &str, body: &str) -> (u16, String, Value) {
    let answer = post(tidegate, path, body);
    let said = (answer.header("content-type"), &answer.text);
    assert_eq!(said.0, "application/problem+json", "{}", said.1);
    let problem = answer.json();
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
    assert!(!problem["advice"].as_str().unwrap().is_empty(), "{problem}");
    let kind = problem["type"].as_str().unwrap();
    let kind = kind.strip_prefix("urn:tidegate:problem:").unwrap();
    (answer.status, kind.to_owned(), problem.clone())
}

#[test]
fn a_command_is_answered_with_what_the_source_has_in_switch() {
    let tidegate = running(PROGRAM);
    let answer = post(&tidegate, "sources/program/hold", r#"{"on": true}"#);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["held"], true);
    let fields = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let shown = tidegate.source("program");
    assert_eq!(fields(&answer.json()), fields(&shown["switch"]));
}

#[test]
fn the_status_has_the_fields_that_the_api_describes() {
    let tidegate = running(PROGRAM);
    let document = tidegate.http().get("/api/v1/openapi.json").json();
    let described = |name: &str| {
        let schema = &document["components"]["schemas"][name]["properties"];
        let fields = schema.as_object().unwrap().keys().cloned();
        fields.collect::<std::collections::BTreeSet<_>>()
    };
    let has = |value: &Value| {
        let fields = value.as_object().unwrap().keys().cloned();
        fields.collect::<std::collections::BTreeSet<_>>()
    };
    let switch = &tidegate.source("program")["switch"];
    assert_eq!(has(switch), described("SwitchView"));
    assert_eq!(has(&switch["inputs"][0]), described("InputView"));
    assert_eq!(has(&switch["standby"][0]), described("StandbyView"));
    let reason = &switch["standby"][0]["reasons"][0];
    assert_eq!(has(reason), described("InputReasonView"));
    assert_eq!(has(&switch["slate"]), described("SlateView"));
}

#[test]
fn what_is_misspelt_in_an_address_is_answered_with_what_was_meant() {
    let tidegate = running(PROGRAM);
    let (status, kind, problem) = refused(&tidegate, "sources/progam/take", "");
    assert_eq!((status, kind.as_str()), (404, "not_found"));
    assert_eq!(problem["nearest"], "program");
    assert_eq!(problem["advice"], "Did you mean \"program\"?");

    let (status, kind, problem) = refused(&tidegate, "sources/program/tkae", "");
    assert_eq!((status, kind.as_str()), (404, "not_found"));
    assert_eq!(problem["nearest"], "/api/v1/sources/program/take");
    let (_, _, problem) = refused(&tidegate, "sources/program/explode", "");
    let advice = problem["advice"].as_str().unwrap();
    assert!(
        advice.contains("take") && advice.contains("unlock"),
        "{advice}"
    );

    let (status, kind, problem) = refused(&tidegate, "sources/main/take", "");
    assert_eq!((status, kind.as_str()), (404, "no_switch"));
    assert_eq!(problem["advice"], "There are program.");
    let (status, kind, problem) = refused(&tidegate, "sources/program/take", r#"{"input":"mian"}"#);
    assert_eq!((status, kind.as_str()), (404, "unknown_input"));
    assert_eq!(problem["nearest"], "main");
}

#[test]
fn every_refusal_is_json_whatever_was_asked() {
    let tidegate = running(PROGRAM);
    let base = tidegate.http().base();
    let token = format!("Bearer {}", tidegate.token());
    let authorization = ("authorization", token.as_str());
    for (method, path, status) in [
        ("GET", "/api/v1/sources/program/take", 405),
        ("PATCH", "/api/v1/sources/program", 405),
        ("POST", "/api/v1/nothing", 404),
        ("DELETE", "/api", 404),
        ("POST", "/api/v1/sources/%FF/take", 400),
        ("GET", "/api/v1/sources/%FF", 400),
        ("POST", "/", 405),
    ] {
        let answer = send(base, method, path, &[authorization], None);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let kind = answer.header("content-type");
        assert_eq!(kind, "application/problem+json", "{method} {path}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{method} {path}");
        assert!(problem["detail"].is_string(), "{method} {path}: {problem}");
        assert!(problem["advice"].is_string(), "{method} {path}: {problem}");
    }
}

#[test]
fn a_body_that_says_nothing_is_answered_with_one_that_does() {
    let tidegate = running(PROGRAM);
    for body in ["foo", "\"backup\"", "{", r#"{"input": 2}"#, "5"] {
        let (status, kind, problem) = refused(&tidegate, "sources/program/take", body);
        assert_eq!((status, kind.as_str()), (422, "invalid"), "{body}");
        let advice = problem["advice"].as_str().unwrap();
        assert!(
            advice.contains(r#"{"input": "cam1-backup"}"#),
            "{body}: {advice}"
        );
        assert!(
            !problem["detail"].as_str().unwrap().contains("struct"),
            "{problem}"
        );
    }
    let (_, _, problem) = refused(&tidegate, "sources/program/take", r#"{"inptu": "main"}"#);
    assert_eq!(problem["nearest"], "input");
    let (_, _, problem) = refused(&tidegate, "sources/program/hold", "on");
    assert!(
        problem["advice"]
            .as_str()
            .unwrap()
            .contains(r#"{"on": true}"#)
    );

    let at = json!({ "name": "later", "switch": {
        "inputs": ["main"], "schedule": [{ "at": "tomorrow", "take": "main" }] } });
    let (status, _, problem) = refused(&tidegate, "sources", &at.to_string());
    assert_eq!(
        (status, &problem["detail"]),
        (422, &json!("This is no point in time."))
    );
    let advice = problem["advice"].as_str().unwrap();
    assert!(advice.contains("2026-11-22T20:00:00Z"), "{advice}");
}

#[test]
fn a_slate_that_cannot_be_taken_is_answered_with_the_reason() {
    let tidegate = running(PROGRAM);
    let slate = r#"{"input": "slate"}"#;
    let (status, kind, problem) = refused(&tidegate, "sources/program/take", slate);
    assert_eq!((status, kind.as_str()), (409, "no_slate"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("not made yet") && detail.contains("no input has been on air"));

    let without = PROGRAM.replace(", slate: soon.png", "");
    let tidegate = running(&without);
    let (_, kind, problem) = refused(&tidegate, "sources/program/take", slate);
    assert_eq!(kind, "no_slate");
    assert_eq!(problem["detail"], "The switch has no slate.");
    assert!(
        problem["advice"]
            .as_str()
            .unwrap()
            .contains("slate: soon.png")
    );
}
