//! A range of ports on a listener, one for each device that cannot name a stream.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use crate::tidegate;
use serde_json::{Value, json};
use tidegate_testkit::peers::{have, test_picture};
use tidegate_testkit::{Tidegate, eventually, free_udp_port};

/// `SIGSTOP` and `SIGCONT`.
const STOP: i32 = 19;
const CONTINUE: i32 = 18;
/// More than a socket can be made to hold by its owner.
const FLOOD_BYTES: usize = 64 << 20;

/// ffmpeg is the device: it calls a port, and names no stream.
#[test]
fn a_device_without_a_stream_id_gets_the_next_port_of_the_range() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut pairs = std::iter::repeat_with(|| (free_udp_port(), free_udp_port()));
    let (first, last) = pairs.find(|(first, last)| first + 1 == *last).unwrap();
    let server = tidegate(&format!(
        "listeners: [{{ name: devices, srt: {{ bind: \"127.0.0.1:0\", \
         port_range: {first}-{last} }} }}]\n\
         sources: [{{ name: cam1, srt: {{ listener: devices, port: {first} }} }}]\n"
    ));
    let http = server.http();
    let next = || http.get("/api/v1/listeners/devices").json()["next_port"].clone();
    let port = next();
    assert_eq!(port, last);
    let put = |name: &str, port: &Value| {
        let body = json!({ "name": name, "srt": { "listener": "devices", "port": port } });
        http.put(&format!("/api/v1/sources/{name}"), &body)
    };
    assert_eq!(put("cam2", &port).status, 201);
    assert_eq!(next(), Value::Null);

    let handout = http.get("/api/v1/handout/sources/cam2").json();
    assert_eq!(
        (&handout["port"], &handout["stream_id"]),
        (&port, &json!(""))
    );
    let url = server.source("cam2")["url"].as_str().unwrap().to_owned();
    assert!(url.ends_with(&format!(":{port}")), "{url}");
    let to = format!("srt://127.0.0.1:{port}?pkt_size=1316");
    let _device = test_picture("device", &to, server.folder());
    let view = server.source_becomes("cam2", "has its device", |view| {
        view["connection"] == "connected" && view["port"]["counters"]["connections"] == 1
    });
    assert_eq!(view["port"]["bound"], format!("127.0.0.1:{port}"));
    assert_eq!(view["port"]["error"], Value::Null);
    assert_eq!(server.source("cam1")["port"]["counters"]["connections"], 0);
    eventually("its figures are there for Prometheus", || {
        let text = http.get("/metrics").text();
        let has = |line: &str| text.lines().any(|had| had.starts_with(line));
        let bound = has("tidegate_source_port_bound{name=\"cam2\",kind=\"srt\"} 1");
        let accepted = has("tidegate_source_port_figure{name=\"cam2\",figure=\"accepted\"} 1");
        (bound && accepted).then_some(())
    });

    let refused = put("cam3", &port).json();
    let said = refused.to_string();
    assert!(
        said.contains("already opened by source \\\"cam2\\\""),
        "{said}"
    );
    assert!(
        said.contains("All 2 ports of \\\"devices\\\" are taken"),
        "{said}"
    );
}

#[test]
fn a_port_that_another_program_has_is_said_at_its_stream() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = tidegate(&format!(
        "listeners: [{{ name: devices, srt: {{ bind: \"127.0.0.1:0\", \
         port_range: {port}-{port} }} }}]\n\
         sources: [{{ name: cam1, srt: {{ listener: devices, port: {port} }} }}]\n"
    ));
    let view = server.source_becomes("cam1", "says why its port is not open", |view| {
        view["port"]["error"].is_string()
    });
    assert_eq!(view["port"]["bound"], Value::Null);
    let error = view["port"]["error"].as_str().unwrap();
    assert!(error.contains(&port.to_string()), "{error}");
    drop(taken);
    server.source_becomes("cam1", "has its port", |view| {
        view["port"]["bound"].is_string() && view["port"]["error"].is_null()
    });
}

/// While the program is stopped nobody reads from its port, and the host's buffer overflows.
#[test]
fn what_the_host_drops_at_a_port_is_told_at_its_stream() {
    let (port, beside) = (free_udp_port(), free_udp_port());
    let (first, last) = (port.min(beside), port.max(beside));
    let mut server = tidegate(&format!(
        "listeners: [{{ name: devices, srt: {{ bind: \"127.0.0.1:0\", \
         port_range: {first}-{last} }} }}]\n\
         sources: [{{ name: cam1, srt: {{ listener: devices, port: {port} }} }}, \
         {{ name: cam2, srt: {{ listener: devices, port: {beside} }} }}]\n"
    ));
    let is_open = |view: &Value| view["port"]["bound"].is_string();
    server.source_becomes("cam1", "has its port", is_open);
    server.source_becomes("cam2", "has its port", is_open);
    let flood = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    server.process().signal(STOP);
    for _ in 0..FLOOD_BYTES / 1400 {
        flood.send_to(&[0; 1400], ("127.0.0.1", port)).unwrap();
    }
    server.process().signal(CONTINUE);
    let alarm = eventually("the drops stand in alarm", || {
        // The kernel's count comes with the datagram after them.
        let _ = flood.send_to(&[0; 1400], ("127.0.0.1", port));
        alarms(&server).first().cloned()
    });
    assert_eq!(alarm["code"], "host_receive_drops");
    assert_eq!(
        alarm["subject"],
        json!({ "type": "source", "name": "cam1" })
    );
    assert_eq!(alarms(&server).len(), 1);
    let drops = |name| server.source(name)["port"]["counters"]["host_receive_drops"].as_u64();
    assert!(drops("cam1") > Some(0));
    assert_eq!(drops("cam2"), Some(0));
}

/// What stands in alarm, as the dashboard gets it.
fn alarms(server: &Tidegate) -> Vec<Value> {
    let address = server.http().base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let token = server.token();
    // Version 1.0 has no chunks.
    let asked = "GET /api/v1/stream HTTP/1.0";
    write!(stream, "{asked}\r\nauthorization: Bearer {token}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let state = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let state: Value = serde_json::from_str(&state.unwrap()).unwrap();
    state["alarms"].as_array().unwrap().clone()
}
