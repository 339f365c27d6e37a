//! What operators do, and what happens when they do nothing.

use serde_json::{Value, json};
use tidegate_testkit::peers::have;

use crate::{Clip, Station};

/// Quick to become ready, with a hold that a silence fits into.
const QUICK: &str = "ready_after: 500ms, delay: 600ms";

#[test]
fn a_program_goes_on_while_its_inputs_are_taken_and_killed() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let (main, _backup, switch) = station.both(&one, &two);
    assert_eq!(switch["preview"], "backup");
    assert_eq!(
        switch["inputs"][0]["format"],
        "h264 320x180 25 · aac stereo"
    );
    station.viewer.sees(100);
    station.viewer.seen();

    let answer = station.post("take", &json!({ "input": "backup" }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(
        (&answer["active"], &answer["next"]),
        (&json!("main"), &json!("backup")),
        "it is under way"
    );
    let switch = station.becomes("backup on air", |switch| switch["active"] == "backup");
    assert_eq!(switch["next"], Value::Null);
    let last = &switch["last_switch"];
    assert_eq!(
        (&last["from"], &last["to"]),
        (&json!("main"), &json!("backup"))
    );
    assert_eq!(
        (&last["why"], &last["automatic"]),
        (&json!("take"), &json!(false))
    );
    assert_eq!(last["by"], "api-token");

    let answer = station.post("return", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    station.becomes("main on air again", |switch| switch["active"] == "main");

    let metrics = station.tidegate.http().get("/metrics").text();
    let is_there = |line: &str| metrics.lines().any(|other| other == line);
    let on_air = "tidegate_switch_input_active{name=\"program\",input=\"main\"} 1";
    assert!(is_there(on_air), "{metrics}");
    assert!(
        is_there("tidegate_switch_switches_total{name=\"program\"} 2"),
        "{metrics}"
    );

    drop(main);
    let switch = station.becomes("backup takes over", |switch| switch["active"] == "backup");
    let last = &switch["last_switch"];
    assert_eq!(
        (&last["why"], &last["automatic"]),
        (&json!("no_packets"), &json!(true))
    );
    let decided_after = last["decided_after_ms"].as_u64().unwrap();
    assert!((150..400).contains(&decided_after), "{last}");
    assert_eq!(switch["automatic_switches"], 1);
    assert!(last["text"].as_str().unwrap().contains("main"), "{last}");
    assert_eq!(last["gap_ms"], 0, "{last}");
    station.viewer.sees(300);
    let seen = station.viewer.seen();
    assert_eq!(
        seen.counter_errors, 0,
        "no packet is missing or doubled: {seen:?}"
    );

    let decisions = station.events("switch_decision");
    let ordered = |event: &&Value| event["decision"] == "ordered" && event["why"] == "no_packets";
    let decision = decisions.iter().find(ordered).expect("a decision is told");
    assert_eq!(decision["evidence"][0]["input"], "main");
    assert_eq!(decision["figure"]["unit"], "ms");
    assert!(station.events("switched").len() >= 3);
    assert!(
        station
            .events("audit")
            .iter()
            .any(|event| event["action"] == "took backup" && event["subject"]["name"] == "program"),
        "who did it is told"
    );
}

#[test]
fn a_lock_holds_what_is_on_air_over_a_restart_and_says_what_to_do() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let _both = station.both(&one, &two);
    assert_eq!(
        station.post("take", &json!({ "input": "backup" })).status,
        200
    );
    station.becomes("backup on air", |switch| switch["active"] == "backup");
    let answer = station.post("lock", &json!({}));
    assert_eq!(
        (answer.status, answer.json()["locked"].clone()),
        (200, json!(true))
    );

    let refused = station.post("take", &json!({ "input": "main" }));
    assert_eq!(refused.status, 409);
    let problem = refused.json();
    assert_eq!(problem["type"], "urn:tidegate:problem:locked");
    assert_eq!(problem["advice"], "Unlock it first.");

    assert!(station.tidegate.process().stop().is_some());
    station.tidegate.restart();
    station.becomes("locked on the backup again", |switch| {
        switch["active"] == "backup" && switch["locked"] == true
    });
    assert_eq!(
        station.post("take", &json!({ "input": "main" })).status,
        409
    );
    assert_eq!(station.post("unlock", &json!({})).json()["locked"], false);
    station.becomes("main ready", |switch| switch["standby"][0]["ready"] == true);
    assert_eq!(
        station.post("take", &json!({ "input": "main" })).status,
        200
    );
    station.becomes("main on air", |switch| switch["active"] == "main");
}

#[test]
fn a_program_that_is_locked_to_a_dead_input_says_why_it_is_dark() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let (main, _backup, _) = station.both(&one, &two);
    assert_eq!(station.post("lock", &json!({})).status, 200);
    drop(main);
    let is_said = |view: &Value| {
        let advice = view["reasons"][0]["advice"].as_str();
        advice.is_some_and(|advice| advice.contains("locked to main, which delivers nothing"))
    };
    let view = station.tidegate.source_becomes("program", "dark", is_said);
    assert!(!view.to_string().contains("The sender is"), "{view:#}");
    assert!(station.tidegate.process().stop().is_some());
    station.tidegate.restart();
    station.becomes("backup there again", |switch| {
        switch["locked"] == true && switch["inputs"][1]["ready"] == true
    });
    let view = station.tidegate.source_becomes("program", "dark", is_said);
    assert_eq!(view["switch"]["active"], Value::Null, "{view:#}");
    assert_eq!(station.post("unlock", &json!({})).status, 200);
    station.becomes("backup on air", |switch| switch["active"] == "backup");
}

