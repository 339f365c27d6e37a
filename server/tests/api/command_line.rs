//! `apply`, `export` and the rest of the command line against a running server.

use std::path::Path;
use std::process::{Command, Output};

use tidegate_testkit::Tidegate;

use crate::{PROGRAM, STATION, tidegate};

fn run(tidegate: &Tidegate, url: &str, args: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(PROGRAM)
        .args(args)
        .env("TIDEGATE_URL", url)
        .env("TIDEGATE_API_TOKEN", tidegate.token())
        .output()
        .unwrap();
    let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.success(), said)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_export_applied_again_changes_nothing() {
    let tidegate = tidegate(STATION);
    let url = tidegate.http().base().to_owned();
    let (ok, exported) = run(&tidegate, &url, &["export"]);
    assert!(ok, "{exported}");
    assert!(!exported.contains("canary"), "{exported}");
    let file = tidegate.folder().join("exported.yaml");
    std::fs::write(&file, &exported).unwrap();
    let (ok, said) = run(&tidegate, &url, &["apply", text(&file)]);
    assert!(ok && said.contains("revision 1"), "{said}");
    assert!(said.contains("nothing changed"), "{said}");
    let (ok, offline) = run(
        &tidegate,
        &url,
        &["export", "--data", text(&tidegate.data())],
    );
    assert!(ok);
    assert_eq!(offline, exported);
}

#[test]
fn a_wrong_file_changes_nothing_and_says_where() {
    let tidegate = tidegate(STATION);
    let url = tidegate.http().base().to_owned();
    let file = tidegate.folder().join("wrong.yaml");
    std::fs::write(
        &file,
        STATION.replace("source: cam1, udp", "source: cam, udp"),
    )
    .unwrap();
    let (ok, said) = run(&tidegate, &url, &["apply", text(&file)]);
    assert!(!ok);
    assert!(
        said.contains(&format!("{}:9:30: ", file.display())),
        "{said}"
    );
    assert_eq!(tidegate.http().get("/api/v1/system").json()["revision"], 1);

    // What only the server can know is placed as well.
    let dots = STATION
        .replace("canary-literal-passphrase", "•••")
        .replace("name: cam2", "name: new");
    std::fs::write(&file, dots).unwrap();
    let (ok, said) = run(&tidegate, &url, &["apply", text(&file)]);
    assert!(!ok);
    assert!(
        said.contains(":6:") && said.contains("no earlier value"),
        "{said}"
    );
}

#[test]
fn a_file_is_applied_as_a_whole() {
    let tidegate = tidegate(STATION);
    let url = tidegate.http().base().to_owned();
    let file = tidegate.folder().join("new.yaml");
    std::fs::write(&file, STATION.replace("name: playout", "name: renamed")).unwrap();
    let (ok, said) = run(&tidegate, &url, &["apply", text(&file)]);
    assert!(ok && said.contains("playout removed"), "{said}");
    assert_eq!(tidegate.http().get("/api/v1/outputs/playout").status, 404);
    assert_eq!(tidegate.http().get("/api/v1/outputs/renamed").status, 200);
}

#[test]
fn without_the_token_nothing_is_exported() {
    let tidegate = tidegate(STATION);
    let output = Command::new(PROGRAM)
        .args(["export", "--url", tidegate.http().base()])
        .env_remove("TIDEGATE_API_TOKEN")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("TIDEGATE_API_TOKEN")
    );
}

#[test]
fn https_works_from_the_first_start_on_both_ports() {
    let tidegate = tidegate("");
    let output = tidegate.output();
    let (_, rest) = output.split_once("https listening on ").unwrap();
    let https = rest.split_whitespace().next().unwrap().to_owned();
    let either = tidegate.http().base().replace("http://", "https://");
    let certificate = tidegate.data().join("tls/cert.pem");
    for url in [https, either] {
        let (ok, said) = run(&tidegate, &url, &["export", "--ca", text(&certificate)]);
        assert!(ok, "{url}: {said}");
        let (ok, said) = run(&tidegate, &url, &["export"]);
        assert!(!ok && said.contains("not trusted"), "{url}: {said}");
    }
}

#[test]
fn the_openapi_document_is_printed() {
    let output = Command::new(PROGRAM).arg("openapi").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["info"]["title"], "Tidegate");
}
