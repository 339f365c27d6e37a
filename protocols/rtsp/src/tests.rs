use super::*;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TCP: &str = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";

fn connection() -> Connection {
    Connection::new(PEER, Nonces::new([1; 16]))
}

fn request(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let mut text = format!("{method} rtsp://host:8554/{path} RTSP/1.0\r\nCSeq: 7\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn ask(connection: &mut Connection, bytes: &[u8]) -> Option<Ask> {
    assert_eq!(connection.receive(bytes), bytes.len());
    connection.next_ask().unwrap()
}

fn answer(connection: &mut Connection) -> String {
    String::from_utf8(connection.take_output()).unwrap()
}

fn description() -> Description {
    Description {
        text: b"v=0\r\n".to_vec(),
    }
}

/// Describes and sets one medium up; the session's header line.
fn ready(connection: &mut Connection) -> String {
    let path = "live/cam1".to_owned();
    let asked = ask(connection, &request("DESCRIBE", "live/cam1", &[]));
    assert_eq!(asked, Some(Ask::Access { path: path.clone() }));
    assert_eq!(
        connection.access(Access::Open, 0),
        Some(Ask::Describe { path })
    );
    connection.described(Some(&description()));
    let said = answer(connection);
    assert!(
        said.contains("Content-Base: rtsp://host:8554/live/cam1/\r\n"),
        "{said}"
    );
    assert!(said.ends_with("Content-Length: 5\r\n\r\nv=0\r\n"), "{said}");
    let asked = ask(connection, &request("SETUP", "live/cam1/trackID=0", &[TCP]));
    let Some(Ask::SetUp {
        medium: Some(0),
        offer,
        ..
    }) = asked
    else {
        panic!("the log-in counts for the connection: {asked:?}");
    };
    assert_eq!(offer.lower, Lower::Interleaved(0, 1));
    connection.set_up(SetUp::Agreed {
        server_ports: None,
        ssrc: 0xABCD,
        session: 0x1234,
    });
    let said = answer(connection);
    assert!(said.contains("interleaved=0-1;ssrc=0000ABCD"), "{said}");
    assert!(
        said.contains("Session: 0000000000001234;timeout=60\r\n"),
        "{said}"
    );
    "Session: 0000000000001234".to_owned()
}

fn playing(connection: &mut Connection) -> String {
    let session = ready(connection);
    let asked = ask(connection, &request("PLAY", "live/cam1/", &[&session]));
    assert_eq!(asked, Some(Ask::Play));
    connection.played(Some(&[RtpInfo {
        medium: 0,
        sequence: 5,
        timestamp: 9,
    }]));
    let said = answer(connection);
    let info = "RTP-Info: url=rtsp://host:8554/live/cam1/trackID=0;seq=5;rtptime=9\r\n";
    assert!(said.contains(info), "{said}");
    session
}

#[test]
fn a_client_plays_and_leaves() {
    let mut connection = connection();
    assert_eq!(ask(&mut connection, &request("OPTIONS", "x", &[])), None);
    assert!(answer(&mut connection).contains("Public: OPTIONS, DESCRIBE"));
    let session = playing(&mut connection);
    assert!(connection.take_alive());
    assert!(!connection.take_alive());
    let keep_alive = request("GET_PARAMETER", "live/cam1/", &[&session]);
    assert_eq!(ask(&mut connection, &keep_alive), None);
    assert!(answer(&mut connection).starts_with("RTSP/1.0 200 OK\r\nCSeq: 7\r\n"));
    assert!(connection.take_alive());
    let over = ask(
        &mut connection,
        &request("TEARDOWN", "live/cam1/", &[&session]),
    );
    assert_eq!(over, Some(Ask::TearDown));
    assert!(answer(&mut connection).starts_with("RTSP/1.0 200"));
    let again = ask(&mut connection, &request("DESCRIBE", "live/cam1", &[]));
    assert!(matches!(again, Some(Ask::Describe { .. })), "{again:?}");
}

#[test]
fn another_path_is_asked_about_anew() {
    let mut connection = connection();
    ready(&mut connection);
    let asked = ask(&mut connection, &request("DESCRIBE", "live/cam2", &[]));
    let path = "live/cam2".to_owned();
    assert_eq!(asked, Some(Ask::Access { path: path.clone() }));
    let denied = connection.access(Access::Unknown, 0);
    let why = Denied::UnknownPath;
    assert_eq!(denied, Some(Ask::Denied { path, why }));
    assert!(answer(&mut connection).starts_with("RTSP/1.0 404"));
    ask(&mut connection, &request("DESCRIBE", "live/cam3", &[]));
    let denied = connection.access(Access::NotFromThere, 0);
    let (path, why) = ("live/cam3".to_owned(), Denied::NotFromThere);
    assert_eq!(denied, Some(Ask::Denied { path, why }));
    assert!(answer(&mut connection).starts_with("RTSP/1.0 403"));
}

#[test]
fn a_login_is_forgotten_when_something_else_is_asked_for() {
    let mut connection = connection();
    ready(&mut connection);
    ask(&mut connection, &request("DESCRIBE", "live/cam2", &[]));
    let guarded = Access::Password {
        username: "alice",
        password: "wonderland",
    };
    assert_eq!(connection.access(guarded, 0), None);
    let asked = ask(&mut connection, &request("DESCRIBE", "live/cam1", &[]));
    let path = "live/cam1".to_owned();
    assert_eq!(asked, Some(Ask::Access { path }));
}

#[test]
fn who_finds_no_room_any_more_may_ask_again() {
    let mut connection = connection();
    let session = ready(&mut connection);
    for is_full in [true, false] {
        let asked = ask(&mut connection, &request("PLAY", "live/cam1/", &[&session]));
        assert_eq!(asked, Some(Ask::Play));
        connection.played((!is_full).then_some(&[]));
        let status = if is_full { 453 } else { 200 };
        let said = answer(&mut connection);
        assert!(said.starts_with(&format!("RTSP/1.0 {status} ")), "{said}");
    }
}

#[test]
fn requests_out_of_turn_are_refused() {
    let mut fresh = connection();
    for (method, status) in [
        ("PLAY", 455),
        ("TEARDOWN", 454),
        ("PAUSE", 405),
        ("RECORD", 405),
        ("ANNOUNCE", 405),
        ("REDIRECT", 501),
        ("NONSENSE", 501),
        ("SETUP", 461),
    ] {
        assert_eq!(ask(&mut fresh, &request(method, "live/cam1", &[])), None);
        let said = answer(&mut fresh);
        assert!(
            said.starts_with(&format!("RTSP/1.0 {status} ")),
            "{method}: {said}"
        );
    }
    let mut ready_one = connection();
    ready(&mut ready_one);
    for headers in [&[TCP][..], &[TCP, "Session: 1"]] {
        let other = request("SETUP", "live/cam1/trackID=1", headers);
        assert_eq!(ask(&mut ready_one, &other), None);
        assert!(answer(&mut ready_one).starts_with("RTSP/1.0 454"));
    }
    let mut playing_one = connection();
    let session = playing(&mut playing_one);
    let late = request("SETUP", "live/cam1/trackID=1", &[TCP, &session]);
    assert_eq!(ask(&mut playing_one, &late), None);
    assert!(answer(&mut playing_one).starts_with("RTSP/1.0 455"));
}

#[test]
fn a_password_is_asked_for_and_three_wrong_ones_end_it() {
    let mut connection = connection();
    let access = Access::Password {
        username: "alice",
        password: "wonderland",
    };
    ask(&mut connection, &request("DESCRIBE", "live/cam1", &[]));
    assert_eq!(connection.access(access, 5), None);
    let said = answer(&mut connection);
    assert!(said.starts_with("RTSP/1.0 401"), "{said}");
    assert_eq!(
        said.matches("WWW-Authenticate: Digest realm=\"Tidegate\"")
            .count(),
        2
    );
    assert_eq!(connection.unanswered_challenge(), Some("live/cam1"));
    let nonce = said
        .split("nonce=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let wrong = format!(
        "Authorization: Digest username=\"alice\", realm=\"Tidegate\", nonce=\"{nonce}\", \
         uri=\"rtsp://host:8554/live/cam1\", response=\"00000000000000000000000000000000\""
    );
    for round in 1..=3 {
        ask(
            &mut connection,
            &request("DESCRIBE", "live/cam1", &[&wrong]),
        );
        let denied = connection.access(access, 6);
        assert!(matches!(
            denied,
            Some(Ask::Denied {
                why: Denied::WrongPassword,
                ..
            })
        ));
        assert!(answer(&mut connection).starts_with("RTSP/1.0 401"));
        assert_eq!(connection.is_over(), round == 3);
    }
    assert_eq!(connection.unanswered_challenge(), None);
}

#[test]
fn an_old_nonce_is_replaced_without_blame() {
    let mut connection = connection();
    let access = Access::Password {
        username: "alice",
        password: "wonderland",
    };
    let old = "Authorization: Digest username=\"alice\", nonce=\"old\", response=\"x\"";
    ask(&mut connection, &request("DESCRIBE", "live/cam1", &[old]));
    assert_eq!(connection.access(access, 5), None);
    assert!(answer(&mut connection).contains("stale=TRUE"));
}

#[test]
fn packets_between_requests_are_passed_over() {
    let mut connection = connection();
    let session = playing(&mut connection);
    let mut bytes = vec![b'$', 1, 0xFF, 0xFF];
    bytes.extend(vec![0; 65_535]);
    bytes.extend(request("OPTIONS", "x", &[&session]));
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let taken = connection.receive(rest);
        rest = &rest[taken..];
        assert_eq!(connection.next_ask().unwrap(), None);
    }
    assert!(answer(&mut connection).contains("Public"));
}

