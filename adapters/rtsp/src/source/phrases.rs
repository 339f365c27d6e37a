//! What went wrong with a camera, in an operator's words.

use core::time::Duration;

use tidegate_engine::RunError;

/// The most that is repeated of what the library says.
const CHARS_MAX: usize = 300;
/// The most that is repeated of a name that the camera gives.
const NAME_CHARS_MAX: usize = 40;

/// What was being done when it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Describe,
    Setup,
    Play,
    Receive,
}

impl Step {
    const fn request(self) -> &'static str {
        match self {
            Self::Describe => "DESCRIBE",
            Self::Setup => "SETUP",
            Self::Play => "PLAY",
            Self::Receive => "a request",
        }
    }
}

/// What is known of the user name and the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Missing,
    Untried,
    /// The camera has played with what is written, be it nothing.
    Worked,
}

pub(super) fn failed(at: &str, step: Step, login: Login, error: &retina::Error) -> RunError {
    match error.status_code() {
        Some(status) => refused(at, step, login, status, error),
        None => broken(at, step, &brief(error)),
    }
}

/// The camera answered, and it is a no (or an answer that makes no sense).
fn refused(at: &str, step: Step, login: Login, status: u16, error: &retina::Error) -> RunError {
    let request = step.request();
    match status {
        // Cameras lock those out who try a wrong password again and again.
        // A server that has just begun may not know yet what it knew before.
        401 | 403 if login == Login::Worked => RunError::theirs(
            format!("{at} refuses what it has accepted before ({status} to {request})"),
            "Wait until it has started, or correct username and password if they were changed there",
        ),
        401 | 403 if login == Login::Untried => RunError::configuration(
            format!("{at} refuses the user name or the password ({status} to {request})"),
            "Correct username and password here, or the user's rights in the camera; it is not \
             tried again until then, because cameras lock out who keeps trying",
        ),
        401 | 403 => RunError::configuration(
            format!("{at} asks for a user name and a password ({status} to {request})"),
            "Write username and password",
        ),
        404 => RunError::theirs(
            format!("{at} knows nothing at this path (404 to {request})"),
            "Check the path of the url; the camera's manual names it",
        ),
        300..=399 => RunError::theirs(
            format!("{at} sends us elsewhere ({status} to {request}), which is not followed"),
            "Write the address where the media are",
        ),
        453 | 503 => RunError::theirs(
            format!("{at} has no room for another connection ({status} to {request})"),
            "Close others, or raise their number in the camera",
        ),
        461 => RunError::theirs(
            format!("{at} does not send media this way ({status} to {request})"),
            "Write the other transport: tcp or udp",
        ),
        200..=299 => broken(at, step, &brief(error)),
        _ => RunError::theirs(
            format!("{at} answers {status} to {request}"),
            "Look into the camera's log",
        ),
    }
}

fn broken(at: &str, step: Step, said: &str) -> RunError {
    match step {
        Step::Describe => RunError::theirs(
            format!("{at} does not describe its media in a way that is understood: {said}"),
            "Check the address, and whether RTSP is spoken there; a camera may need another \
             path or newer firmware",
        ),
        Step::Receive => RunError::theirs(
            format!("the connection with {at} broke: {said}"),
            "Look at the network and into the camera's log",
        ),
        Step::Setup | Step::Play => RunError::theirs(
            format!("{at} cannot be played: {said}"),
            "Try the other transport (tcp or udp), or newer firmware in the camera",
        ),
    }
}

pub(super) fn late(at: &str, step: Step, waited: Duration) -> RunError {
    let request = step.request();
    RunError::theirs(
        format!(
            "{at} gave no answer to {request} within {} s",
            waited.as_secs()
        ),
        "Start the camera, or check the url and the firewalls in between",
    )
}

pub(super) fn silent(at: &str, since: Option<Duration>, udp: bool) -> RunError {
    let advice = if udp {
        "Look at the camera, and whether firewalls let its datagrams through; tcp gets through \
         most of them"
    } else {
        "Look at the camera and at the network"
    };
    match since {
        Some(since) => RunError::theirs(
            format!("{at} has sent no media for {} s", since.as_secs()),
            advice,
        ),
        None => RunError::theirs(format!("{at} agreed to play but sends no media"), advice),
    }
}

/// What it sent is beyond understanding: the library gave up on it.
pub(super) fn nonsense(at: &str, step: Step) -> RunError {
    let what = match step {
        Step::Describe => "describes its media in a way that makes no sense".to_owned(),
        Step::Setup | Step::Play => format!("answers {} with nonsense", step.request()),
        Step::Receive => "sends media that make no sense".to_owned(),
    };
    RunError::theirs(
        format!("{at} {what}"),
        "Check the path of the url, or try newer firmware in the camera",
    )
}

/// Nothing of what the camera has can be carried.
pub(super) fn nothing_carried(at: &str, offered: &[String]) -> RunError {
    let what = if offered.is_empty() {
        format!("{at} describes no media")
    } else {
        format!(
            "{at} has nothing that can be carried, only {}",
            offered.join(", ")
        )
    };
    RunError::theirs(
        what,
        "Set the camera to H.264 or H.265, and its sound to AAC",
    )
}

/// The library's words without the addresses and times that it adds below.
fn brief(error: &retina::Error) -> String {
    let said = error.to_string();
    let first = said.split("\n\n").next().unwrap_or_default();
    let said = printable(first, CHARS_MAX);
    said.trim_end_matches('.').trim().to_owned()
}

/// The name of a medium or of its encoding, as the camera has it.
pub(super) fn name(given: &str) -> String {
    printable(given, NAME_CHARS_MAX)
}

fn printable(said: &str, chars_max: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    said.chars().map(printable).take(chars_max).collect()
}
