//! What went wrong with a platform, for people.

use tidegate_engine::RunError;
use tidegate_platforms::KeyKind;
use tidegate_rtmp::{ClientError, Refusal, RefusalKind, Stage};

use super::limits::{PUBLISH_TIME, SEND_TIME};
use super::target::Target;

/// The platform refused, or sent nonsense.
pub(crate) fn of_session(target: &Target, error: &ClientError) -> RunError {
    let name = target.name();
    match error {
        ClientError::Refused(refusal) => of_refusal(target, refusal),
        ClientError::Protocol(error) => RunError::theirs(
            format!("{name} does not speak RTMP as it should: {error}"),
            "Check the url and its port.",
        ),
    }
}

fn of_refusal(target: &Target, refusal: &Refusal) -> RunError {
    let name = target.name();
    let what = match refusal.kind() {
        RefusalKind::Application => format!("{name} refused the application \"{}\"", target.app),
        RefusalKind::Key => format!("{name} refused the stream key"),
        RefusalKind::InUse => format!("{name} says that the stream key is in use, or wrong"),
        RefusalKind::Ended => format!("{name} ended the stream"),
        RefusalKind::Other => format!("{name} refused the stream"),
    };
    let words = match (refusal.words.as_str(), refusal.code.as_str()) {
        ("", "") => String::new(),
        ("", words) | (words, _) => format!(": \"{}\"", words.trim_end_matches('.')),
    };
    let advice = match refusal.kind() {
        RefusalKind::Application => "Check the url.".to_owned(),
        RefusalKind::Key => key_advice(target),
        RefusalKind::InUse => format!("End what else sends with this key. {}", key_advice(target)),
        RefusalKind::Ended | RefusalKind::Other => {
            format!("Look at the page of the stream on {name}.")
        }
    };
    RunError::theirs(what + &words, advice)
}

/// The platform hung up without a word, before it said yes.
pub(crate) fn hung_up(target: &Target, stage: Stage) -> RunError {
    let name = target.name();
    match stage {
        Stage::Connect => RunError::theirs(
            format!("{name} hung up during RTMP's handshake"),
            "Check the url: its port, and whether it is rtmp or rtmps.",
        ),
        // Many servers refuse a key by hanging up.
        _ => RunError::theirs(
            format!("{name} hung up when it was asked to publish"),
            format!(
                "The stream key is most likely wrong. {}",
                key_advice(target)
            ),
        ),
    }
}

/// The platform hung up after its yes; `soon` after it, or later.
pub(crate) fn lost(target: &Target, soon: bool, why: Option<&std::io::Error>) -> RunError {
    let name = target.name();
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    if soon {
        return RunError::theirs(
            format!("{name} hung up shortly after the stream began{why}"),
            format!(
                "Compare the stream with what {name} takes, and see that the key is not in use or over."
            ),
        );
    }
    RunError::theirs(
        format!("{name} hung up{why}"),
        format!("Nothing, if it comes back; otherwise look at the page of the stream on {name}."),
    )
}

pub(crate) fn no_answer(target: &Target) -> RunError {
    RunError::theirs(
        format!(
            "{} did not answer within {} s",
            target.name(),
            PUBLISH_TIME.as_secs()
        ),
        "Check the url: its port, and whether it is rtmp or rtmps.",
    )
}

pub(crate) fn stalled(target: &Target) -> RunError {
    RunError::theirs(
        format!(
            "{} took nothing for {} s",
            target.name(),
            SEND_TIME.as_secs()
        ),
        "Check the line's upload rate against the stream's bitrate.",
    )
}

fn key_advice(target: &Target) -> String {
    let name = target.name();
    match target.platform.map(|platform| platform.key) {
        Some(KeyKind::Event) => {
            format!("Copy the key of this event from {name}; each is for one event.")
        }
        Some(KeyKind::Session) => {
            format!("Copy url and key of this session from {name}; they expire.")
        }
        _ => format!("Copy the stream key from {name} again."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::to;
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_platforms_words_with_what_to_do() {
        let target = Target::of(&to(None, Some("facebook"))).unwrap();
        let refusal = Refusal {
            stage: Stage::Publish,
            code: "NetStream.Publish.Denied".into(),
            words: "This stream key is over.".into(),
        };
        let error = of_session(&target, &refusal.into());
        assert_eq!(
            error.to_string(),
            "Facebook Live refused the stream key: \"This stream key is over\". \
             Copy the key of this event from Facebook Live; each is for one event."
        );
        assert!(error.retry);
    }
}