#[test]
fn a_request_without_end_ends_the_connection() {
    let mut endless = connection();
    let line = b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
    endless.receive(b"OPTIONS rtsp://h/ RTSP/1.0\r\n");
    let broken = (0..1000).find_map(|_| {
        endless.receive(line);
        endless.next_ask().err()
    });
    assert_eq!(broken, Some(Broken::TooLong));
    let mut greedy = connection();
    let body = request("SET_PARAMETER", "x", &["Content-Length: 4000000000"]);
    assert_eq!(ask(&mut greedy, &body), None);
    greedy.receive(&vec![b'x'; MESSAGE_BYTES_MAX]);
    assert_eq!(greedy.next_ask(), Err(Broken::TooLong));
    let mut other = connection();
    other.receive(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(other.next_ask(), Err(Broken::Nonsense));
}

#[test]
fn what_a_client_writes_makes_no_header_of_ours() {
    let mut connection = connection();
    let odd = b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n Injected: yes\r\n\r\n";
    assert_eq!(ask(&mut connection, odd), None);
    let said = answer(&mut connection);
    assert!(
        said.starts_with("RTSP/1.0 400") && !said.contains("Injected"),
        "{said}"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic_and_little_is_kept(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                Just(request("DESCRIBE", "a", &[])),
                Just(request("SETUP", "a/trackID=0", &[TCP])),
                Just(b"\r\n\r\n$\0\0\x05".to_vec()),
            ],
            0..20,
        )
    ) {
        let mut connection = connection();
        for piece in pieces {
            connection.receive(&piece);
            while let Ok(Some(asked)) = connection.next_ask() {
                match asked {
                    Ask::Access { .. } => {
                        connection.access(Access::Open, 1);
                        connection.described(None);
                    }
                    Ask::Describe { .. } => connection.described(Some(&description())),
                    Ask::SetUp { .. } => connection.set_up(SetUp::TooMany),
                    Ask::Play => connection.played(Some(&[])),
                    Ask::TearDown | Ask::Denied { .. } => {}
                }
            }
        }
    }
}
