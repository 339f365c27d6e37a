use super::*;

fn read(text: &str) -> SourceSettings {
    serde_json::from_str(text).unwrap()
}

fn wrong(text: &str) -> (String, String) {
    let error = read(text).check().unwrap_err();
    (
        error.place(),
        error.to_string() + " " + &error.advice.unwrap_or_default(),
    )
}

#[test]
fn inputs_alone_are_enough_and_are_written_as_they_were_read() {
    let text = r#"{"inputs":["main","backup"]}"#;
    let settings = read(text);
    assert_eq!(settings.check(), Ok(()));
    assert_eq!(settings.return_mode, ReturnMode::Manual);
    assert_eq!(settings.dwell, Span::from_secs(5));
    assert_eq!(serde_json::to_string(&settings).unwrap(), text);
    let places: Vec<_> = settings.reads().into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["inputs/0", "inputs/1"]);
}

#[test]
fn a_slate_is_a_file_or_a_file_with_its_sound() {
    let file = read(r#"{"inputs":["a"],"slate":"soon.png"}"#)
        .slate
        .unwrap();
    assert_eq!((file.file(), file.sound()), ("soon.png", None));
    let full = r#"{"inputs":["a"],"slate":{"file":"soon.png","sound":"tone"}}"#;
    let slate = read(full).slate.unwrap();
    assert_eq!(
        (slate.file(), slate.sound()),
        ("soon.png", Some(SlateSound::Tone))
    );
    let misspelt = r#"{"inputs":["a"],"slate":{"file":"soon.png","sond":"tone"}}"#;
    let error = serde_json::from_str::<SourceSettings>(misspelt).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `sond`"),
        "{error}"
    );
    let (place, _) = wrong(r#"{"inputs":["a"],"slate":"../soon.png"}"#);
    assert_eq!(place, "slate");
}

#[test]
fn inputs_are_there_each_once_and_none_is_called_slate() {
    assert_eq!(wrong(r#"{"inputs":[]}"#).0, "inputs");
    let (place, said) = wrong(r#"{"inputs":["a","b","a"]}"#);
    assert_eq!(place, "inputs/2");
    assert!(said.contains("\"a\" is named twice"), "{said}");
    assert_eq!(wrong(r#"{"inputs":["slate"]}"#).0, "inputs/0");
    let many: Vec<_> = (0..=limits::INPUTS).map(|n| format!("\"in{n}\"")).collect();
    let (_, said) = wrong(&format!(r#"{{"inputs":[{}]}}"#, many.join(",")));
    assert!(said.contains("more than the 16"), "{said}");
}

#[test]
fn a_schedule_takes_inputs_there_are() {
    let at = r#"{"at":"2026-11-22T20:00:00Z","take""#;
    let fine = read(&format!(
        r#"{{"inputs":["main"],"schedule":[{at}:"main"}}]}}"#
    ));
    assert_eq!(fine.check(), Ok(()));
    let (place, said) = wrong(&format!(
        r#"{{"inputs":["main"],"schedule":[{at}:"mian"}}]}}"#
    ));
    assert_eq!(place, "schedule/0/take");
    assert!(said.contains("Did you mean \"main\"?"), "{said}");
    let (_, said) = wrong(&format!(
        r#"{{"inputs":["main"],"schedule":[{at}:"slate"}}]}}"#
    ));
    assert!(said.contains("no input is named \"slate\""), "{said}");
}

#[test]
fn times_have_their_bounds() {
    let (place, said) = wrong(r#"{"inputs":["a"],"delay":"11s"}"#);
    assert_eq!(place, "delay");
    assert!(said.contains("The most is 10s"), "{said}");
    assert_eq!(wrong(r#"{"inputs":["a"],"dwell":"2h"}"#).0, "dwell");
}
