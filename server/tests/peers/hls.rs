//! HLS, in a player and in a browser.

use crate::tidegate;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tidegate_testkit::peers::{have, test_picture};
use tidegate_testkit::{Process, Tidegate};

fn on_air() -> (Tidegate, Process) {
    let server = tidegate(
        "listeners: [{ name: ingest, srt: { bind: \"127.0.0.1:0\" } }]\n\
         sources: [{ name: cam, srt: { listener: ingest, stream_id: cam } }]\n\
         outputs: [{ name: viewers, source: cam, hls: {} }]\n",
    );
    let url = format!(
        "srt://127.0.0.1:{}?streamid=cam&pkt_size=1316",
        server.port("ingest")
    );
    let camera = test_picture("camera", &url, server.folder());
    tidegate_testkit::eventually("a playlist with segments", || {
        let answer = server.http().get("/hls/viewers/index.m3u8");
        (answer.status == 200 && answer.text().starts_with("#EXTM3U")).then_some(())
    });
    (server, camera)
}

#[test]
fn ffmpeg_plays_the_playlist_without_a_complaint() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let (server, _camera) = on_air();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-v", "error", "-headers"])
        .arg(format!("Authorization: Bearer {}\r\n", server.token()))
        .args([
            "-i",
            &format!("{}/hls/viewers/index.m3u8", server.http().base()),
            "-t",
            "5",
            "-f",
            "null",
            "-",
        ]);
    let mut player = Process::start("player", &mut command, server.folder());
    let status = player.finished_within(Duration::from_secs(40));
    assert!(status.success(), "{}", player.output());
    assert_eq!(player.output(), "");
}

#[test]
fn nobody_plays_it_without_a_credential() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let (server, _camera) = on_air();
    let stranger = tidegate_testkit::Http::new(server.http().base(), None);
    assert_eq!(stranger.get("/hls/viewers/index.m3u8").status, 401);
}

#[test]
fn chromium_shows_a_changing_picture_in_the_dashboard() {
    if !have(&["ffmpeg", "chromium", "node"]) {
        return;
    }
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    if !web.join("node_modules/playwright-core").is_dir() || !web.join("dist/index.html").is_file()
    {
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the dashboard is not built (`make web` builds it)"
        );
        assert!(
            std::env::var_os("TIDEGATE_REQUIRE_PEERS").is_none(),
            "make test builds it first"
        );
        return;
    }
    let (server, _camera) = on_air();
    let mut command = Command::new("node");
    command
        .arg(web.join("tests/play.mjs"))
        .args([server.http().base(), "cam"])
        .env("TIDEGATE_ADMIN_PASSWORD", "correct horse battery staple");
    let mut browser = Process::start("browser", &mut command, server.folder());
    let status = browser.finished_within(Duration::from_secs(90));
    assert!(status.success(), "{}", browser.output());
}
