//! Ends and refusals in words: what happened, whose side, what next.

use std::io::ErrorKind;

use tidegate_engine::RunError;
use tidegate_srt::{CloseReason, RejectReason};
use tidegate_srt_io::{CallError, EndReason};

use crate::settings::CallMode;

/// Why a peer on a listener is gone, for a status line.
pub(crate) fn departure(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Closed(CloseReason::Peer) => "the sender closed the connection",
        EndReason::Closed(CloseReason::Local) => "the connection was closed here",
        EndReason::Closed(CloseReason::Idle) => "the sender fell silent for 5 seconds",
        EndReason::Abandoned => "the sender gave up while connecting",
        EndReason::Stopping => "the server is stopping",
        _ => "the connection ended",
    }
}

/// The same for a reader.
pub(crate) fn reader_departure(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Closed(CloseReason::Peer) => "the reader closed the connection",
        EndReason::Closed(CloseReason::Idle) => "the reader fell silent for 5 seconds",
        EndReason::Abandoned => "the reader gave up while connecting",
        other => departure(other),
    }
}

/// A call for which not even a socket could be opened.
pub(crate) fn not_placed(error: &CallError) -> RunError {
    let CallError::Local { error: cause, .. } = error else {
        return RunError::ours(error.to_string(), "It is tried again by itself");
    };
    let advice = match cause.kind() {
        ErrorKind::AddrNotAvailable => {
            "This machine has no such address (`ip address` lists them): correct adapter=, or \
             leave it out"
        }
        ErrorKind::AddrInUse => {
            "Another program, stream or listener has this local port: `ss -ulpn` shows which; \
             choose another with port=, on the far side as well if it is a rendezvous"
        }
        ErrorKind::PermissionDenied => {
            "Ports below 1024 need the right CAP_NET_BIND_SERVICE, bindtodevice= that of \
             CAP_NET_RAW before Linux 5.7"
        }
        _ => "Check adapter=, port= and bindtodevice=: an address and an interface of this machine",
    };
    RunError::ours(error.to_string(), advice)
}

/// Why a call came to nothing, as the outcome of a run. In a rendezvous nobody listens.
pub(crate) fn not_connected(to: &str, mode: CallMode, reason: &EndReason) -> RunError {
    match (mode, reason) {
        (CallMode::Rendezvous, EndReason::Refused(RejectReason::Timeout)) => RunError::theirs(
            format!("{to} does not answer"),
            "Check that the far side is started, that it calls our address and port, that both \
             are in rendezvous mode, and that UDP passes the firewalls in between",
        ),
        _ => call_error(to, reason),
    }
}

/// Why a call failed or ended, as the outcome of a run.
pub(crate) fn call_error(to: &str, reason: &EndReason) -> RunError {
    match reason {
        EndReason::Refused(RejectReason::Timeout) => RunError::theirs(
            format!("{to} does not answer"),
            "Check address and port, that the far side listens, and that UDP passes the \
             firewalls in between",
        ),
        EndReason::Refused(reason) => refused(to, *reason),
        EndReason::Closed(CloseReason::Idle) => RunError::theirs(
            format!("{to} fell silent"),
            "Check the network path and whether the far side still runs",
        ),
        EndReason::Closed(CloseReason::Peer) => RunError::theirs(
            format!("{to} closed the connection"),
            "Check whether the far side stopped, or lets another caller have its place",
        ),
        other => RunError::ours(
            format!("the call to {to} ended: {other}"),
            "It is placed again by itself",
        ),
    }
}

/// The wire's codes, as listeners use them.
mod code {
    pub(super) const HUNG_UP: u32 = 2;
    pub(super) const BAD_SECRET: u32 = 10;
    pub(super) const UNSECURE: u32 = 11;
    pub(super) const FILTER: u32 = 14;
    pub(super) const GROUP: u32 = 15;
    pub(super) const CIPHER_MODE: u32 = 17;
    pub(super) const BAD_REQUEST: u32 = 1400;
    pub(super) const UNAUTHORIZED: u32 = 1401;
    pub(super) const OVERLOAD: u32 = 1402;
    pub(super) const FORBIDDEN: u32 = 1403;
    pub(super) const NOT_FOUND: u32 = 1404;
    pub(super) const BAD_MODE: u32 = 1405;
    pub(super) const CONFLICT: u32 = 1409;
}

