//! The same over SRT, with libsrt at both ends and a decoder that complains about everything.

use serde_json::json;
use tidegate_testkit::peers::{have, srt_to_file, test_picture};
use tidegate_testkit::{Process, Tidegate, eventually};

use crate::audience::{complaints, whole};

const CONFIG: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", latency: 1s } }
sources:
  - { name: main, srt: { listener: ingest, stream_id: in/main } }
  - { name: backup, srt: { listener: ingest, stream_id: in/backup } }
  - { name: program, switch: { inputs: [main, backup], ready_after: 1s } }
outputs:
  - { name: out, source: program, srt: { listener: ingest, stream_id: out/program, open: true } }
"#;

#[test]
fn a_killed_publisher_leaves_no_gap_and_no_complaint_at_an_srt_reader() {
    if !have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    let tidegate = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), CONFIG).start();
    let port = tidegate.port("ingest");
    let publish = |name: &str| -> Process {
        let url = format!(
            "srt://127.0.0.1:{port}?streamid=in/{name}&latency=1000000&pkt_size=1316&transtype=live"
        );
        test_picture(name, &url, tidegate.folder())
    };
    let becomes = |what: &str, want: &dyn Fn(&serde_json::Value) -> bool| {
        let view = tidegate.source_becomes("program", what, |view| want(&view["switch"]));
        view["switch"].clone()
    };
    // There from the first packet on.
    let file = tidegate.folder().join("received.ts");
    let url = format!("srt://127.0.0.1:{port}?streamid=out/program&latency=200&mode=caller");
    let mut reader = srt_to_file("reader", &url, &file);
    tidegate.output_becomes("out", "the reader is there", |view| view["readers"] == 1);
    let size = || std::fs::metadata(&file).map_or(0, |data| data.len());
    let grows = |bytes: u64| {
        let wanted = size() + bytes;
        eventually("the reader gets more", || (size() >= wanted).then_some(()));
    };
    let mut main = publish("main");
    becomes("main on air", &|switch| switch["active"] == "main");
    let _backup = publish("backup");
    becomes("backup ready", &|switch| {
        switch["standby"][0]["ready"] == true
    });
    grows(200_000);

    main.kill();
    let switch = becomes("backup on air", &|switch| switch["active"] == "backup");
    let last = &switch["last_switch"];
    assert_eq!(
        (&last["automatic"], &last["gap_ms"]),
        (&json!(true), &json!(0)),
        "{last}"
    );
    let decided_after = last["decided_after_ms"].as_u64().unwrap();
    assert!(decided_after < 400, "{last}");
    grows(200_000);
    let http = tidegate.http();
    let body = json!({ "input": "backup" });
    assert_eq!(
        http.post("/api/v1/sources/program/take", &body).status,
        200,
        "on air already"
    );
    let _main = publish("main");
    becomes("main is back, and not on air", &|switch| {
        switch["active"] == "backup" && switch["standby"][0]["ready"] == true
    });
    assert_eq!(
        http.post("/api/v1/sources/program/return", &json!({}))
            .status,
        200
    );
    becomes("main on air again", &|switch| switch["active"] == "main");
    grows(200_000);

    assert!(reader.ended().is_none(), "the reader was never sent away");
    reader.kill();
    let program = tidegate.source("program");
    assert_eq!(program["reconnects"], 0);
    assert_eq!(
        program["media"]["continuity_errors"], 0,
        "{}",
        program["media"]
    );
    let received = std::fs::read(&file).unwrap();
    std::fs::write(&file, whole(&received)).unwrap();
    assert_eq!(complaints(&file), "");
}
