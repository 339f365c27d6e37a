use super::*;
use tidegate_engine::Settings;

fn output(text: &str) -> OutputSettings {
    serde_json::from_str(text).unwrap()
}

fn rtp_output(text: &str) -> RtpOutputSettings {
    serde_json::from_str(text).unwrap()
}

fn rtp_source(text: &str) -> RtpSourceSettings {
    serde_json::from_str(text).unwrap()
}

fn source(from: &str) -> SourceSettings {
    SourceSettings {
        from: from.into(),
        interface: None,
        source: None,
    }
}

#[test]
fn addresses_and_names_with_a_port_are_understood() {
    for (text, host, port) in [
        ("239.1.2.3:5000", "239.1.2.3", 5000),
        ("[ff02::1]:1234", "ff02::1", 1234),
        ("decoder.example:6000", "decoder.example", 6000),
    ] {
        assert_eq!(target(text).unwrap(), (host, port));
    }
}

#[test]
fn anything_else_is_refused_with_an_example() {
    for text in [
        "",
        "239.1.2.3",
        "host:",
        ":5000",
        "host:0",
        "::1:5000",
        "host:99999",
    ] {
        let error = target(text).unwrap_err();
        assert_eq!(error.field, "to");
        assert!(error.advice.unwrap().contains("239.1.2.3:5000"));
    }
}

#[test]
fn a_misspelt_setting_is_refused() {
    let error = serde_json::from_str::<OutputSettings>(r#"{"to":"a:1","tll":3}"#).unwrap_err();
    assert!(error.to_string().contains("tll"), "{error}");
}

#[test]
fn a_source_takes_a_group_an_address_or_a_port() {
    for (text, at) in [
        ("239.1.2.3:5000", "239.1.2.3:5000"),
        (":5000", "0.0.0.0:5000"),
        ("[ff15::7]:5000", "[ff15::7]:5000"),
        ("[::]:5000", "[::]:5000"),
    ] {
        assert_eq!(source(text).leg().unwrap().at, at.parse().unwrap());
    }
    for text in ["", "5000", "host:5000", ":x", "239.1.2.3"] {
        let error = source(text).check().unwrap_err();
        assert_eq!(error.field, "from");
        assert!(error.advice.unwrap().contains(":5000"));
    }
}

#[test]
fn only_addresses_of_its_own_are_a_sources_alone() {
    assert_eq!(
        source(":5000").port(),
        Some("0.0.0.0:5000".parse().unwrap())
    );
    assert_eq!(source("239.1.2.3:5000").port(), None);
}

#[test]
fn a_sender_is_one_address_of_the_same_family() {
    for wrong in ["host", "239.1.2.4", "::1", "0.0.0.0"] {
        let text = format!(r#"{{"from":"239.1.2.3:5000","source":"{wrong}"}}"#);
        assert_eq!(rtp_source(&text).check().unwrap_err().field, "source");
    }
}

#[test]
fn what_is_wrong_with_the_second_leg_is_found_there() {
    let settings = rtp_source(r#"{"from":":5000","and":{"from":"nowhere"}}"#);
    assert_eq!(settings.check().unwrap_err().pointer(), "/and/from");
    let same = rtp_source(r#"{"from":":5000","and":{"from":":5000"}}"#);
    assert_eq!(same.check().unwrap_err().field, "and");
}

#[test]
fn packets_are_held_longer_where_there_is_something_to_wait_for() {
    let held = |text: &str| rtp_source(text).hold().as_millis();
    assert_eq!(held(r#"{"from":":5000"}"#), 50);
    assert_eq!(held(r#"{"from":":5000","fec":true}"#), 200);
    assert_eq!(held(r#"{"from":":5000","and":{"from":":6000"}}"#), 200);
    assert_eq!(held(r#"{"from":":5000","buffer":"1s"}"#), 1000);
    let far = rtp_source(r#"{"from":":5000","buffer":"1h"}"#);
    assert_eq!(far.check().unwrap_err().field, "buffer");
}

#[test]
fn a_matrix_beyond_the_standard_is_refused_where_it_is_written() {
    for (fec, pointer) in [
        (r#"{"columns":3,"rows":5}"#, "/fec/columns"),
        (r#"{"columns":5,"rows":3}"#, "/fec/rows"),
        (r#"{"columns":20,"rows":20}"#, "/fec/rows"),
    ] {
        let settings = rtp_output(&format!(r#"{{"to":"239.1.2.3:5000","fec":{fec}}}"#));
        assert_eq!(settings.check().unwrap_err().pointer(), pointer);
    }
    let columns = r#"{"to":"239.1.2.3:5000","fec":{"columns":1,"rows":4,"protect_rows":false}}"#;
    assert!(rtp_output(columns).check().is_ok());
}

#[test]
fn a_constant_rate_is_within_reason() {
    assert!(output(r#"{"to":"a:1","cbr":"8M"}"#).check().is_ok());
    for wrong in ["1k", "1G"] {
        let settings = output(&format!(r#"{{"to":"a:1","cbr":"{wrong}"}}"#));
        assert_eq!(settings.check().unwrap_err().field, "cbr");
    }
}