#[test]
fn a_drill_tells_what_viewers_would_see_and_they_see_nothing_of_it() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let _both = station.both(&one, &two);
    let answer = station.post("drill", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let switch = answer.json();
    let drill = &switch["last_drill"];
    assert_eq!(
        (&drill["input"], &drill["took_over"]),
        (&json!("main"), &json!("backup"))
    );
    assert_eq!(
        (&drill["passed"], &drill["on_air"]),
        (&json!(true), &json!(false)),
        "{drill}"
    );
    assert_eq!(drill["outcome"], "passed", "{drill}");
    assert_eq!(drill["gap_ms"], 0, "{drill}");
    assert_eq!(
        (&switch["active"], &switch["switches"]),
        (&json!("main"), &json!(0))
    );
    let refused = station.post("drill", &json!({ "input": "main" }));
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["type"]),
        (409, &json!("urn:tidegate:problem:on_air")),
        "{problem}"
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("main is on air"), "{problem}");
    assert_eq!(
        station.post("drill", &json!({ "input": "mian" })).status,
        404
    );
}

#[test]
fn a_drill_on_air_wants_to_be_confirmed() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let _both = station.both(&one, &two);
    let asked = station.post("drill", &json!({ "on_air": true }));
    assert_eq!(asked.status, 409);
    let problem = asked.json();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("cuts main on air") && detail.contains("backup takes over"),
        "{detail}"
    );
    let confirmed = json!({ "on_air": true, "confirm": "program" });
    let answer = station.post("drill", &confirmed);
    assert_eq!(answer.status, 200, "{}", answer.text());
    // While it runs everybody can see what is cut, and until when.
    let running = &answer.json()["drill"];
    assert_eq!(running["input"], "main", "{running}");
    let at = |field: &str| running[field].as_str().unwrap().to_owned();
    assert!(at("since") < at("ends_at"), "{running}");
    let switch = station.becomes("the drill is over", |switch| {
        switch["last_drill"].is_object()
    });
    assert_eq!(switch["drill"], Value::Null);
    let drill = &switch["last_drill"];
    assert_eq!(
        (&drill["input"], &drill["passed"]),
        (&json!("main"), &json!(true)),
        "{drill}"
    );
    assert_eq!(drill["took_over"], "backup");
    assert_eq!(switch["active"], "backup", "it stays where it went");
}

