//! Origins that lead astray, and playlists that cannot be used.

use super::bench::{Bench, settings, until};
use tidegate_engine::{Rate, Secret, SecretRef};
use tidegate_testkit::{Manner, WebOrigin};
use tidegate_units::Bitrate;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_and_entries_that_lead_inside_are_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n";
    std::fs::write(folder.path().join("inside.m3u8"), format!("{list}seg.ts\n")).unwrap();
    let inside = WebOrigin::start(folder.path());
    let origin = WebOrigin::start(folder.path());
    origin.behave(Manner::Redirect(inside.url("inside.m3u8")));
    let bench = Bench::new();
    bench.pull(&settings(origin.url("index.m3u8"))).await;
    let said = bench.error().await;
    assert!(
        said.contains("private network") && said.contains("allow_private"),
        "{said}"
    );

    origin.behave(Manner::Serve);
    for (entry, why) in [
        (inside.url("seg.ts"), "private network"),
        ("http://2130706433:1/seg.ts".to_owned(), "private network"),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "metadata",
        ),
        ("file:///etc/passwd".to_owned(), "no web address"),
    ] {
        let text = format!("{list}{entry}\n");
        std::fs::write(folder.path().join("index.m3u8"), text).unwrap();
        let bench = Bench::new();
        bench.pull(&settings(origin.url("index.m3u8"))).await;
        let said = bench.error().await;
        assert!(said.contains(why), "{entry}: {said}");
    }
    assert!(inside.asked().is_empty(), "{:?}", inside.asked());

    let mut allowed = settings(origin.url("index.m3u8"));
    allowed.allow_private = true;
    origin.behave(Manner::Redirect(inside.url("inside.m3u8")));
    let bench = Bench::new();
    bench.pull(&allowed).await;
    until("it asks inside", || {
        inside
            .asked()
            .contains(&"GET /inside.m3u8".into())
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_that_are_broken_endless_or_missing_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let origin = WebOrigin::start(folder.path());
    let cut = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:";
    let endless = "#EXTM3U\n".to_owned() + &"#\n".repeat(3 << 20);
    let packed = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\naudio.aac\n#EXT-X-ENDLIST\n";
    std::fs::write(folder.path().join("audio.aac"), "ID3 packed audio").unwrap();
    let drm = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n\
        #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\"\n#EXTINF:1,\naudio.aac\n";
    for (text, why) in [
        (Some("<html>"), "does not begin with #EXTM3U"),
        (Some(cut), "line 3 has no usable duration"),
        (Some(&endless), "more than 4194304 bytes"),
        (Some(packed), "cannot be read"),
        (Some(drm), "other than AES-128"),
        (None, "404 Not Found"),
    ] {
        let file = folder.path().join("index.m3u8");
        match text {
            Some(text) => std::fs::write(file, text).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        let bench = Bench::new();
        bench.pull(&settings(origin.url("index.m3u8"))).await;
        let said = bench.error().await;
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_variant_that_fits_is_taken_and_keys_stay_out_of_sight() {
    let folder = tempfile::tempdir().unwrap();
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000\nhigh.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000\nlow.m3u8\n";
    std::fs::write(folder.path().join("index.m3u8"), master).unwrap();
    let origin = WebOrigin::start(folder.path());
    let mut chosen = settings(origin.url("index.m3u8?token={key}"));
    chosen.key = Some(SecretRef::literal(Secret::new("hidden-token")));
    chosen.max_bitrate = Some(Rate(Bitrate::from_bps(1_000_000)));
    let bench = Bench::new();
    bench.pull(&chosen).await;
    let said = bench.error().await;
    let asked = origin.asked();
    assert_eq!(
        asked[..2],
        ["GET /index.m3u8?token=hidden-token", "GET /low.m3u8"]
    );
    let status = serde_json::to_string(&bench.status()).unwrap();
    assert!(
        !status.contains("hidden-token") && !said.contains("hidden-token"),
        "{status}"
    );
}
