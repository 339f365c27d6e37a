//! Who may play, and what those get who may not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/raw.rs"]
mod raw;
mod support;

use core::time::Duration;
use std::net::UdpSocket;

use raw::Raw;
use support::{Node, PLAIN, Projector, film};
use tempfile::{TempDir, tempdir};
use tidegate_adapter_rtsp::{ListenerSettings, OutputSettings};
use tidegate_engine::{
    Event, EventKind, ListenerAdapter as _, NoSecrets, OutputAdapter as _, OutputSpec, Rejection,
    Secret, SecretRef,
};
use tidegate_testkit::{eventually, peers};
use tidegate_units::NetworkSet;
use tokio::sync::broadcast::Receiver;

const FILM_SECONDS: u32 = 20;

fn guarded() -> OutputSettings {
    OutputSettings {
        username: Some("alice".into()),
        password: Some(SecretRef::Literal(Secret::new("wonder-land"))),
        ..OutputSettings::at("live/cam1")
    }
}

fn open() -> OutputSettings {
    OutputSettings::at("live/cam1")
}

/// A node whose source plays.
async fn playing(output: &OutputSettings) -> (Node, Projector, TempDir) {
    let folder = tempdir().unwrap();
    let film = film(folder.path(), FILM_SECONDS, PLAIN);
    let node = Node::start(output).await;
    let projector = Projector::start(node.engine.feed("cam1"), &film, FILM_SECONDS);
    (node, projector, folder)
}

/// A second output, without a password.
async fn add_lobby(node: &Node) {
    let spec = OutputSpec {
        source: "cam1".into(),
        driver: node
            .adapter
            .output("lobby", &OutputSettings::at("lobby"), &NoSecrets)
            .unwrap(),
    };
    node.engine.set_output("lobby", spec).await.unwrap();
}

/// Asks what there is until there is something.
fn described(player: &mut Raw) {
    eventually("it is described", || {
        let answer = player.ask("DESCRIBE", "", "");
        answer.contains("200").then_some(())
    });
}

/// The next rejection in the journal.
fn rejection(events: &mut Receiver<Event>) -> Rejection {
    eventually("the journal knows", || match events.try_recv() {
        Ok(event) => match event.kind {
            EventKind::ConnectionRejected(rejection) => Some(rejection),
            _ => None,
        },
        Err(_) => None,
    })
}

fn status_of(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_path_look_the_same_and_are_told_apart_in_the_journal() {
    let node = Node::start(&guarded()).await;
    let mut events = node.engine.events().subscribe();
    let mut said = Vec::new();
    for path in ["live/cam1", "live/cam2"] {
        let mut stranger = Raw::connect(node.bound, path);
        let challenge = stranger.ask("DESCRIBE", "", "");
        let nonce = challenge
            .split("nonce=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let login = format!(
            "Authorization: Digest username=\"alice\", realm=\"Tidegate\", nonce=\"{nonce}\", \
             uri=\"rtsp://host/{path}\", response=\"{:032x}\"\r\n",
            7
        );
        let refused = stranger.ask("DESCRIBE", "", &login);
        said.push((
            status_of(&challenge).to_owned(),
            status_of(&refused).to_owned(),
        ));
        let rejection = rejection(&mut events);
        assert_eq!(rejection.stream_id, path);
        if path == "live/cam1" {
            assert_eq!(rejection.reason, "wrong_password");
        } else {
            assert_eq!(rejection.reason, "unknown_stream");
            assert_eq!(rejection.nearest.as_deref(), Some("live/cam1"));
        }
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0].1.contains("401"), "{said:?}");
    assert_eq!(node.counter("refused_wrong_password"), 1);
    assert_eq!(node.counter("refused_unknown_path"), 1);
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_gives_a_password_is_in_the_journal() {
    let node = Node::start(&guarded()).await;
    let mut events = node.engine.events().subscribe();
    let mut stranger = Raw::connect(node.bound, "live/cam1");
    assert!(stranger.ask("DESCRIBE", "", "").contains("401"));
    drop(stranger);
    assert_eq!(rejection(&mut events).reason, "password_required");
    node.engine.shutdown().await;
}

/// Being let in to one output does not let in to another, in whatever order they are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_path_opens_no_other() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, _projector, _folder) = playing(&guarded()).await;
    add_lobby(&node).await;
    let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
    for is_set_up_before in [false, true] {
        let mut stranger = Raw::connect(node.bound, "lobby");
        described(&mut stranger);
        let set_up = |stranger: &mut Raw| stranger.ask("SETUP", "/trackID=0", transport);
        if is_set_up_before {
            assert!(set_up(&mut stranger).contains(" 200 "));
        }
        stranger.path = "live/cam1".to_owned();
        assert!(stranger.ask("DESCRIBE", "", "").contains(" 401 "));
        stranger.path = "lobby".to_owned();
        if !is_set_up_before {
            assert!(set_up(&mut stranger).contains(" 200 "));
        }
        assert!(stranger.ask("PLAY", "/", "").contains(" 200 "));
        assert!(stranger.read() > 0);
        let readers = |output| node.engine.output_status(output).unwrap().readers;
        assert_eq!(readers("monitor"), 0, "{is_set_up_before}");
        assert_eq!(readers("lobby"), 1, "{is_set_up_before}");
        drop(stranger);
        eventually("it has left", || (readers("lobby") == 0).then_some(()));
    }
    node.engine.shutdown().await;
}

