//! What survives: restarts, kills, files that changed meanwhile.

use serde_json::json;
use tidegate_testkit::eventually;

use crate::{STATION, tidegate};

#[test]
fn everything_that_was_acknowledged_survives_a_kill() {
    let mut tidegate = tidegate(STATION);
    let _ = tidegate.port("ingest");
    let body = json!({ "name": "guest", "source": "cam1", "udp": { "to": "127.0.0.1:9" } });
    assert_eq!(
        tidegate.http().put("/api/v1/outputs/guest", &body).status,
        201
    );
    let srt = json!({ "listener": "ingest", "stream_id": "n", "passphrase": "kept over a kill" });
    let body = json!({ "name": "new", "srt": srt });
    assert_eq!(
        tidegate.http().put("/api/v1/sources/new", &body).status,
        201
    );
    let before = tidegate.http().get("/api/v1/config").json();
    tidegate.process().kill();
    tidegate.restart();
    assert_eq!(tidegate.http().get("/api/v1/config").json(), before);
    assert_eq!(tidegate.http().get("/api/v1/system").json()["revision"], 3);
    let _ = tidegate.port("ingest");
    let handout = tidegate.http().get("/api/v1/handout/sources/new").json();
    assert_eq!(handout["passphrase"], "kept over a kill");
}

#[test]
fn the_stored_state_is_the_truth_and_a_changed_file_is_shown() {
    let mut tidegate = tidegate(STATION);
    let file = tidegate.folder().join("tidegate.yaml");
    let drift = |tidegate: &tidegate_testkit::Tidegate| {
        tidegate.http().get("/api/v1/system").json()["drift"].clone()
    };
    assert_eq!(drift(&tidegate)["differs"], false);

    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("  - { name: playout", "  - { name: renamed");
    std::fs::write(&file, &changed).unwrap();
    let seen = drift(&tidegate);
    assert_eq!(seen["differs"], true);
    assert_eq!(
        seen["differences"],
        json!(["output renamed added", "output playout removed"])
    );

    tidegate.process().stop();
    tidegate.restart();
    assert_eq!(tidegate.http().get("/api/v1/outputs/playout").status, 200);
    assert_eq!(tidegate.http().get("/api/v1/outputs/renamed").status, 404);

    // A file that became wrong does not keep a station off the air.
    std::fs::write(&file, changed.replace("sources:", "souces:")).unwrap();
    tidegate.process().stop();
    tidegate.restart();
    let seen = drift(&tidegate);
    assert!(
        seen["error"].as_str().unwrap().contains("sources"),
        "{seen}"
    );
    assert_eq!(tidegate.http().get("/api/v1/outputs/playout").status, 200);

    std::fs::write(&file, &changed).unwrap();
    assert_eq!(drift(&tidegate)["error"], serde_json::Value::Null);
    eventually("the alarm about it is over", || {
        let cleared = "/api/v1/events?kind=alarm_cleared&limit=1";
        let events = tidegate.http().get(cleared).json();
        (events[0]["code"] == "config_file").then_some(())
    });
}

#[test]
fn it_stops_in_order_when_told_to() {
    let mut tidegate = tidegate(STATION);
    let status = tidegate.process().stop();
    assert!(
        status.is_some_and(|status| status.success()),
        "{status:?}\n{}",
        tidegate.output()
    );
}

#[test]
fn two_do_not_run_on_one_data_folder() {
    let tidegate = tidegate("");
    let second = std::process::Command::new(crate::PROGRAM)
        .args(["serve", "--data", tidegate.data().to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success());
    assert!(said.contains("another Tidegate is running"), "{said}");
}
