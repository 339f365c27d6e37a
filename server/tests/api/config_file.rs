//! What a wrong file says, with line and column.

use std::process::{Command, Output};

use crate::{PROGRAM, STATION};

fn check(text: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.yaml");
    std::fs::write(&file, text).unwrap();
    let Output { status, stderr, .. } = Command::new(PROGRAM)
        .arg("check")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(stderr).unwrap();
    (
        status.code().unwrap(),
        said.replace(&format!("{}:", file.display()), ""),
    )
}

/// Replaces one piece of the station's file, and says what `check` says of the result.
#[track_caller]
fn with(from: &str, to: &str) -> String {
    assert!(STATION.contains(from), "{from}");
    let (code, said) = check(&STATION.replacen(from, to, 1));
    assert_eq!(code, 1, "{said}");
    said
}

#[test]
fn a_right_file_is_right() {
    let (code, said) = check(STATION);
    assert_eq!((code, said.as_str()), (0, ""));
}

#[test]
fn media_and_secrets_that_are_not_there_are_warnings_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    std::fs::write(media.join("soon.gif"), b"GIF89a and more").unwrap();
    std::fs::write(media.join("there.png"), b"\x89PNG\r\n\x1a\nand more").unwrap();
    let file = folder.path().join("tidegate.yaml");
    let sources = [
        "missing, switch: { inputs: [cam1], slate: soon.png }",
        "animated, switch: { inputs: [cam1], slate: { file: soon.gif, sound: tone } }",
        "right, switch: { inputs: [cam1], slate: there.png }",
        "tape, file: { path: tape.ts }",
    ];
    let sources = sources.map(|source| format!("  - {{ name: {source} }}\n"));
    let text = STATION.replacen("outputs:", &format!("{}outputs:", sources.concat()), 1);
    let secret = "{ value: \"canary-named-passphrase\" }";
    assert!(text.contains(secret));
    std::fs::write(&file, text.replacen(secret, "{ file: /nowhere }", 1)).unwrap();
    let output = Command::new(PROGRAM)
        .arg("check")
        .arg(&file)
        .arg("--data")
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "it may come later");
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("is right")
    );
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.replace(folder.path().to_str().unwrap(), "DATA");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    let is = |line: &str, parts: &[&str]| {
        let found = lines.iter().any(|said| {
            said.starts_with(&format!("DATA/tidegate.yaml:{line}: warning: "))
                && parts.iter().all(|part| said.contains(part))
        });
        assert!(found, "{line}: {said}");
    };
    is(
        "7:55",
        &["DATA/media/soon.png does not exist", "Put it there"],
    );
    is("8:64", &["DATA/media/soon.gif", "neither a picture", "PNG"]);
    is("10:33", &["DATA/media/tape.ts does not exist"]);
    is(
        "15:17",
        &["\"cam1\" has no value", "/nowhere does not exist"],
    );
    assert!(lines[4].contains("--data"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_another_failure_than_a_wrong_one() {
    let status = Command::new(PROGRAM)
        .args(["check", "/nowhere.yaml"])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_misspelt_key_has_its_place_and_the_nearest_name() {
    let said = with("outputs:", "ouputs:");
    assert!(said.starts_with("7:1: "), "{said}");
    assert!(said.contains("Did you mean \"outputs\"?"), "{said}");

    let said = with("latency: 200ms", "latancy: 200ms");
    assert!(said.starts_with("3:49: "), "{said}");
    assert!(said.contains("Did you mean \"latency\"?"), "{said}");

    let said = with("udp: {", "upd: {");
    assert!(said.contains("Did you mean \"udp\"?"), "{said}");
}

#[test]
fn a_name_that_leads_nowhere_has_its_place_and_the_nearest_one() {
    let said = with(
        "listener: ingest, stream_id: live/cam2",
        "listener: ingset, stream_id: live/cam2",
    );
    assert!(said.starts_with("6:36: "), "{said}");
    assert!(
        said.contains("no listener named \"ingset\". Did you mean \"ingest\"?"),
        "{said}"
    );

    let said = with("name: playout, source: cam1", "name: playout, source: cam");
    assert!(said.starts_with("9:30: "), "{said}");
    assert!(
        said.contains("no source named \"cam\". Did you mean \"cam1\"?"),
        "{said}"
    );

    let said = with("{ secret: cam1 }", "{ secret: cma1 }");
    assert!(
        said.contains("no secret named \"cma1\". Did you mean \"cam1\"?"),
        "{said}"
    );
}

#[test]
fn a_source_is_made_out_of_one_that_is_there_and_not_of_itself() {
    let sources = |made_of: [&str; 3]| {
        let [one, two, three] = made_of;
        let line = |name: &str, of: &str| {
            format!("- {{ name: {name}, transcode: {{ source: {of}, audio: aac }} }}\n")
        };
        let tape = "- { name: tape, file: { path: tape.ts } }\n".to_owned();
        let made = [line("one", one), line("two", two), line("three", three)];
        check(&("sources:\n".to_owned() + &tape + &made.concat()))
    };
    let (code, said) = sources(["tape", "one", "two"]);
    assert_eq!(code, 0, "{said}");
    let (_, said) = sources(["tpae", "one", "two"]);
    assert!(
        said.contains("no source named \"tpae\". Did you mean \"tape\"?"),
        "{said}"
    );
    let (_, said) = sources(["one", "tape", "two"]);
    assert!(
        said.contains("Source \"one\" is made out of itself.") && said.lines().count() == 1,
        "{said}"
    );
    let (_, said) = sources(["two", "one", "two"]);
    assert!(
        said.contains("\"one\" is made out") && said.contains("\"two\" is made out"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 2, "{said}");
    let wrong = "sources: [{ name: a, transcode: { source: b, audio: acc } }]";
    let (_, said) = check(wrong);
    assert!(said.contains("Did you mean \"aac\"?"), "{said}");
}

#[test]
fn everything_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = STATION
        .replace(
            "listener: ingest, stream_id: live/cam2",
            "listener: x, stream_id: live/cam2",
        )
        .replace("name: playout, source: cam1", "name: playout, source: y");
    let (_, said) = check(&text);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("6:") && lines[1].starts_with("9:"),
        "{said}"
    );
}

#[test]
fn two_of_a_name_or_stream_id_are_refused() {
    let said = with("name: cam2", "name: cam1");
    assert!(said.contains("two sources named \"cam1\""), "{said}");
    let said = with("stream_id: out/cam1", "stream_id: live/cam1");
    assert!(
        said.contains("already belongs to source \"cam1\""),
        "{said}"
    );
    assert!(said.starts_with("8:"), "{said}");
    let said = with("name: cam2", "name: cam2, name: cam3");
    assert!(said.contains("given twice"), "{said}");
}

#[test]
fn two_that_open_one_port_are_refused() {
    let said = with(
        "udp: { to: \"127.0.0.1:9\" }",
        "srt: { bind: \"127.0.0.1:9101\", open: true } }\n  - { name: again, source: cam1, srt: { bind: \"0.0.0.0:9101\", open: true }",
    );
    assert!(
        said.contains("0.0.0.0:9101 is already opened by output"),
        "{said}"
    );
}

#[test]
fn a_port_of_a_range_that_cannot_be_has_its_place() {
    let ranged = STATION
        .replace(
            "bind: \"127.0.0.1:0\"",
            "bind: \"127.0.0.1:0\", port_range: 9100-9101",
        )
        .replace("stream_id: live/cam1", "port: 9100")
        .replace("stream_id: live/cam2", "port: 9101");
    assert_eq!(check(&ranged), (0, String::new()));
    for (from, to, place, words) in [
        (
            "port_range",
            "port_rnage",
            "3:49: ",
            "Did you mean \"port_range\"?",
        ),
        (
            "9100-9101",
            "9101-9100",
            "3:61: ",
            "write it like `9100-9149`",
        ),
        ("9100-9101", "1000-2000", "3:61: ", "it may have 1000 ports"),
        (
            "port: 9101",
            "prot: 9101",
            "6:44: ",
            "Did you mean \"port\"?",
        ),
        ("port: 9101", "port: 91010", "6:50: ", "65535"),
        (
            "port: 9101",
            "port: 9100",
            "6:50: ",
            "opened by source \"cam1\". The next free one of \"ingest\" is 9101",
        ),
        (
            "port: 9101",
            "port: 9102",
            "6:50: ",
            "not in the range 9100-9101",
        ),
        (
            "listener: ingest, port: 9101",
            "listener: ingset, port: 9101",
            "6:36: ",
            "Did you mean \"ingest\"?",
        ),
        (", port_range: 9100-9101", "", "5:50: ", "no range of ports"),
    ] {
        assert!(ranged.contains(from), "{from}");
        let (code, said) = check(&ranged.replacen(from, to, 1));
        assert_eq!(code, 1, "{to}: {said}");
        assert!(
            said.starts_with(place) && said.contains(words),
            "{to}: {said}"
        );
    }
}

#[test]
fn an_object_is_exactly_one_thing() {
    let said = with(", udp: { to: \"127.0.0.1:9\" }", "");
    assert!(
        said.contains("does not say what it is") && said.contains("udp"),
        "{said}"
    );
    let said = with("udp: {", "record: { format: ts }, udp: {");
    assert!(said.contains(" at once"), "{said}");
}

#[test]
fn names_that_could_be_paths_are_refused() {
    for name in ["a/b", "..", "a b", ""] {
        let said = with("name: cam2", &format!("name: \"{name}\""));
        assert!(
            said.starts_with("6:") && said.contains("not a usable name"),
            "{said}"
        );
    }
}

#[test]
fn a_secret_has_one_origin() {
    let said = with("value: \"canary-named-passphrase\"", "value: \"a\", env: B");
    assert!(said.contains("more than one value"), "{said}");
    let said = with("value: \"canary-named-passphrase\"", "");
    assert!(said.contains("has no value"), "{said}");
}

#[test]
fn reading_is_open_only_when_that_is_written() {
    let said = with(", open: true", "");
    assert!(
        said.starts_with("8:") && said.contains("open: true"),
        "{said}"
    );
}

#[test]
fn an_alias_bomb_is_put_out() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let began = std::time::Instant::now();
    let (code, said) = check(&format!("{bomb}sources: *a9\n"));
    assert_eq!(code, 1, "{said}");
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_webhook_that_cannot_be_asked_has_its_place() {
    for (url, says) in [
        ("ftp://auth/srt", "neither http:// nor https://"),
        ("http://auth:99999/srt", "port"),
        ("http://300.1.1.1/srt", "IPv4"),
        ("http://2001:db8::1/srt", "brackets"),
        ("auth.example.com", "no scheme"),
    ] {
        let said = with("latency: 200ms", &format!("webhook: {{ url: \"{url}\" }}"));
        assert!(said.starts_with("3:65: "), "{url}: {said}");
        assert!(said.contains(says), "{url}: {said}");
    }
    let said = with(
        "latency: 200ms",
        "webhook: { url: \"http://auth/\", timeout: 1h }",
    );
    assert!(said.starts_with("3:90: "), "{said}");
}
