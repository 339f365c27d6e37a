//! Nonsense from all sides at once: each is said in the journal, and a neighbour loses nothing.

use crate::tidegate;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use tidegate_testkit::peers::{ffmpeg, have};
use tidegate_testkit::{Manner, Particulars, Process, Reference, Tidegate, WebOrigin, eventually};

/// Pictures that the neighbour has to deliver in a row: five seconds.
const PICTURES: usize = 125;

/// At this the library that reads descriptions panics.
const TORN: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=cam\nt=0 0\na=control:*\n\
    m=video 0 RTP/AV aP\n9=6\nrtpmap:96 H264/90000\na=control:v\nm=audio 0 RTP/AVP 97\n";

#[test]
fn whatever_is_wrong_is_in_the_journal_and_a_neighbour_loses_nothing() {
    if !have(&["ffmpeg", "nginx"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = Reference::make(folder.path(), Particulars::default());
    let cut = folder.path().join("cut.mp4");
    let whole = std::fs::read(clip.remuxed("mp4")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let inside = WebOrigin::start(folder.path());
    let origin = WebOrigin::start(folder.path());
    origin.behave(Manner::Redirect(inside.url("inside.m3u8")));
    let (_nginx, tls_port, ca) = nginx(folder.path());
    let server = tidegate(&format!(
        "listeners: [{{ name: ingest, rtmp: {{ bind: \"127.0.0.1:0\" }} }}]\n\
         sources:\n\
         - {{ name: good, file: {{ path: \"{}\", loop: false }} }}\n\
         - {{ name: studio, rtmp: {{ listener: ingest, key: studio-key-0123456789 }} }}\n\
         - {{ name: camera, rtsp: {{ url: \"rtsp://127.0.0.1:{}/cam\" }} }}\n\
         - {{ name: playlist, hls: {{ url: \"{}\" }} }}\n\
         - {{ name: torn, file: {{ path: \"{}\" }} }}\n\
         outputs:\n\
         - {{ name: tape, source: good, record: {{ format: ts }} }}\n\
         - {{ name: platform, source: good, rtmp: {{ url: \"rtmps://127.0.0.1:{tls_port}/live\", \
            key: platform-key-0123456789, ca: \"{}\" }} }}\n",
        clip.file().display(),
        camera(),
        origin.url("index.m3u8"),
        cut.display(),
        ca.display(),
    ));
    stranger(&server, folder.path());
    for (name, words) in [
        ("camera", "describes its media in a way that makes no sense"),
        ("playlist", "private network"),
        ("torn", "was never finished"),
        ("platform", "not trusted"),
        ("ingest", "wrong_key"),
    ] {
        eventually(&format!("the journal tells of {name}"), || {
            journal(&server, name).contains(words).then_some(())
        });
    }
    assert!(inside.asked().is_empty(), "{:?}", inside.asked());
    let journal = server.http().get("/api/v1/events?limit=1000").text();
    assert!(!journal.contains("-key-0123456789"), "{journal}");
    eventually("the neighbour has enough", || {
        let tape = std::fs::read(recorded(&server.data())?).ok()?;
        clip.compare(&tape).fault(PICTURES).is_none().then_some(())
    });
}

/// What the journal has about one object, as it is written.
fn journal(server: &Tidegate, name: &str) -> String {
    let events = server.http().get("/api/v1/events?limit=1000").json();
    let own = events.as_array().into_iter().flatten();
    let own = own.filter(|event| event["subject"]["name"] == name);
    own.map(ToString::to_string).collect()
}

/// A camera that describes itself with nonsense; its port.
fn camera() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || describe(&stream));
        }
    });
    port
}

fn describe(mut stream: &TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    loop {
        let request: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let cseq = request
            .iter()
            .find_map(|line| line.strip_prefix("CSeq: "))?;
        let sdp = TORN.replace('\n', "\r\n");
        let length = sdp.len();
        let answer = format!(
            "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Type: application/sdp\r\n\
             Content-Length: {length}\r\n\r\n{sdp}"
        );
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

/// nginx with a certificate for another name than its address; its port, and that certificate.
fn nginx(folder: &Path) -> (Process, u16, PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = folder.join("certificate.pem");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let config = format!(
        "daemon off; master_process off; pid {0}/pid; error_log stderr error; events {{}}\n\
         http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b;\n\
         fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;\n\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {0}/certificate.pem;\n\
         ssl_certificate_key {0}/key.pem; location / {{ return 403; }} }} }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    let nginx = command.args(["-e", "stderr", "-c"]);
    let nginx = Process::start("nginx", nginx.arg(folder.join("nginx.conf")), folder);
    eventually("nginx listens", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    (nginx, port, certificate)
}

/// Somebody who publishes with a wrong key is sent away.
fn stranger(server: &Tidegate, folder: &Path) {
    let to = format!("rtmp://127.0.0.1:{}/live/wrong", server.port("ingest"));
    let arguments = "-re -f lavfi -i testsrc2=s=160x90:r=25 -c:v libx264 -f flv";
    let arguments: Vec<&str> = arguments.split(' ').chain([to.as_str()]).collect();
    let mut stranger = ffmpeg("stranger", &arguments, folder);
    let ended = stranger.finished_within(std::time::Duration::from_secs(30));
    assert!(!ended.success(), "{}", stranger.output());
}

/// The only recording below a folder.
fn recorded(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find_map(|path| {
        if path.is_dir() {
            return recorded(&path);
        }
        path.extension()
            .is_some_and(|it| it == "ts")
            .then_some(path)
    })
}