const OTHER_PASSPHRASE: &str = "The passphrases differ: set the one the far side expects";
const ONE_PASSPHRASE: &str =
    "Only one side has a passphrase: set it on both, or take it away on both";
const OTHER_CIPHER: &str = "The cipher modes differ: set `cipher: ctr` (every SRT has it) or `gcm`, as the far side has it";
const NO_GROUPS: &str = "The far side takes no bonding groups: set `groupconnect` there if it is libsrt, or take `bonding` away here";

fn refused(to: &str, reason: RejectReason) -> RunError {
    let advice = match reason {
        RejectReason::Peer(code) => match code.value() {
            code::FILTER => {
                "The packet filters differ: write the far side's in `packet_filter`, or just `fec`"
            }
            code::HUNG_UP => {
                "It hung up without a reason, as libsrt does in a rendezvous when the passphrases \
                 differ: compare them, and the packet filters"
            }
            code::BAD_SECRET => OTHER_PASSPHRASE,
            code::UNSECURE => ONE_PASSPHRASE,
            code::CIPHER_MODE => OTHER_CIPHER,
            code::GROUP => NO_GROUPS,
            code::NOT_FOUND | code::BAD_REQUEST => {
                "Check the stream ID (`streamid` in the address)"
            }
            code::BAD_MODE => "Check the direction in the stream ID (`m=publish` or `m=request`)",
            code::CONFLICT => "Another sender is live there: stop it, or use another stream",
            code::OVERLOAD => "The far side is full: try later, or ask its operator",
            code::FORBIDDEN | code::UNAUTHORIZED => {
                "Check stream ID and passphrase; the far side does not say which is wrong"
            }
            _ => "Check stream ID, passphrase and direction with the far side's operator",
        },
        RejectReason::WrongPassphrase => OTHER_PASSPHRASE,
        RejectReason::EncryptionRequired | RejectReason::EncryptionUnexpected => ONE_PASSPHRASE,
        RejectReason::CryptoMode | RejectReason::OldGaloisMode => OTHER_CIPHER,
        RejectReason::Group => NO_GROUPS,
        RejectReason::Filter => {
            "The far side knows no packet filter, or another one: take `packet_filter` away, or \
             set it there"
        }
        _ => "Check the settings on both sides",
    };
    RunError::theirs(format!("{to} refused the call ({reason})"), advice)
}

#[cfg(test)]
mod tests {
    use tidegate_srt::RejectCode;

    use super::*;

    fn advice(reason: RejectReason) -> String {
        refused("h:9000", reason).advice
    }

    #[test]
    fn who_is_not_there_is_looked_for_as_a_listener_or_as_the_other_side_of_a_rendezvous() {
        let timeout = EndReason::Refused(RejectReason::Timeout);
        let call = not_connected("h:9000", CallMode::Caller, &timeout);
        let meeting = not_connected("h:9000", CallMode::Rendezvous, &timeout);
        assert_eq!(call.message, meeting.message);
        assert!(call.advice.contains("listens"), "{}", call.advice);
        assert!(!meeting.advice.contains("listens"), "{}", meeting.advice);
        for word in ["is started", "our address and port", "rendezvous mode"] {
            assert!(meeting.advice.contains(word), "{}", meeting.advice);
        }
    }

    #[test]
    fn a_refused_call_is_told_of_the_same_mistake_in_the_same_words_whoever_saw_it() {
        for (code, here, word) in [
            (10, RejectReason::WrongPassphrase, "passphrases differ"),
            (11, RejectReason::EncryptionRequired, "Only one side"),
            (11, RejectReason::EncryptionUnexpected, "Only one side"),
            (17, RejectReason::CryptoMode, "cipher modes differ"),
            (15, RejectReason::Group, "takes no bonding groups"),
        ] {
            let there = advice(RejectReason::Peer(RejectCode::new(code)));
            assert!(there.contains(word), "{code}: {there}");
            assert_eq!(there, advice(here));
        }
    }
}
