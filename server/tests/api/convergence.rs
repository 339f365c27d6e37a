//! The engine follows the desired state, also after something could not be done.

use std::net::UdpSocket;
use std::process::Command;

use serde_json::{Value, json};
use tidegate_testkit::eventually;

use crate::{PROGRAM, tidegate};

#[test]
fn a_listener_that_could_not_move_is_closed_when_it_is_deleted() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tidegate = tidegate("");
    let http = tidegate.http();
    let put = |bind: &str| {
        let body = json!({ "name": "ingest", "srt": { "bind": bind } });
        let answer = http.put("/api/v1/listeners/ingest", &body);
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    };
    put("127.0.0.1:0");
    let port = tidegate.port("ingest");
    put(&taken.local_addr().unwrap().to_string());
    eventually("the listener says why it cannot move", || {
        let view = http.get("/api/v1/listeners/ingest").json();
        view["error"].is_object().then_some(())
    });
    assert!(UdpSocket::bind(("127.0.0.1", port)).is_err(), "still open");
    let told = |kind: &str| {
        eventually(&format!("{kind} about the listener"), || {
            let events = http.get(&format!("/api/v1/events?kind={kind}")).json();
            let about = |event: &&Value| event["subject"]["name"] == "ingest";
            events.as_array()?.iter().find(about).map(|_| ())
        });
    };
    told("alarm_raised");

    assert_eq!(http.delete("/api/v1/listeners/ingest").status, 204);
    eventually("the port is free again", || {
        UdpSocket::bind(("127.0.0.1", port)).ok()
    });
    told("alarm_cleared");
}

#[test]
fn a_source_whose_listener_cannot_open_says_so() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tidegate = tidegate(&format!(
        "listeners: [{{ name: ingest, srt: {{ bind: \"{}\" }} }}]\n\
         sources: [{{ name: cam1, srt: {{ listener: ingest, stream_id: cam1 }} }}]\n",
        taken.local_addr().unwrap()
    ));
    let port = taken.local_addr().unwrap().port().to_string();
    tidegate.source_becomes("cam1", "has failed, and names the port", |view| {
        let error = view["error"]["message"].as_str();
        view["state"] == "failed" && error.is_some_and(|text| text.contains(&port))
    });
    drop(taken);
    tidegate.source_becomes("cam1", "waits for its sender", |view| {
        view["state"] == "waiting" && view["error"].is_null()
    });
}

#[test]
fn an_error_goes_when_its_cause_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "a secret from a file\n").unwrap();
    let tidegate = tidegate(&format!(
        r#"
listeners:
  - {{ name: ingest, srt: {{ bind: "127.0.0.1:0" }} }}
sources:
  - {{ name: cam1, srt: {{ listener: ingest, stream_id: cam1, passphrase: {{ secret: cam1 }} }} }}
secrets:
  cam1: {{ file: "{}" }}
"#,
        file.display()
    ));
    let http = tidegate.http();
    let change = |name: &str| {
        let body = json!({ "name": name, "source": "cam1", "udp": { "to": "127.0.0.1:9" } });
        assert_eq!(
            http.put(&format!("/api/v1/outputs/{name}"), &body).status,
            201
        );
    };
    std::fs::remove_file(&file).unwrap();
    change("one");
    let view = tidegate.source_becomes("cam1", "says that its secret is missing", |view| {
        view["error"].is_object()
    });
    assert_eq!(view["connection"], "disconnected", "it goes on as it was");
    std::fs::write(&file, "a secret from a file\n").unwrap();
    let view = tidegate.source_becomes("cam1", "is well again", |view| view["error"].is_null());
    assert_eq!(view["last_error"], Value::Null);
}

#[test]
fn why_it_cannot_start_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.yaml");
    std::fs::write(&file, "souces: []\n").unwrap();
    let output = Command::new(PROGRAM)
        .arg("serve")
        .arg("--config")
        .arg(&file)
        .arg("--data")
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("souces").count(), 1, "{said}");
}

#[test]
fn an_event_is_one_readable_line_of_the_log() {
    let tidegate = tidegate("");
    let body = json!({ "name": "ingest", "srt": { "bind": "127.0.0.1:0" } });
    tidegate.http().put("/api/v1/listeners/ingest", &body);
    let line = eventually("the change is in the log", || {
        let output = tidegate.output();
        let line = output.lines().find(|line| line.contains("ingest added"))?;
        Some(line.to_owned())
    });
    let said = "configuration changed by api-token: listener ingest added (revision 2)";
    assert!(line.ends_with(said), "{line}");
    assert!(!line.contains('{'), "{line}");
}

#[test]
fn a_change_that_waits_for_the_next_start_stands_in_alarm() {
    let tidegate = tidegate("");
    let http = tidegate.http();
    let before = http.get("/api/v1/config").json();
    let mut changed = before.clone();
    changed["http"]["bind"] = json!("127.0.0.1:1");
    for (document, kind) in [(changed, "alarm_raised"), (before, "alarm_cleared")] {
        assert_eq!(http.post("/api/v1/config", &document).status, 200);
        eventually(kind, || {
            let events = http.get(&format!("/api/v1/events?kind={kind}&limit=1"));
            (events.json()[0]["code"] == "restart_needed").then_some(())
        });
    }
}
