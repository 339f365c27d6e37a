//! Changes while on air touch what they name, and nothing else.

use crate::tidegate;
use serde_json::json;
use tidegate_testkit::peers::{PacedSender, have};
use tidegate_testkit::{eventually, media::numbered_ts};

#[test]
fn a_thousand_outputs_come_and_go_beside_one_that_loses_nothing() {
    if !have(&["srt-live-transmit"]) {
        return;
    }
    let server = tidegate(
        "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]\n\
         sources: [{ name: cam, srt: { listener: ingest, stream_id: cam } }]\n\
         outputs: [{ name: tape, source: cam, record: { format: ts } }]\n",
    );
    let to = format!("srt://127.0.0.1:{}?streamid=cam", server.port("ingest"));
    let sent = numbered_ts(7 * 6000);
    let http = server.http().clone();
    let changes = std::thread::spawn(move || {
        let body = json!({ "name": "passing", "source": "cam",
            "srt": { "listener": "ingest", "stream_id": "passing", "open": true } });
        for round in 0..1000 {
            let answer = http.put("/api/v1/outputs/passing", &body);
            assert!(
                answer.status == 200 || answer.status == 201,
                "round {round}: {}",
                answer.text()
            );
            let answer = http.delete("/api/v1/outputs/passing");
            assert!(
                answer.status == 200 || answer.status == 204,
                "round {round}: {}",
                answer.text()
            );
        }
    });
    let mut sender = PacedSender::start("sender", &to, server.folder());
    server.source_becomes("cam", "is connected", |view| {
        view["connection"] == "connected"
    });
    sender.send(&sent, 6_000_000);
    changes.join().unwrap();
    let folder = server.data().join("recordings/tape");
    let file = eventually("everything is recorded", || {
        let file = std::fs::read_dir(&folder).ok()?.flatten().next()?.path();
        (file.metadata().ok()?.len() >= sent.len() as u64).then_some(file)
    });
    assert!(
        std::fs::read(file).unwrap() == sent,
        "the neighbour's recording differs"
    );
}
