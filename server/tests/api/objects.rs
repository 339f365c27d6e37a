//! Creating, changing and deleting sources, outputs and listeners.

use serde_json::{Value, json};
use tidegate_testkit::eventually;

use crate::client::send;
use crate::{STATION, tidegate};

fn source(name: &str, stream_id: &str) -> Value {
    json!({ "name": name, "srt": { "listener": "ingest", "stream_id": stream_id } })
}

fn udp(name: &str, port: u16) -> Value {
    json!({ "name": name, "source": "cam1", "udp": { "to": format!("127.0.0.1:{port}") } })
}

#[test]
fn an_object_is_created_once_replaced_and_deleted() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    let created = http.post("/api/v1/sources", &source("cam3", "live/cam3"));
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.json()["config"], source("cam3", "live/cam3"));
    assert_eq!(
        http.post("/api/v1/sources", &source("cam3", "live/cam3"))
            .status,
        409
    );

    let replaced = http.put("/api/v1/sources/cam3", &source("cam3", "live/other"));
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    assert_eq!(
        tidegate.source("cam3")["config"]["srt"]["stream_id"],
        "live/other"
    );
    assert_eq!(
        http.put("/api/v1/sources/cam4", &source("cam4", "live/cam4"))
            .status,
        201
    );

    assert_eq!(http.delete("/api/v1/sources/cam3").status, 204);
    assert_eq!(http.delete("/api/v1/sources/cam3").status, 404);
    assert_eq!(http.get("/api/v1/sources/cam3").status, 404);
    let names: Vec<Value> = http
        .get("/api/v1/sources")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|view| view["name"].clone())
        .collect();
    assert_eq!(names, ["cam1", "cam2", "cam4"], "in the operator's order");
}

#[test]
fn a_problem_says_where_and_what_was_meant() {
    let tidegate = tidegate(STATION);
    let base = tidegate.http().base();
    let token = format!("Bearer {}", tidegate.token());
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    let put = |name: &str, body: &str| {
        let path = format!("/api/v1/{name}");
        let answer = send(base, "PUT", &path, &headers, Some(body));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        (answer.status, answer.json())
    };
    let body = "{ \"name\": \"x\",\n  \"srt\": { \"listner\": \"ingest\" } }";
    let (status, problem) = put("sources/x", body);
    assert_eq!(
        (status, &problem["nearest"], &problem["line"]),
        (422, &json!("listener"), &json!(2))
    );

    let body =
        "{ \"name\": \"x\",\n  \"srt\": { \"listener\": \"ingset\", \"stream_id\": \"x\" } }";
    let (status, problem) = put("sources/x", body);
    assert_eq!(
        (status, &problem["nearest"]),
        (422, &json!("ingest")),
        "{problem}"
    );
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&json!(2), &json!(24)),
        "{problem}"
    );
    assert_eq!(problem["pointer"], "/srt/listener");

    let (_, problem) = put("sources/x", &source("x", "live/cam1").to_string());
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("belongs to source \"cam1\""),
        "{problem}"
    );
    let (_, problem) = put(
        "outputs/x",
        r#"{ "name": "x", "source": "cam", "udp": { "to": "a:1" } }"#,
    );
    assert_eq!(problem["nearest"], "cam1", "{problem}");
    let (_, problem) = put("sources/y", &source("x", "x").to_string());
    assert!(
        problem["detail"].as_str().unwrap().contains("names \"y\""),
        "{problem}"
    );
    let (status, _) = put("sources/a%20b", &source("a b", "x").to_string());
    assert_eq!(status, 422);
    let (status, _) = put("sources/..%2fx", &source("x", "x").to_string());
    assert_eq!(status, 422);
    assert_eq!(
        tidegate
            .http()
            .get("/api/v1/sources")
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn what_others_need_is_not_deleted() {
    let tidegate = tidegate(STATION);
    for path in ["/api/v1/listeners/ingest", "/api/v1/sources/cam1"] {
        let answer = tidegate.http().delete(path);
        assert_eq!(answer.status, 409);
        assert!(answer.text().contains("output watch"), "{}", answer.text());
    }
}

#[test]
fn a_change_for_an_older_revision_is_refused() {
    let tidegate = tidegate(STATION);
    let base = tidegate.http().base();
    let token = format!("Bearer {}", tidegate.token());
    let etag = {
        let headers = [("authorization", token.as_str())];
        send(base, "GET", "/api/v1/outputs/playout", &headers, None).header("etag")
    };
    let put = |port: u16, etag: &str| {
        let headers = [
            ("authorization", token.as_str()),
            ("content-type", "application/json"),
            ("if-match", etag),
        ];
        let body = udp("playout", port).to_string();
        send(
            base,
            "PUT",
            "/api/v1/outputs/playout",
            &headers,
            Some(&body),
        )
        .status
    };
    assert_eq!(put(10, &etag), 200);
    assert_eq!(put(11, &etag), 412);
    assert_eq!(put(11, "nonsense"), 400);
}

#[test]
fn a_thousand_creates_and_deletes_leave_the_neighbours_alone() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    let before = tidegate.output_becomes("watch", "is there", |view| view["state"] == "waiting");
    for round in 0..1000_u16 {
        let created = http.put("/api/v1/outputs/guest", &udp("guest", 20_000 + round));
        assert_eq!(created.status, 201, "{}", created.text());
        assert_eq!(http.delete("/api/v1/outputs/guest").status, 204);
    }
    eventually("the engine follows", || {
        let system = http.get("/api/v1/system").json();
        (system["applied_revision"] == system["revision"]).then_some(())
    });
    let after = tidegate.output_status("watch");
    assert_eq!(after["revision"], before["revision"]);
    assert_eq!(after["reconnects"], before["reconnects"]);
    assert_eq!(after["state"], "waiting");
}

