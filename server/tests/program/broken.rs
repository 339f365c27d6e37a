//! The ways in which publishers fail, with ffmpeg and libsrt at both ends: nobody who watches is
//! sent away, and no decoder finds anything wrong.

use serde_json::{Value, json};
use std::time::Duration;
use tidegate_testkit::peers::have;

use crate::audience::{Platform, hls_player};
use crate::theatre::{BACKUP, Film, MAIN, Theatre};

const STOP: i32 = 19;
const CONTINUE: i32 = 18;

fn is_here() -> bool {
    have(&["ffmpeg", "ffprobe", "srt-live-transmit"])
}

/// It went by itself, and nothing is missing.
#[track_caller]
fn went(switch: &Value, to: &str, why: &[&str]) {
    let last = &switch["last_switch"];
    let reason = last["why"].as_str().unwrap();
    assert!(why.contains(&reason), "{last}");
    let expected = (&json!(to), &json!(true), &json!(0));
    assert_eq!((&last["to"], &last["automatic"], &last["gap_ms"]), expected);
}

#[test]
fn a_publisher_that_stands_still_is_left_and_comes_back_as_a_backup() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("", "");
    let [main, _backup] = theatre.cameras(&MAIN, &BACKUP);

    main.signal(STOP);
    let switch = theatre.on_air("backup");
    went(&switch, "backup", &["no_packets"]);
    main.signal(CONTINUE);
    theatre.becomes("main ready again, and not on air", |switch| {
        switch["active"] == "backup" && switch["standby"][0]["ready"] == true
    });
    theatre.goes_on();
    theatre.ends_well();
}

#[test]
fn a_publisher_that_stands_still_for_less_than_the_latency_stays_on_air() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("triggers: { no_packets: 150ms }", "");
    let [main, _backup] = theatre.cameras(&MAIN, &BACKUP);
    for times in 1..=3 {
        main.signal(STOP);
        std::thread::sleep(Duration::from_millis(250));
        main.signal(CONTINUE);
        theatre.becomes("noticed, and averted", |switch| {
            switch["averted"].as_u64() >= Some(times)
        });
        theatre.goes_on();
    }
    let switch = theatre.switch();
    assert_eq!(
        (&switch["active"], &switch["switches"]),
        (&json!("main"), &json!(0))
    );
    theatre.ends_well();
}

#[test]
fn a_cable_that_is_pulled_out_is_noticed_while_both_ends_think_that_they_are_connected() {
    if !is_here() || !have(&["nginx"]) {
        return;
    }
    let platform = Platform::start();
    let mut theatre = Theatre::open(
        "",
        &format!(
            "outputs:\n\
             - {{ name: viewers, source: program, hls: {{}} }}\n\
             - {{ name: live, source: program, rtmp: {{ url: \"rtmp://127.0.0.1:{}/live\", key: it }} }}\n",
            platform.port
        ),
    );
    let relay = theatre.relay();
    let [mut main, _backup] = theatre.cameras_at(relay.port(), &MAIN, &BACKUP);
    let publishes = |view: &Value| view["delivering"] == true;
    theatre
        .tidegate
        .output_becomes("live", "publishes", publishes);
    let mut player = hls_player(&theatre.tidegate, "viewers");

    relay.cut();
    let switch = theatre.on_air("backup");
    went(&switch, "backup", &["no_packets"]);
    assert_eq!(theatre.tidegate.source("main")["connection"], "connected");
    assert!(main.ended().is_none(), "{}", main.output());
    relay.restore();
    theatre.becomes("main is ready again", |switch| {
        switch["active"] == "backup" && switch["standby"][0]["ready"] == true
    });
    theatre.take("main");
    theatre.goes_on();

    assert!(player.ended().is_none(), "{}", player.output());
    assert_eq!(player.output(), "");
    assert_eq!(platform.recordings().len(), 1, "it was published once");
    assert_eq!(theatre.tidegate.output_status("live")["reconnects"], 0);
    theatre.ends_well();
}

#[test]
fn a_network_that_lets_next_to_nothing_pass_is_left() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("", "");
    let relay = theatre.relay();
    let _cameras = theatre.cameras_at(relay.port(), &MAIN, &BACKUP);
    relay.lose(900);
    let switch = theatre.on_air("backup");
    let why = ["no_packets", "bitrate", "unrecovered_loss", "continuity"];
    went(&switch, "backup", &why);
    theatre.goes_on();
    theatre.ends_well();
}

/// For some time nothing of it can be compressed, and then it stands still.
const STARVING: Film = Film {
    name: "starving-film",
    picture: "testsrc2=s=320x180:r=25,noise=alls=60:allf=t:enable='lt(t,16)',\
              drawbox=w=iw:h=ih:t=fill:enable='gte(t,16)'",
    codecs: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -qp 30 -c:a aac -ac 2 -b:a 96k",
    ..MAIN
};

#[test]
fn an_encoder_that_drops_to_a_trickle_is_left_for_its_bitrate() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("triggers: { no_packets: 800ms }", "");
    let _cameras = theatre.cameras(&STARVING, &BACKUP);
    let switch = theatre.on_air("backup");
    went(&switch, "backup", &["bitrate"]);
    let text = switch["last_switch"]["text"].as_str().unwrap();
    assert!(text.contains("main"), "{text}");
    theatre.goes_on();
    theatre.ends_well();
}

#[test]
fn an_encoder_that_was_started_again_waits_until_somebody_returns_to_it() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("return: manual", "");
    let [mut main, _backup] = theatre.cameras(&MAIN, &BACKUP);
    main.kill();
    let switch = theatre.on_air("backup");
    went(&switch, "backup", &["no_packets", "disconnect"]);
    // Its times begin anew.
    let _main = theatre.camera("main", &MAIN);
    theatre.becomes("main is ready, and not on air", |switch| {
        switch["active"] == "backup" && switch["standby"][0]["ready"] == true
    });
    theatre.goes_on();
    assert_eq!(theatre.switch()["active"], "backup", "it stays");
    theatre.obeys("return", &json!({}));
    let switch = theatre.on_air("main");
    assert_eq!(switch["last_switch"]["automatic"], false);
    theatre.goes_on();
    theatre.ends_well();
}

#[test]
fn an_encoder_that_was_started_again_is_returned_to_by_itself_if_that_is_wanted() {
    if !is_here() {
        return;
    }
    let mut theatre = Theatre::open("return: auto, return_after: 2s, dwell: 1s", "");
    let [main, _backup] = theatre.cameras(&MAIN, &BACKUP);
    // It says goodbye.
    main.signal(15);
    let switch = theatre.on_air("backup");
    went(&switch, "backup", &["no_packets", "disconnect"]);
    let _main = theatre.camera("main", &MAIN);
    let switch = theatre.on_air("main");
    went(&switch, "main", &["return"]);
    theatre.goes_on();
    theatre.ends_well();
}