/// A player stays with what it plays, whatever else it asks about, and leaves with it.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_something_else_still_leaves_with_what_it_plays() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, _projector, _folder) = playing(&open()).await;
    add_lobby(&node).await;
    let mut player = Raw::connect(node.bound, "live/cam1");
    described(&mut player);
    assert!(player.play());
    player.path = "lobby".to_owned();
    described(&mut player);
    let removed = node.engine.remove_output("monitor");
    tokio::time::timeout(Duration::from_secs(10), removed)
        .await
        .expect("nobody holds it up")
        .unwrap();
    while player.read() > 0 {}
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_does_not_exist_is_not_found_where_nothing_is_secret() {
    let node = Node::start(&open()).await;
    let mut player = Raw::connect(node.bound, "live/cam9");
    assert!(player.ask("DESCRIBE", "", "").contains(" 404 "));
    // There is no source, so there is nothing to describe.
    let mut player = Raw::connect(node.bound, "live/cam1");
    assert!(player.ask("DESCRIBE", "", "").contains(" 503 "));
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_ends_its_connection_alone() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, _projector, _folder) = playing(&open()).await;
    let mut player = Raw::connect(node.bound, "live/cam1");
    assert!(player.play());
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[b'A'; 20_000],
        &[0x16, 3, 1, 0, 200, b'\r', b'\n', b'\r', b'\n'],
    ] {
        let mut stranger = Raw::connect(node.bound, "x");
        std::io::Write::write_all(&mut stranger.stream, garbage).unwrap();
        if garbage.len() < 20 {
            std::io::Write::write_all(&mut stranger.stream, b"\r\n\r\n").unwrap();
        }
        assert_eq!(stranger.answer(), "");
    }
    assert!(node.counter("malformed") >= 3);
    for _ in 0..100 {
        assert!(player.read() > 0);
    }
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_sends_players_away_and_lets_nobody_in() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, _projector, _folder) = playing(&open()).await;
    let mut player = Raw::connect(node.bound, "live/cam1");
    assert!(player.play());
    let loopback: NetworkSet = [tidegate_units::Network::new([127, 0, 0, 1].into(), 32).unwrap()]
        .into_iter()
        .collect();
    node.adapter.set_bans(loopback);
    while player.read() > 0 {}
    assert_eq!(
        Raw::connect(node.bound, "live/cam1").ask("OPTIONS", "", ""),
        ""
    );
    assert!(node.counter("banned") >= 2);
    node.adapter.set_bans(NetworkSet::default());
    assert!(
        Raw::connect(node.bound, "live/cam1")
            .ask("OPTIONS", "", "")
            .contains("200")
    );
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_limited_and_who_leaves_makes_room() {
    let node = Node::start(&open()).await;
    let mut events = node.engine.events().subscribe();
    let settings = ListenerSettings {
        max_connections_per_address: 2,
        ..ListenerSettings::at(([127, 0, 0, 1], 0).into())
    };
    // Limits change without a stop: the port stays the same.
    let sink = node.engine.events().clone();
    let bound = node
        .adapter
        .set_listener("players", &settings, sink)
        .await
        .unwrap();
    assert_eq!(bound, node.bound);
    let mut inside = [Raw::connect(bound, "x"), Raw::connect(bound, "x")];
    for one in &mut inside {
        assert!(one.ask("OPTIONS", "", "").contains("200"));
    }
    assert_eq!(Raw::connect(bound, "x").ask("OPTIONS", "", ""), "");
    assert_eq!(
        rejection(&mut events).reason,
        "too_many_connections_from_address"
    );
    drop(inside);
    eventually("there is room again", || {
        Raw::connect(bound, "x")
            .ask("OPTIONS", "", "")
            .contains("200")
            .then_some(())
    });
    node.engine.shutdown().await;
}