#[test]
fn a_return_to_what_is_dead_advises_nothing_that_would_be_refused_too() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let (main, _backup, _) = station.both(&one, &two);
    drop(main);
    station.becomes("the backup took over", |switch| {
        switch["active"] == "backup"
    });
    station.becomes("main has nothing", |switch| {
        switch["inputs"][0]["reasons"][0]["code"] == "no_packets"
    });
    let refused = station.post("return", &json!({}));
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["type"]),
        (409, &json!("urn:tidegate:problem:none_to_return_to")),
        "{problem}"
    );
    let advice = problem["advice"].as_str().unwrap();
    assert!(advice.starts_with("Bring one back first"), "{problem}");
    let force = json!({ "input": "main", "force": true });
    assert_eq!(station.post("take", &force).status, 409, "not even force");
}

#[test]
fn a_drill_on_air_that_is_ended_by_hand_has_neither_passed_nor_failed() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let _both = station.both(&one, &two);
    let confirmed = json!({ "on_air": true, "confirm": "program" });
    assert_eq!(station.post("drill", &confirmed).status, 200);
    station.becomes("the backup took over", |switch| {
        switch["active"] == "backup"
    });
    let take = json!({ "input": "main" });
    assert_eq!(station.post("take", &take).status, 200);
    let switch = station.becomes("the drill is over", |switch| {
        switch["last_drill"].is_object()
    });
    let drill = &switch["last_drill"];
    let came_of_it = (&drill["outcome"], &drill["passed"], &drill["took_over"]);
    let broken_off = (&json!("broken_off"), &json!(false), &json!("backup"));
    assert_eq!(came_of_it, broken_off, "{drill}");
    assert_eq!(drill["problems"], json!([]));
}

#[test]
fn what_cannot_be_done_says_why_and_what_to_do() {
    let station = Station::start(QUICK);
    let problem = |command: &str, body: Value| {
        let answer = station.post(command, &body);
        (answer.status, answer.json())
    };
    let (status, unknown) = problem("take", json!({ "input": "backpu" }));
    assert_eq!(
        (status, &unknown["nearest"]),
        (404, &json!("backup")),
        "{unknown}"
    );
    let (status, dark) = problem("take", json!({ "input": "main" }));
    assert_eq!(status, 409);
    assert!(
        dark["detail"].as_str().unwrap().contains("nothing to show"),
        "{dark}"
    );
    let (status, slate) = problem("take", json!({ "input": "slate" }));
    assert_eq!(
        (status, &slate["type"]),
        (409, &json!("urn:tidegate:problem:no_slate"))
    );
    assert_eq!(problem("lock", json!({})).0, 409);
    assert_eq!(problem("take", json!({ "inptu": "main" })).0, 422);
    let http = station.tidegate.http();
    let no_switch = http.post("/api/v1/sources/main/take", &json!({}));
    assert_eq!(no_switch.status, 404);
    assert!(
        no_switch.json()["advice"]
            .as_str()
            .unwrap()
            .contains("program")
    );
    assert_eq!(
        http.post("/api/v1/sources/nobody/take", &json!({})).status,
        404
    );
    let needed = http.delete("/api/v1/sources/backup");
    assert_eq!(needed.status, 409);
    assert!(
        needed.text().contains("source program"),
        "{}",
        needed.text()
    );
}

#[test]
fn inputs_come_and_go_while_the_program_goes_on() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::start(QUICK);
    let [one, two] = Clip::two();
    let _both = station.both(&one, &two);
    let since = station.tidegate.source("program")["connected_at"].clone();
    let with = |inputs: Value| {
        let http = station.tidegate.http();
        let switch = json!({ "inputs": inputs, "ready_after": "1s", "delay": "600ms" });
        let source = json!({ "name": "program", "switch": switch });
        let answer = http.put("/api/v1/sources/program", &source);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    with(json!(["main"]));
    station.becomes("the backup is gone", |switch| {
        switch["standby"] == json!([])
    });
    with(json!(["backup", "main"]));
    let switch = station.becomes("it is there again", |switch| {
        switch["standby"][0]["name"] == "backup" && switch["standby"][0]["ready"] == true
    });
    assert_eq!(
        (&switch["active"], &switch["switches"]),
        (&json!("main"), &json!(0))
    );
    assert_eq!(station.post("return", &json!({})).status, 200);
    station.becomes("backup on air", |switch| switch["active"] == "backup");
    let view = station.tidegate.source("program");
    assert_eq!(view["connected_at"], since, "it was never begun anew");
}
