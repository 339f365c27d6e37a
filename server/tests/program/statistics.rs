//! Statistics for tools that read other servers'.

use tidegate_testkit::peers::have;
use tidegate_testkit::{Http, eventually};

use crate::slate::picture_at;
use crate::{Clip, Station};

const TOKEN: &str = "for-noalbs-only";

#[test]
fn noalbs_reads_the_figures_of_a_publisher_with_its_own_token_and_nothing_else() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let station = Station::started("ready_after: 500ms", |builder| {
        builder.env("TIDEGATE_STATS_TOKEN", TOKEN)
    });
    let [one, _] = Clip::two();
    let _main = station.publish(0, &one);
    let stranger = Http::new(station.tidegate.http().base(), None);
    let sls = format!("/stats?token={TOKEN}");
    let publisher = eventually("the publisher has a bitrate", || {
        let stats = stranger.get(&sls).json();
        let publisher = stats["publishers"]["main"].clone();
        (publisher["bitrate"].as_i64() > Some(500)).then_some(publisher)
    });
    // What NOALBS refuses to do without.
    for field in ["bitrate", "bytesRcvDrop", "bytesRcvLoss", "msRcvBuf"] {
        assert!(publisher[field].is_i64(), "{field}: {publisher}");
    }
    for field in ["pktRcvDrop", "pktRcvLoss", "uptime", "latency"] {
        assert!(publisher[field].is_i64(), "{field}: {publisher}");
    }
    for field in ["mbpsBandwidth", "mbpsRecvRate", "rtt"] {
        assert!(publisher[field].is_number(), "{field}: {publisher}");
    }
    let all = stranger.get(&sls).json();
    assert!(all["publishers"]["backup"].is_null(), "nobody sends: {all}");

    let page = stranger.get(&format!("/stat?token={TOKEN}")).text();
    for part in [
        "<server><application><name>live</name><live><stream><name>main</name>",
        "<bw_video>",
        "<meta><video><width>320</width><height>180</height>",
        "<active/>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }

    assert_eq!(stranger.get("/stats").status, 401);
    assert_eq!(stranger.get("/stats?token=guessed").status, 401);
    let elsewhere = format!("/api/v1/sources?token={TOKEN}");
    assert_eq!(stranger.get(&elsewhere).status, 401);
    assert_eq!(
        station.tidegate.http().get("/stats").status,
        200,
        "logged in"
    );
}

#[test]
fn a_program_that_shows_the_slate_is_offline_to_whoever_switches_scenes_by_it() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let soon = folder.path().join("soon.png");
    picture_at(&soon);
    let settings = format!("ready_after: 500ms, slate: {}", soon.display());
    let station = Station::start(&settings);
    let [one, _] = Clip::two();
    let main = station.publish(0, &one);
    let http = station.tidegate.http();
    let listed = || {
        let sls = http.get("/stats").json()["publishers"]["program"].clone();
        let nginx = http.get("/stat").text().contains("<name>program</name>");
        (sls["bitrate"].as_i64() > Some(0), sls.is_null(), nginx)
    };
    station.becomes("main on air, the slate made", |switch| {
        switch["active"] == "main" && switch["slate"]["state"] == "ready"
    });
    eventually("the program is there with its bitrate", || {
        (listed() == (true, false, true)).then_some(())
    });
    drop(main);
    station.becomes("the slate on air", |switch| switch["active"] == "slate");
    station.viewer.sees(100);
    // Neither is in its list: a bitrate of 0 would be none to go by.
    assert_eq!(listed(), (false, true, false));
    let _main = station.publish(0, &one);
    station.becomes("main on air again", |switch| switch["active"] == "main");
    eventually("the program is there again", || {
        (listed() == (true, false, true)).then_some(())
    });
}

#[test]
fn without_a_token_of_their_own_the_statistics_are_closed() {
    let station = Station::start("ready_after: 500ms");
    let stranger = Http::new(station.tidegate.http().base(), None);
    for path in ["/stats", "/stats?token=", "/stat?token=", "/stat"] {
        assert_eq!(stranger.get(path).status, 401, "{path}");
    }
}
