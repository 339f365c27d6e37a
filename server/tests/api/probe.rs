//! `tidegate probe`: what is in a feed, and is it healthy.

use std::process::{Command, Output};

use serde_json::Value;
use tidegate_testkit::{free_udp_port, media, peers};

use crate::PROGRAM;

fn probe(args: &[&str]) -> (i32, String) {
    let Output { status, stdout, .. } = Command::new(PROGRAM)
        .arg("probe")
        .args(args)
        .output()
        .unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

#[test]
fn a_file_is_looked_into() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = media::h264_aac(folder.path(), 6);
    let (code, json) = probe(&[file.to_str().unwrap(), "--seconds", "4", "--json"]);
    let status: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(status["media"]["video"]["codec"], "h264", "{json}");
    assert_eq!(status["media"]["audio"][0]["codec"], "aac", "{json}");
    assert_eq!((code, &status["health"]), (0, &Value::from("ok")), "{json}");
}

#[test]
fn where_there_is_no_feed_it_says_so_and_shows_no_passphrase() {
    let uri = format!(
        "srt://127.0.0.1:{}?passphrase=canary-passphrase",
        free_udp_port()
    );
    let (code, said) = probe(&[&uri, "--seconds", "1"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("no feed") && !said.contains("canary"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_a_feed_is_refused_at_once() {
    assert_eq!(probe(&["/nowhere.ts"]).0, 1);
    assert_eq!(probe(&["rist://127.0.0.1:5000"]).0, 1);
    assert_eq!(probe(&["udp://nonsense"]).0, 1);
}
