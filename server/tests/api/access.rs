//! Who gets in, and where.

use serde_json::Value;

use crate::client::{Answer, send};
use crate::{STATION, tidegate};

const PASSWORD: &str = "correct horse battery staple";
const OPEN: [(&str, &str); 3] = [
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("post", "/api/v1/session"),
];

/// Every operation of the OpenAPI document, with names put into its path.
fn operations(document: &Value) -> Vec<(String, String)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{name}", "cam1")
            .replace("{output}", "watch")
            .replace("{id}", "1");
        let path = path.replace("{path}", "index.m3u8");
        for method in item.as_object().unwrap().keys() {
            if ["get", "put", "post", "delete", "patch"].contains(&method.as_str()) {
                operations.push((method.clone(), path.clone()));
            }
        }
    }
    assert!(operations.len() > 25, "{operations:?}");
    operations
}

fn login(base: &str, password: &str) -> Answer {
    let body = serde_json::json!({ "user": "admin", "password": password }).to_string();
    let json = [("content-type", "application/json")];
    send(base, "POST", "/api/v1/session", &json, Some(&body))
}

fn cookie(answer: &Answer) -> String {
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn no_operation_answers_a_stranger_except_the_open_ones() {
    let tidegate = tidegate(STATION);
    let base = tidegate.http().base();
    let document = tidegate.http().get("/api/v1/openapi.json").json();
    let strangers: [&[(&str, &str)]; 5] = [
        &[],
        &[("authorization", "Bearer wrong")],
        &[("authorization", "Basic YWRtaW46YWRtaW4=")],
        &[(
            "cookie",
            "tidegate_session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        )],
        &[("cookie", "tidegate_session="), ("x-tidegate-csrf", "1")],
    ];
    for (method, path) in operations(&document) {
        for headers in strangers {
            let status = send(base, &method.to_uppercase(), &path, headers, None).status;
            let open = OPEN.contains(&(method.as_str(), path.as_str()));
            assert_eq!(
                status != 401,
                open,
                "{method} {path} with {headers:?}: {status}"
            );
        }
    }
    assert_eq!(
        tidegate.source("cam1")["name"],
        "cam1",
        "nothing was deleted meanwhile"
    );
}

#[test]
fn what_is_not_in_the_document_is_not_there_for_strangers_either() {
    let tidegate = tidegate("");
    let base = tidegate.http().base();
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/sources",
        "/hls/x",
        "/metrics/x",
        "/whep/x",
    ] {
        assert_eq!(send(base, "GET", path, &[], None).status, 401, "{path}");
    }
    for path in [
        "//api/v1/sources",
        "/x/..%2fapi/v1/sources",
        "/%61pi/v1/sources",
    ] {
        let answer = send(base, "GET", path, &[], None);
        assert!(
            !answer.text.contains("\"revision\""),
            "{path}: {}",
            answer.text
        );
    }
}

#[test]
fn a_session_reads_with_its_cookie_and_writes_with_the_header_besides() {
    let tidegate = tidegate(STATION);
    let base = tidegate.http().base();
    let answer = login(base, PASSWORD);
    assert_eq!(answer.status, 204, "{}", answer.text);
    let set = answer.header("set-cookie");
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict"),
        "{set}"
    );
    let cookie = cookie(&answer);
    let session = [("cookie", cookie.as_str())];
    let who = send(base, "GET", "/api/v1/session", &session, None);
    assert_eq!(who.json()["user"], "admin");

    let delete = |headers: &[(&str, &str)]| {
        send(base, "DELETE", "/api/v1/outputs/playout", headers, None).status
    };
    assert_eq!(delete(&session), 403);
    assert_eq!(delete(&[session[0], ("x-tidegate-csrf", "1")]), 204);

    let csrf = [session[0], ("x-tidegate-csrf", "1")];
    assert_eq!(
        send(base, "DELETE", "/api/v1/session", &csrf, None).status,
        204
    );
    assert_eq!(
        send(base, "GET", "/api/v1/session", &session, None).status,
        401
    );
}

#[test]
fn a_live_stream_ends_with_the_login_it_began_with() {
    use std::io::{Read, Write};
    let tidegate = tidegate("");
    let base = tidegate.http().base();
    let cookie = cookie(&login(base, PASSWORD));
    let address = base.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let patience = std::time::Duration::from_secs(30);
    stream.set_read_timeout(Some(patience)).unwrap();
    write!(
        stream,
        "GET /api/v1/stream HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\
         connection: close\r\n\r\n"
    )
    .unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");

    let headers = [("cookie", cookie.as_str()), ("x-tidegate-csrf", "1")];
    let answer = send(base, "DELETE", "/api/v1/session", &headers, None);
    assert_eq!(answer.status, 204);
    let began = std::time::Instant::now();
    let mut rest = Vec::new();
    while began.elapsed() < patience {
        let mut some = [0; 4096];
        match stream.read(&mut some).unwrap() {
            0 => return,
            length => rest.extend_from_slice(&some[..length]),
        }
    }
    panic!("still open after {} bytes", rest.len());
}

#[test]
fn every_operation_refuses_a_session_that_writes_without_the_header() {
    let tidegate = tidegate(STATION);
    let base = tidegate.http().base();
    let document = tidegate.http().get("/api/v1/openapi.json").json();
    let cookie = cookie(&login(base, PASSWORD));
    for (method, path) in operations(&document) {
        let open = OPEN.contains(&(method.as_str(), path.as_str()));
        if method == "get" || open {
            continue;
        }
        let headers = [("cookie", cookie.as_str())];
        let status = send(base, &method.to_uppercase(), &path, &headers, None).status;
        assert_eq!(status, 403, "{method} {path}");
    }
}

#[test]
fn guessing_passwords_is_slowed_down() {
    let tidegate = tidegate("");
    let base = tidegate.http().base();
    for _ in 0..5 {
        assert_eq!(login(base, "wrong").status, 401);
    }
    let slowed = login(base, "wrong");
    assert_eq!(slowed.status, 429);
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() > 0);
    // Not even the right one, or a guesser would know by the answer.
    assert_eq!(login(base, PASSWORD).status, 429);
}

#[test]
fn pages_carry_headers_that_keep_browsers_out_of_trouble() {
    let tidegate = tidegate("");
    let base = tidegate.http().base();
    for path in ["/", "/sources/cam1", "/api/v1/sources"] {
        let answer = send(base, "GET", path, &[], None);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
    let page = send(base, "GET", "/sources/cam1", &[], None);
    assert_eq!(
        (page.status, page.header("cache-control").as_str()),
        (200, "no-cache")
    );
    assert!(page.header("content-type").starts_with("text/html"));
}

#[test]
fn a_body_that_is_too_long_or_no_text_is_refused() {
    let tidegate = tidegate("");
    let base = tidegate.http().base();
    let token = format!("Bearer {}", tidegate.token());
    let authorized = ("authorization", token.as_str());
    let put = |kind: &str, body: &str| {
        let headers = [authorized, ("content-type", kind)];
        send(base, "PUT", "/api/v1/sources/x", &headers, Some(body)).status
    };
    assert_eq!(put("application/json", &"x".repeat((1 << 20) + 1)), 413);
    assert_eq!(put("application/x-www-form-urlencoded", "name=x"), 415);
    assert_eq!(put("text/plain", "{}"), 415);
    assert_eq!(put("application/json", "{"), 422);
    let deep = "[".repeat(100_000);
    assert_eq!(put("application/json", &deep), 422);
    assert_eq!(put("application/yaml", &deep), 422);
}