#[test]
fn a_port_in_use_is_said_and_tried_again() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap();
    let tidegate = tidegate("");
    let body = json!({ "name": "ingest", "srt": { "bind": bind.to_string() } });
    assert_eq!(
        tidegate
            .http()
            .put("/api/v1/listeners/ingest", &body)
            .status,
        201
    );
    let view = eventually("the listener says why it is not open", || {
        let view = tidegate.http().get("/api/v1/listeners/ingest").json();
        view["error"].is_object().then_some(view)
    });
    let message = view["error"]["message"].as_str().unwrap();
    assert!(message.contains(&bind.port().to_string()), "{message}");
    assert_eq!(view["bound"], Value::Null);
    drop(taken);
    assert_eq!(tidegate.port("ingest"), bind.port());
    let view = tidegate.http().get("/api/v1/listeners/ingest").json();
    assert_eq!(view["error"], Value::Null);
}

#[test]
fn what_changed_and_who_did_it_is_kept() {
    let tidegate = tidegate(STATION);
    let http = tidegate.http();
    http.put("/api/v1/outputs/guest", &udp("guest", 20_000));
    let revisions = http.get("/api/v1/revisions").json();
    assert_eq!(revisions[0]["by"], "api-token");
    assert_eq!(revisions[0]["summary"], "output guest added");
    assert_eq!(revisions[1]["by"], "file");
    eventually("the change is in the journal", || {
        let events = http
            .get("/api/v1/events?kind=config_changed&limit=1")
            .json();
        (events[0]["summary"] == "output guest added").then_some(())
    });
    let id = http.get("/api/v1/events?limit=1").json()[0]["id"]
        .as_u64()
        .unwrap();
    assert_eq!(
        http.get(&format!("/api/v1/events?after={id}")).json(),
        json!([])
    );
}

#[test]
fn a_query_that_cannot_be_read_is_a_problem_too() {
    let tidegate = tidegate("");
    for path in [
        "/api/v1/events?limit=x",
        "/api/v1/events?limti=1",
        "/api/v1/config?format=toml",
    ] {
        let answer = tidegate.http().get(path);
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (400, "application/problem+json")
        );
    }
}

#[test]
fn figures_and_limits_are_there_for_prometheus() {
    let tidegate = tidegate(STATION);
    let text = tidegate.http().get("/metrics").text();
    for line in [
        "tidegate_source_connected{name=\"cam1\",kind=\"srt\"} 0.0",
        "tidegate_output_delivering{name=\"watch\",kind=\"srt\"} 0.0",
        "tidegate_limit{limit=\"engine_reader_bytes\"}",
        "tidegate_revision 1",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    // Known as soon as the output has begun.
    eventually("the readers an output takes are there", || {
        let text = tidegate.http().get("/metrics").text();
        let line = "tidegate_output_readers_max{name=\"watch\",kind=\"srt\"} 1000.0";
        text.contains(line).then_some(())
    });
}
