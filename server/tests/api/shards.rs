//! How many media threads there are.

use std::process::Command;

use tidegate_testkit::Tidegate;

use crate::{PROGRAM, STATION};

#[test]
fn as_many_media_threads_run_as_the_operator_asks_for_and_they_are_shown() {
    let tidegate = Tidegate::with(PROGRAM, STATION).shards(5).start();
    let http = tidegate.http();
    assert_eq!(http.get("/api/v1/system").json()["shards"], 5);
    let metrics = http.get("/metrics").text();
    for line in [
        "tidegate_shards 5\n",
        "tidegate_shard_connections{shard=\"4\"} 0\n",
        "tidegate_limit{limit=\"shards\"} 64\n",
    ] {
        assert!(metrics.contains(line), "{line} is missing");
    }
}

#[test]
fn a_number_of_media_threads_that_cannot_be_is_refused_with_what_can() {
    for wrong in ["0", "65", "-1", "many"] {
        let output = Command::new(PROGRAM)
            .args(["serve", &format!("--shards={wrong}")])
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("a number from 1 to 64 is needed"), "{said}");
    }
}
