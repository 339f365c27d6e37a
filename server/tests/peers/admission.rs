//! Who is let in by a webhook over real HTTP, and who is banned.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tidegate_testkit::peers::{have, test_picture};
use tidegate_testkit::{Process, Tidegate, eventually};

use crate::tidegate;

const SECRET: &str = "a secret to sign with";

/// A question as the webhook got it.
#[derive(Clone)]
struct Asked {
    path: String,
    signature: String,
    timestamp: String,
    body: String,
}

/// A webhook that takes its time, and answers with this status and body.
struct Hook {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Hook {
    fn start(pause: Duration, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let kept = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || {
                    kept.lock().unwrap().push(read(&stream));
                    std::thread::sleep(pause);
                    // The server may have lost patience.
                    let _ = stream.write_all(answer.as_bytes());
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let found = head.iter().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_default().trim().to_owned()
    };
    let mut body = vec![0; header("content-length:").parse().unwrap()];
    lines.read_exact(&mut body).unwrap();
    Asked {
        path: head[0].clone(),
        signature: header("x-tidegate-signature:"),
        timestamp: header("x-tidegate-timestamp:"),
        body: String::from_utf8(body).unwrap(),
    }
}

/// A source whose callers are asked about at `url`.
fn gateway(url: &str, more: &str) -> Tidegate {
    tidegate(&format!(
        "listeners: [{{ name: ingest, srt: {{ bind: \"127.0.0.1:0\", \
           webhook: {{ url: \"{url}\", secret: {{ secret: hook }} {more} }} }} }}]\n\
         sources:\n\
         \x20 - {{ name: cam, srt: {{ listener: ingest, stream_id: live/cam1, passphrase: publish-secret-1 }} }}\n\
         secrets:\n\
         \x20 hook: {{ value: \"{SECRET}\" }}\n"
    ))
}

fn publish(server: &Tidegate, name: &str) -> Process {
    let port = server.port("ingest");
    let url = format!(
        "srt://127.0.0.1:{port}?streamid=#!::r=live/cam1,u=alice,company_x=7&passphrase=publish-secret-1"
    );
    let url = url.replace('#', "%23");
    test_picture(name, &url, server.folder())
}

#[track_caller]
fn rejection(server: &Tidegate, reason: &str) -> Value {
    eventually(&format!("a rejection: {reason}"), || {
        let list = server.http().get("/api/v1/rejections").json();
        let mut entries = list.as_array()?.iter();
        entries.find(|entry| entry["reason"] == reason).cloned()
    })
}

const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"allow\": true}";

#[test]
fn a_webhook_that_answers_after_two_seconds_lets_the_caller_in() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let hook = Hook::start(Duration::from_secs(2), YES);
    let url = format!("http://localhost:{}/srt?x=1", hook.port);
    let server = gateway(&url, ", timeout: 3s");
    let began = Instant::now();
    let _encoder = publish(&server, "encoder");
    server.source_becomes("cam", "connected", |source| {
        source["connection"] == "connected"
    });
    assert!(began.elapsed() >= Duration::from_secs(2));
    let [asked] = &hook.asked()[..] else {
        panic!("asked {} times", hook.asked().len());
    };
    assert_eq!(asked.path, "POST /srt?x=1 HTTP/1.1");
    let question: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(question["listener"], "ingest");
    assert_eq!(question["name"], "cam");
    assert_eq!(question["mode"], "publish");
    assert_eq!(question["resource"], "live/cam1");
    assert_eq!(question["user"], "alice");
    assert_eq!(question["keys"]["company_x"], "7");
    assert_eq!(question["encrypted"], true);
    assert!(!asked.body.contains("publish-secret-1"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(
        &key,
        format!("{}.{}", asked.timestamp, asked.body).as_bytes(),
    );
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(asked.signature, format!("sha256={hex}"));
    let config = server.http().get("/api/v1/config").text();
    assert!(!config.contains(SECRET) && !server.output().contains(SECRET));
}

#[test]
fn what_the_webhook_says_or_fails_to_say_is_in_the_journal() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let no = "HTTP/1.1 403 Forbidden\r\ncontent-length: 24\r\n\r\n{\"reason\": \"not booked\"}";
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let refusing = Hook::start(Duration::ZERO, no);
    let redirecting = Hook::start(Duration::ZERO, moved);
    let slow = Hook::start(Duration::from_secs(60), YES);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let at = |port: u16| format!("http://127.0.0.1:{port}/");
    let cases = [
        (at(refusing.port), "", "forbidden", "not booked"),
        (
            at(redirecting.port),
            "",
            "webhook_failed",
            "redirects are not followed",
        ),
        (
            at(slow.port),
            ", timeout: 500ms",
            "webhook_failed",
            "within 500 ms",
        ),
        (at(closed), "", "webhook_failed", "cannot be reached"),
        (
            "http://169.254.169.254/".into(),
            "",
            "webhook_failed",
            "metadata",
        ),
        (
            "http://2852039166/".into(),
            "",
            "webhook_failed",
            "metadata",
        ),
    ];
    for (url, more, reason, says) in cases {
        let server = gateway(&url, more);
        let mut encoder = publish(&server, "encoder");
        let entry = rejection(&server, reason);
        let received = entry["received"].as_str().unwrap();
        assert!(received.contains(says), "{url}: {entry}");
        assert!(!entry["advice"].as_str().unwrap().is_empty(), "{entry}");
        eventually("the encoder gives up", || encoder.ended());
    }
    assert_eq!(refusing.asked().len(), 1);
}

#[test]
fn a_banned_encoder_is_sent_away_and_comes_back_when_the_ban_is_lifted() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut server = tidegate(
        "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]\n\
         sources: [{ name: cam, srt: { listener: ingest, stream_id: live/cam1, passphrase: publish-secret-1 } }]\n",
    );
    let mut encoder = publish(&server, "encoder");
    server.source_becomes("cam", "connected", |source| {
        source["connection"] == "connected"
    });
    let ban = json!({ "address": "127.0.0.0/8", "reason": "a test" });
    let made = server.http().post("/api/v1/bans", &ban);
    assert_eq!(made.status, 201);
    eventually("it is sent away", || encoder.ended());
    for name in ["again", "after a restart"] {
        let mut again = publish(&server, name);
        eventually("it hears nothing and gives up", || again.ended());
        let rejections = server.http().get("/api/v1/rejections").json();
        assert_eq!(rejections, json!([]), "{name}");
        let ingest = server.http().get("/api/v1/listeners/ingest").json();
        assert!(
            ingest["counters"]["banned"].as_u64() > Some(0),
            "{name}: {ingest}"
        );
        server.process().kill();
        server.restart();
    }
    let path = format!("/api/v1/bans/{}", made.json()["id"]);
    assert_eq!(server.http().delete(&path).status, 204);
    let _encoder = publish(&server, "welcome");
    server.source_becomes("cam", "connected", |source| {
        source["connection"] == "connected"
    });
}