/// The even one of two free UDP ports.
fn free_pair() -> u16 {
    eventually("two ports are free", || {
        let port = tidegate_testkit::free_udp_port() & !1;
        let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
        (is_free(port) && is_free(port + 1)).then_some(port)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_changes_opens_its_port_again_while_players_are_on_it() {
    let node = Node::start(&open()).await;
    let mut inside = Raw::connect(node.bound, "x");
    assert!(inside.ask("OPTIONS", "", "").contains("200"));
    let settings = ListenerSettings {
        rtp_port: Some(free_pair()),
        ..ListenerSettings::at(node.bound)
    };
    let sink = node.engine.events().clone();
    let bound = node
        .adapter
        .set_listener("players", &settings, sink)
        .await
        .unwrap();
    assert_eq!(bound, node.bound);
    assert_eq!(inside.ask("OPTIONS", "", ""), "");
    assert!(
        Raw::connect(bound, "x")
            .ask("OPTIONS", "", "")
            .contains("200")
    );
    node.adapter.remove_listener("players").await;
    std::net::TcpListener::bind(bound).unwrap();
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_limited_and_sent_away_when_the_output_stops() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let one_reader = OutputSettings {
        max_readers: 1,
        ..open()
    };
    let (node, _projector, _folder) = playing(&one_reader).await;
    let mut player = Raw::connect(node.bound, "live/cam1");
    assert!(player.play());
    let mut second = Raw::connect(node.bound, "live/cam1");
    described(&mut second);
    let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
    assert!(
        second
            .ask("SETUP", "/trackID=0", transport)
            .contains(" 453 ")
    );
    let shown = eventually("the reader is counted", || {
        let status = node.engine.output_status("monitor").unwrap();
        let shown = serde_json::to_value(status).unwrap();
        (shown["detail"]["rtsp"]["readers"][0]["sent_bytes"].as_u64()? > 0).then_some(shown)
    });
    assert_eq!(shown["readers"], 1, "{shown}");
    node.engine.remove_output("monitor").await.unwrap();
    while player.read() > 0 {}
    assert_eq!(second.ask("OPTIONS", "", ""), "");
    node.engine.shutdown().await;
}

/// Media go to the address of the connection alone, and to no port of the system's.
#[tokio::test(flavor = "multi_thread")]
async fn datagrams_go_to_nobody_else() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, _projector, _folder) = playing(&open()).await;
    let victim = UdpSocket::bind("127.0.0.2:0").unwrap();
    victim
        .set_read_timeout(Some(Duration::from_millis(1500)))
        .unwrap();
    let port = victim.local_addr().unwrap().port();
    let own = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    own.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut player = Raw::connect(node.bound, "live/cam1");
    described(&mut player);
    let low = "Transport: RTP/AVP;unicast;client_port=53-54\r\n";
    assert!(player.ask("SETUP", "/trackID=0", low).contains(" 461 "));
    let other = format!(
        "Transport: RTP/AVP;unicast;destination=127.0.0.2;client_port={port}-{}\r\n",
        port.wrapping_add(1).max(1024)
    );
    let agreed = player.ask("SETUP", "/trackID=0", &other);
    assert!(
        agreed.contains("server_port=") && !agreed.contains("127.0.0.2"),
        "{agreed}"
    );
    assert!(
        player
            .ask("PLAY", "/", "")
            .contains("RTP-Info: url=rtsp://host/live/cam1/trackID=0;seq=")
    );
    let mut packet = [0; 2048];
    assert!(own.recv(&mut packet).unwrap() > 12);
    assert!(victim.recv(&mut packet).is_err(), "somebody else got media");
    // The media end with the connection.
    drop(player);
    own.set_read_timeout(Some(Duration::from_millis(1000)))
        .unwrap();
    eventually("the media have ended", || {
        own.recv(&mut packet).is_err().then_some(())
    });
    node.engine.shutdown().await;
}

/// The source's sender goes and comes back, from its beginning: the player's numbers and times
/// go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_comes_back_breaks_no_timeline() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let (node, projector, folder) = playing(&open()).await;
    let mut player = Raw::connect(node.bound, "live/cam1");
    assert!(player.play());
    let mut before = player.packets(200);
    drop(projector);
    let film = folder.path().join("film.ts");
    let _projector = Projector::start(node.engine.feed("cam1"), &film, FILM_SECONDS);
    before.extend(player.packets(200));
    for two in before.windows(2) {
        let [(sequence, timestamp), (next_sequence, next_timestamp)] = two else {
            unreachable!("windows of two");
        };
        assert_eq!(sequence.wrapping_add(1), *next_sequence);
        let step = next_timestamp.wrapping_sub(*timestamp);
        assert!(step < 5 * 90_000, "a step of {step} ticks");
    }
    node.engine.shutdown().await;
}
