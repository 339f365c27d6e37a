//! Switches of switches, and a source in two of them.

use tidegate_testkit::peers::have;

use crate::theatre::{BACKUP, Film, MAIN, Theatre};

const THIRD: Film = Film {
    name: "third-film",
    picture: "smptebars=s=320x180:r=25",
    ..MAIN
};

/// The switch of the theatre is an input of another one, whose other input is a third camera. What
/// comes out of a switch is played at once, so the next one needs a hold of its own.
const OUTER: &str = "\
    - { name: third, srt: { listener: ingest, stream_id: in/third } }\n\
    - { name: outer, switch: { inputs: [program, third], ready_after: 1s, delay: 800ms, triggers: { no_packets: 300ms } } }\n\
    outputs:\n\
    - { name: final, source: outer, srt: { listener: ingest, stream_id: out/outer, open: true } }\n";

#[test]
fn a_switch_that_is_an_input_of_another_one_is_cut_and_is_left_without_a_seam() {
    if !have(&["ffmpeg", "ffprobe", "srt-live-transmit"]) {
        return;
    }
    let mut theatre = Theatre::watching("out/outer", "", OUTER);
    theatre.has_films(&[&MAIN, &BACKUP, &THIRD]);
    let mut main = theatre.camera("main", &MAIN);
    theatre.on_air("main");
    let mut backup = theatre.camera("backup", &BACKUP);
    let _third = theatre.camera("third", &THIRD);
    theatre.begins();
    let outer = |what: &str, input: &str, ready: bool| {
        theatre.tidegate.source_becomes("outer", what, |view| {
            let switch = &view["switch"];
            switch["active"] == input && (!ready || switch["standby"][0]["ready"] == true)
        })["switch"]
            .take()
    };
    outer("the inner one on air, the third ready", "program", true);

    main.kill();
    theatre.on_air("backup");
    theatre.goes_on();
    let switch = outer("the outer one saw nothing of it", "program", true);
    assert_eq!(switch["switches"], 0, "{switch}");
    assert_eq!(switch["inputs"][0]["reasons"], serde_json::json!([]));

    backup.kill();
    let switch = outer("the outer one leaves the inner", "third", false);
    assert_eq!(switch["last_switch"]["gap_ms"], 0, "{switch}");
    theatre.goes_on();
    theatre.ends_well();
}

/// A second switch of the same two sources, in the other order.
const BESIDE: &str = "\
    - { name: beside, switch: { inputs: [backup, main], ready_after: 1s, triggers: { no_packets: 300ms } } }\n\
    outputs:\n\
    - { name: second, source: beside, srt: { listener: ingest, stream_id: out/beside, open: true } }\n";

#[test]
fn sources_in_two_switches_are_cut_in_one_of_them_and_stay_on_air_in_the_other() {
    if !have(&["ffmpeg", "ffprobe", "srt-live-transmit"]) {
        return;
    }
    let mut theatre = Theatre::watching("out/beside", "", BESIDE);
    theatre.has_films(&[&MAIN, &BACKUP]);
    let _backup = theatre.camera("backup", &BACKUP);
    let beside = |what: &str, want: &str, ready: bool| {
        theatre.tidegate.source_becomes("beside", what, |view| {
            let switch = &view["switch"];
            switch["active"] == want && (!ready || switch["standby"][0]["ready"] == true)
        })["switch"]
            .take()
    };
    beside("its own first one on air", "backup", false);
    let mut main = theatre.camera("main", &MAIN);
    beside("the other one ready", "backup", true);
    theatre.take("main");
    theatre.take("backup");
    theatre.take("main");
    let switch = beside("it stayed where it was", "backup", true);
    assert_eq!(switch["switches"], 0, "{switch}");
    theatre.goes_on();

    main.kill();
    theatre.on_air("backup");
    let switch = beside("its backup is gone, no more", "backup", false);
    assert_eq!(switch["switches"], 0, "{switch}");
    theatre.goes_on();
    theatre.ends_well();
}
