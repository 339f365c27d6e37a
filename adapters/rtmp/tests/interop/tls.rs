//! RTMPS.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use tidegate_net::{CallOptions, Place, connect};
use tidegate_testkit::{eventually, peers};

use super::common::Bed;
use super::ffmpeg::start;
use super::stage::{becomes_healthy, url};

/// A new certificate for `localhost`, written to where the listener looks.
fn certify(folder: &Path) -> [PathBuf; 2] {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name));
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    [cert, key]
}

fn bed() -> Bed {
    let files = tempfile::tempdir().unwrap();
    let [cert, key] = certify(files.path());
    let tls = serde_json::json!({ "cert": cert, "key": key });
    let mut bed = Bed::with_listener(&format!(r#"{{ "bind": "127.0.0.1:0", "tls": {tls} }}"#));
    // The files live as long as the bed.
    bed.folder = files;
    bed.studio();
    bed
}

/// Whether a client that trusts this certificate alone is greeted.
fn trusts(bed: &Bed, certificate: &Path) -> bool {
    let place = Place::new("localhost", bed.port, true).unwrap();
    let options = CallOptions {
        ca: Some(certificate.to_owned()),
        ..CallOptions::default()
    };
    bed.runtime.block_on(connect(&place, &options)).is_ok()
}

#[test]
fn ffmpeg_publishes_over_tls() {
    if !peers::have(&["ffmpeg"]) {
        return;
    }
    let bed = bed();
    let settings = "-c:v libx264 -preset ultrafast -g 25 -b:v 1M -c:a aac";
    let to = url(&bed, "rtmps");
    let sender = start(Path::new("ffmpeg"), settings, &to, bed.folder());
    let status = becomes_healthy(&bed, &sender);
    let version = status["rtmp"]["tls"].as_str().unwrap();
    assert!(version.starts_with("TLSv1"), "{version}");
}

#[test]
fn new_certificates_are_used_and_bad_ones_are_not() {
    let bed = bed();
    let certificate = bed.folder().join("cert.pem");
    let copy = |name: &str| {
        let to = bed.folder().join(name);
        std::fs::copy(&certificate, &to).unwrap();
        to
    };
    let alarms = || bed.adapter_status().alarms;
    let first = copy("first.pem");
    assert!(trusts(&bed, &first));
    std::fs::write(&certificate, "no certificate").unwrap();
    eventually("the alarm", || (!alarms().is_empty()).then_some(()));
    assert!(trusts(&bed, &first), "the old one stays in use");
    certify(bed.folder());
    eventually("the alarm's end", || alarms().is_empty().then_some(()));
    assert!(trusts(&bed, &copy("second.pem")));
    assert!(!trusts(&bed, &first));
}

#[test]
fn plain_rtmp_to_a_port_with_tls_is_named() {
    let bed = bed();
    let mut socket = TcpStream::connect(("127.0.0.1", bed.port)).unwrap();
    socket.write_all(&[3; 1537]).unwrap();
    let rejection = bed.rejection("tls_failed");
    assert!(rejection.advice.contains("rtmps://"), "{rejection:?}");
}
