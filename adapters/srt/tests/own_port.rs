//! Streams with a port of their own, and one port for both address families.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod common;

use std::net::SocketAddr;

use common::{Bed, PASSPHRASE, Receiving};
use tidegate_adapter_srt::{ListenerSettings, SourceSettings};
use tidegate_engine::{
    ListenerAdapter, ListenerStatus, NoSecrets, RunError, SourceAdapter, SourceSpec,
};
use tidegate_testkit::{Process, eventually, free_udp_port, media, peers};
use tidegate_udp::{Options, Socket};

#[test]
fn a_device_without_a_stream_id_sends_to_the_streams_own_port() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::new();
    let (camera, player) = (free_udp_port(), free_udp_port());
    bed.source("cam1", &format!(r#"{{ "bind": "127.0.0.1:{camera}" }}"#));
    let settings = format!(r#"{{ "bind": "127.0.0.1:{player}", "passphrase": "{PASSPHRASE}" }}"#);
    bed.output("out", "cam1", &settings);
    let sent = media::numbered_ts(7 * 600);
    let from = format!("srt://127.0.0.1:{player}?passphrase={PASSPHRASE}&streamid=anything");
    let receiving = Receiving::start("receiver", &from, bed.folder());
    eventually("the reader is there", || {
        let status = serde_json::to_value(bed.output_status("out")).ok()?;
        (status["readers"] == 1).then_some(())
    });
    let _sender = bed.send("cam1", &format!("srt://127.0.0.1:{camera}"), &sent);
    receiving.gathered.assert_carried(&sent);
}

/// ffmpeg as the devices: it names no stream.
#[test]
fn every_stream_has_a_port_of_its_listeners_range_and_the_listeners_rules() {
    if !peers::have(&["ffmpeg", "srt-live-transmit"]) {
        return;
    }
    // They are given out in order, up to the last one there is.
    let mut pairs = std::iter::repeat_with(|| (free_udp_port(), free_udp_port()));
    let (first, last) = pairs.find(|(first, last)| first < last).unwrap();
    let listener = |passphrase: &str| {
        format!(
            r#"{{ "bind": "127.0.0.1:0", "port_range": "{first}-{last}",
                "passphrase": "{passphrase}", "max_connections": 2, "tos": 136 }}"#
        )
    };
    let (old, new) = ("the devices' passphrase", "another one for devices");
    let bed = Bed::new();
    let settings = serde_json::from_str(&listener(old)).unwrap();
    let set = |settings: &ListenerSettings| {
        let events = bed.engine.events().clone();
        let set = bed.adapter.set_listener("devices", settings, events);
        bed.runtime.block_on(set).unwrap();
    };
    set(&settings);
    let source = |port: u16| format!(r#"{{ "listener": "devices", "port": {port} }}"#);
    let call = |port: u16, passphrase: &str| {
        format!("srt://127.0.0.1:{port}?pkt_size=1316&passphrase={passphrase}")
    };
    let mut cameras = Vec::new();
    for (name, port) in [("cam1", first), ("cam2", last)] {
        bed.source(name, &source(port));
        cameras.push(peers::test_picture(name, &call(port, old), bed.folder()));
        bed.wait_connected(name);
    }
    // The listener's limit holds for all of its ports together.
    let one_more = format!("srt://127.0.0.1:{first}?passphrase={old}");
    let mut command = std::process::Command::new("srt-live-transmit");
    command.args(["-q", "-a:no", "file://con", &one_more]);
    let _third = Process::with_input("third", &mut command, bed.folder());
    assert!(bed.rejection("").expected.unwrap().contains('2'));

    // What changes at the listener changes there: who has the old passphrase is sent away.
    set(&serde_json::from_str(&listener(new)).unwrap());
    for name in ["cam1", "cam2"] {
        eventually("it is sent away", || {
            (!bed.is_connected(name)).then_some(())
        });
    }
    drop(cameras);
    let _camera = peers::test_picture("again", &call(last, new), bed.folder());
    bed.wait_connected("cam2");
    let settings: SourceSettings = serde_json::from_str(&source(last)).unwrap();
    let status = SourceAdapter::port_status(&bed.adapter, &settings).unwrap();
    assert_eq!(status.bound.unwrap().port(), last);
    assert_eq!(status.counters["connections_max"], 2);
    assert!(status.counters["datagrams"].as_u64() > Some(10));
}

#[test]
fn a_port_of_a_range_waits_for_its_listener() {
    let bed = Bed::new();
    let port = free_udp_port();
    let settings = format!(r#"{{ "listener": "devices", "port": {port} }}"#);
    bed.change_source("cam1", &settings);
    eventually("it says what it waits for", || {
        let error = bed.source_status("cam1")?.last_error?;
        error.contains("listener devices is not open").then_some(())
    });
    let listener = format!(r#"{{ "bind": "127.0.0.1:0", "port_range": "{port}-{port}" }}"#);
    let listener: ListenerSettings = serde_json::from_str(&listener).unwrap();
    let events = bed.engine.events().clone();
    let set = bed.adapter.set_listener("devices", &listener, events);
    bed.runtime.block_on(set).unwrap();
    eventually("it is open", || {
        let status = bed.source_status("cam1")?;
        (status.connection_reason.as_deref() == Some("waiting for the sender")).then_some(())
    });
}

/// Sets the listener `devices`, whose range is this port alone.
fn set_devices(bed: &Bed, bind: &str, port: u16, more: &str) -> Result<SocketAddr, RunError> {
    let settings = format!(r#"{{ "bind": "{bind}", "port_range": "{port}-{port}" {more} }}"#);
    let settings: ListenerSettings = serde_json::from_str(&settings).unwrap();
    let events = bed.engine.events().clone();
    let set = bed.adapter.set_listener("devices", &settings, events);
    bed.runtime.block_on(set)
}

/// The port of the listener `devices` that a source has.
fn port_status(bed: &Bed, settings: &str) -> Option<ListenerStatus> {
    let settings: SourceSettings = serde_json::from_str(settings).unwrap();
    SourceAdapter::port_status(&bed.adapter, &settings)
}

#[test]
fn a_port_that_can_neither_change_nor_stay_is_tried_again_until_it_opens() {
    let bed = Bed::new();
    let port = free_udp_port();
    let set = |tos: &str| set_devices(&bed, "127.0.0.1:0", port, tos);
    set("").unwrap();
    let settings = format!(r#"{{ "listener": "devices", "port": {port} }}"#);
    bed.source("cam1", &settings);
    let status = || port_status(&bed, &settings).unwrap();
    eventually("the port is open", || status().bound);
    // As long as both share the port nothing is amiss; once closed, it cannot be had again.
    let shared = Options {
        reuse_port: true,
        ..Options::default()
    };
    let other = Socket::bind(([127, 0, 0, 1], port).into(), &shared).unwrap();
    for _ in 0..3 {
        let error = set(r#", "tos": 136"#).unwrap_err();
        assert!(error.message.contains(&port.to_string()), "{error}");
        assert!(status().bound.is_none());
        assert!(status().error.unwrap().contains("in use"));
    }
    drop(other);
    set(r#", "tos": 136"#).unwrap();
    assert_eq!(status().bound.unwrap().port(), port);
    assert_eq!(status().error, None);
}

#[test]
fn what_a_removed_listener_asked_for_opens_no_port_of_its_range() {
    let bed = Bed::new();
    let port = free_udp_port();
    let old = r#", "passphrase": "the devices' passphrase""#;
    set_devices(&bed, "127.0.0.1:0", port, old).unwrap();
    bed.runtime.block_on(bed.adapter.remove_listener("devices"));
    let taken = format!("127.0.0.1:{}", bed.port);
    set_devices(&bed, &taken, port, "").unwrap_err();
    let settings = format!(r#"{{ "listener": "devices", "port": {port} }}"#);
    bed.change_source("cam1", &settings);
    eventually("it says what it waits for", || {
        let status = bed.source_status("cam1")?;
        let reason = status.connection_reason;
        assert_ne!(reason.as_deref(), Some("waiting for the sender"));
        let error = status.last_error?;
        error.contains("listener devices is not open").then_some(())
    });
    std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn two_streams_on_one_port_are_an_error_that_names_both() {
    let bed = Bed::new();
    let port = free_udp_port();
    let settings = format!(r#"{{ "bind": "127.0.0.1:{port}" }}"#);
    bed.source("cam1", &settings);
    bed.output(
        "out",
        "cam1",
        &format!(r#"{{ "bind": "127.0.0.1:{port}", "open": true }}"#),
    );
    eventually("the error is told", || {
        let error = bed.output_status("out").last_error?;
        (error.contains(&port.to_string()) && error.contains("source cam1")).then_some(())
    });
}

/// Makes sources of the driver settings, all at the same time as the reconciler does.
fn change_together(bed: &Bed, changes: &[(&str, String)]) {
    let changes = changes.iter().map(|(name, settings)| {
        let settings = serde_json::from_str(settings).unwrap();
        let driver = bed.adapter.source(name, &settings, &NoSecrets).unwrap();
        let spec = SourceSpec {
            driver,
            expect: None,
        };
        let (engine, name) = (bed.engine.clone(), (*name).to_owned());
        bed.runtime
            .spawn(async move { engine.set_source(&name, spec).await })
    });
    for change in changes.collect::<Vec<_>>() {
        bed.runtime.block_on(change).unwrap().unwrap();
    }
}

#[test]
fn two_streams_swap_their_ports_or_stream_ids_in_one_change() {
    let bed = Bed::new();
    let ports = [free_udp_port(), free_udp_port()];
    let own = |index: usize| format!(r#"{{ "bind": "127.0.0.1:{}" }}"#, ports[index]);
    let named = |id: &str| format!(r#"{{ "listener": "ingest", "stream_id": "{id}" }}"#);
    for (one, two) in [(own(0), own(1)), (named("a"), named("b"))] {
        change_together(&bed, &[("cam1", one.clone()), ("cam2", two.clone())]);
        for _ in 0..3 {
            change_together(&bed, &[("cam1", two.clone()), ("cam2", one.clone())]);
            change_together(&bed, &[("cam1", one.clone()), ("cam2", two.clone())]);
        }
        for name in ["cam1", "cam2"] {
            eventually("it waits for its sender", || {
                let status = bed.source_status(name)?;
                let waits = status.connection_reason.as_deref() == Some("waiting for the sender");
                (waits && status.last_error.is_none()).then_some(())
            });
        }
    }
}

#[test]
fn a_stream_whose_place_is_taken_gets_it_when_it_is_free() {
    let bed = Bed::new();
    let port = free_udp_port();
    let settings = format!(r#"{{ "bind": "127.0.0.1:{port}" }}"#);
    bed.source("cam1", &settings);
    bed.change_source("cam2", &settings);
    eventually("the second one is told", || {
        let status = bed.source_status("cam2")?;
        let told = status
            .last_error
            .is_some_and(|error| error.contains("cam1"));
        (told && !status.resting).then_some(())
    });
    bed.runtime
        .block_on(bed.engine.remove_source("cam1"))
        .unwrap();
    eventually("the second one has the port", || {
        let status = bed.source_status("cam2")?;
        (status.connection_reason.as_deref() == Some("waiting for the sender")).then_some(())
    });
}

#[test]
fn a_streams_port_is_free_again_when_the_stream_is_gone() {
    let bed = Bed::new();
    let port = free_udp_port();
    bed.source("cam1", &format!(r#"{{ "bind": "127.0.0.1:{port}" }}"#));
    eventually("the port is taken", || {
        std::net::UdpSocket::bind(("127.0.0.1", port))
            .is_err()
            .then_some(())
    });
    bed.runtime
        .block_on(bed.engine.remove_source("cam1"))
        .unwrap();
    eventually("the port is free", || {
        std::net::UdpSocket::bind(("127.0.0.1", port))
            .ok()
            .map(drop)
    });
}

#[test]
fn one_port_takes_ipv4_and_ipv6_and_shows_each_as_it_is() {
    if !peers::have(&["srt-live-transmit"]) {
        return;
    }
    let bed = Bed::with_listener(r#"{ "bind": "[::]:0", "tos": 136, "ttl": 33 }"#);
    let sent = media::numbered_ts(7 * 300);
    for (name, host, shown) in [
        ("four", "127.0.0.1", "127.0.0.1:"),
        ("six", "[::1]", "[::1]:"),
    ] {
        let settings = format!(r#"{{ "listener": "ingest", "stream_id": "{name}" }}"#);
        bed.source(name, &settings);
        let gathered = bed.gather(name);
        let url = format!("srt://{host}:{}?streamid={name}", bed.port);
        let _sender = bed.send(name, &url, &sent);
        gathered.assert_carried(&sent);
        let status = serde_json::to_string(&bed.source_status(name).unwrap()).unwrap();
        assert!(status.contains(shown), "{status}");
        assert!(!status.contains("ffff"), "{status}");
    }
}

#[test]
fn an_ipv4_address_written_as_ipv6_can_be_called() {
    let bed = Bed::new();
    bed.source("cam1", r#"{ "listener": "ingest", "stream_id": "in" }"#);
    let port = bed.port;
    bed.output(
        "push",
        "cam1",
        &format!(r#"{{ "call": "srt://[::ffff:127.0.0.1]:{port}?streamid=in" }}"#),
    );
    bed.wait_connected("cam1");
}

/// What an induction to 127.0.0.1 is answered with: the reply's type of service and its time to
/// live.
const PROBE: &str = "
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.setsockopt(socket.IPPROTO_IP, 13, 1)  # IP_RECVTOS
s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
head = struct.pack('>4I', 0x80000000, 0, 0, 0)
induction = head + struct.pack('>12I', 4, 2, 1000, 1500, 8192, 1, 77, 0, 0, 0, 0, 0)
for _ in range(200):
    s.sendto(induction, ('127.0.0.1', int(sys.argv[1])))
    try:
        _, found, _, _ = s.recvmsg(2048, 256)
        break
    except TimeoutError:
        pass
    except ConnectionRefusedError:
        time.sleep(0.1)
print(*[int.from_bytes(data, 'little') for (_, kind, data) in sorted(found)])
";

#[test]
fn a_port_of_its_own_is_set_as_the_stream_says() {
    if !peers::have(&["python3"]) {
        return;
    }
    let bed = Bed::new();
    let port = free_udp_port();
    let set = |tos: u8, ttl: u8| {
        let marks = format!(r#""interface": "lo", "tos": {tos}, "ttl": {ttl}"#);
        bed.change_source(
            "cam1",
            &format!(r#"{{ "bind": "127.0.0.1:{port}", {marks} }}"#),
        );
    };
    let answer = || {
        let mut probe = std::process::Command::new("python3");
        let probe = probe.args(["-c", PROBE, &port.to_string()]).output();
        String::from_utf8(probe.unwrap().stdout).unwrap()
    };
    set(184, 33);
    assert_eq!(answer(), "184 33\n");
    set(136, 7);
    eventually("the change is there", || {
        (answer() == "136 7\n").then_some(())
    });
    let elsewhere = format!(r#"{{ "bind": "127.0.0.1:{port}", "interface": "nowhere0" }}"#);
    bed.change_source("cam1", &elsewhere);
    eventually("the interface that is missing is named", || {
        let error = bed.source_status("cam1")?.last_error?;
        error.contains("no such interface").then_some(())
    });
}
