//! One encoder, two ways of SRT: whichever is cut, a reader gets every packet that was sent, once.

use std::time::Duration;

use serde_json::json;
use tidegate_testkit::peers::{ffmpeg, have};
use tidegate_testkit::{Process, eventually};

use crate::theatre::{MAIN, Theatre};
use crate::twins::media;

/// Each way is cut, and the first one again. More would take as long as the film.
const TURNS: usize = 3;

/// Sends a film by both ways, and into a file what was sent.
fn fan_out(theatre: &Theatre, ports: [u16; 2]) -> Process {
    let folder = theatre.tidegate.folder();
    let film = MAIN.file(folder);
    let leg = |port, name| {
        let address = theatre.address(port, name);
        format!("[f=mpegts:onfail=ignore:max_delay=700000]{address}")
    };
    let legs = [leg(ports[0], "main"), leg(ports[1], "backup")];
    let all = format!("{}|{}|[f=mpegts:max_delay=700000]sent.ts", legs[0], legs[1]);
    let words = [
        "-re",
        "-i",
        film.to_str().unwrap(),
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "tee",
        &all.replace("sent.ts", folder.join("sent.ts").to_str().unwrap()),
    ];
    ffmpeg("encoder", &words, folder)
}

#[test]
fn an_encoder_with_two_srt_callers_loses_no_packet_whichever_way_is_cut() {
    if !have(&["ffmpeg", "ffprobe", "srt-live-transmit"]) {
        return;
    }
    let mut theatre = Theatre::open("", "");
    let relays = [theatre.relay(), theatre.relay()];
    let _encoder = fan_out(&theatre, [relays[0].port(), relays[1].port()]);
    theatre.becomes("both are one", |switch| {
        let inputs = &switch["inputs"];
        let active = &switch["active"];
        inputs[0]["twin_of"] == "backup"
            && inputs[1]["twin_of"] == "main"
            && active.is_string()
            && switch["standby"][0]["ready"] == true
    });
    theatre.goes_on();
    for turn in 0..TURNS {
        let cut = ["main", "backup"][turn % 2];
        relays[turn % 2].cut();
        // Longer than the latency: no repetition comes in time.
        std::thread::sleep(Duration::from_millis(1500));
        relays[turn % 2].restore();
        theatre.becomes("both are well again", |switch| {
            let inputs = switch["inputs"].as_array().unwrap();
            inputs.iter().all(|input| input["reasons"] == json!([]))
                && inputs.iter().all(|input| input["twin_of"].is_string())
        });
        eventually(&format!("{cut} was seen to be cut"), || {
            (relays[turn % 2].lost() > 0).then_some(())
        });
    }
    theatre.goes_on();
    theatre.ends_well();
    let sent = std::fs::read(theatre.tidegate.folder().join("sent.ts")).unwrap();
    let (sent, came) = (media(&sent), media(theatre.received()));
    let at = sent.windows(64).position(|some| *some == came[..64]);
    let sent = &sent[at.expect("what came was sent")..];
    let differs = came.iter().zip(sent).position(|(came, sent)| came != sent);
    assert_eq!(differs, None, "of {}", came.len());
    assert!(came.len() > 3000, "{}", came.len());
}
