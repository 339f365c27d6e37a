//! srt-live-transmit's way of writing options, so that its command lines work here.
//!
//! It writes `-name:value`, has several names for most options, and takes `-name value` too.

use std::ffi::OsString;

use anyhow::bail;

/// What becomes of an option of srt-live-transmit.
#[derive(Clone, Copy)]
enum Meaning {
    /// Ours, with a value.
    Value(&'static str),
    /// Ours, without one.
    Flag(&'static str),
    /// Taken, with its value, and without effect here.
    Ignored,
    /// Not here, because …
    Refused(&'static str),
}

use Meaning::{Flag, Ignored, Refused, Value};

const OPTIONS: &[(&[&str], Meaning)] = &[
    (&["t", "to", "timeout"], Value("--timeout")),
    (&["tm", "timeout-mode"], Value("--timeout-mode")),
    (&["a", "auto", "autoreconnect"], Value("--reconnect")),
    (&["c", "chunk"], Value("--chunk")),
    (
        &["s", "stats", "stats-report-frequency"],
        Value("--stats-every"),
    ),
    (&["statsout"], Value("--stats-out")),
    (&["pf", "statspf"], Value("--stats-format")),
    (&["f", "fullstats"], Flag("--full-stats")),
    (&["q", "quiet"], Flag("--quiet")),
    (&["v", "verbose"], Flag("--verbose")),
    (&["h", "help"], Flag("--help")),
    (&["ll", "loglevel"], Ignored),
    (&["lfa", "logfa"], Ignored),
    (&["logfile"], Ignored),
    (&["buffering"], Ignored),
    (&["st", "srctime", "sourcetime"], Ignored),
    (
        &[
            "r",
            "report",
            "bwreport",
            "bitrate-report",
            "bandwidth-report",
        ],
        Refused("use -s:N, whose statistics hold the rates"),
    ),
];

/// `arguments` with srt-live-transmit's spellings replaced by ours.
pub(crate) fn translate(arguments: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let mut translated = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some((name, value)) = argument.to_str().and_then(as_option) else {
            translated.push(argument);
            continue;
        };
        let known = OPTIONS.iter().find(|(names, _)| names.contains(&name));
        let mut value_or_next = || value.map(OsString::from).or_else(|| arguments.next());
        match known.map(|(_, meaning)| *meaning) {
            Some(Value(ours)) => {
                translated.push(ours.into());
                translated.extend(value_or_next());
            }
            Some(Flag(ours)) => translated.push(ours.into()),
            Some(Ignored) => drop(value_or_next()),
            Some(Refused(why)) => bail!("-{name} is not there: {why}"),
            // Whatever it is, the command line's own parser says what is wrong with it.
            None => translated.push(argument),
        }
    }
    Ok(translated)
}

/// The name and value of `-name:value`. A lone `-` is standard input, `--name` is ours.
fn as_option(argument: &str) -> Option<(&str, Option<&str>)> {
    let option = argument.strip_prefix('-')?;
    if option.is_empty() || option.starts_with('-') {
        return None;
    }
    Some(match option.split_once(':') {
        Some((name, value)) => (name, Some(value)),
        None => (option, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> String {
        let arguments = text.split(' ').map(OsString::from).collect();
        let translated = translate(arguments).unwrap();
        translated.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn options_of_srt_live_transmit_become_ours() {
        assert_eq!(
            translated("srt://:1 file://con -t:5 -s:100 -pf:json -f -q -a:no -chunk:1316"),
            "srt://:1 file://con --timeout 5 --stats-every 100 --stats-format json --full-stats \
             --quiet --reconnect no --chunk 1316"
        );
        assert_eq!(
            translated("-t 5 -ll:debug -buffering 10 x"),
            "--timeout 5 x"
        );
    }

    #[test]
    fn our_own_spelling_and_standard_input_are_left_alone() {
        assert_eq!(translated("--timeout 5 - -zz"), "--timeout 5 - -zz");
    }

    #[test]
    fn what_is_not_there_says_what_to_use_instead() {
        let error = translate(vec!["-report:100".into()]).unwrap_err();
        assert!(error.to_string().contains("-s:N"), "{error}");
    }
}
