use hyper::StatusCode;
use serde::Deserialize;
use tidegate_adapter_srt::{Answer, NoAnswer};

use super::failed;

/// Most characters of a reason that reach the journal.
const REASON_CHARS_MAX: usize = 200;

/// What a webhook answers. Whatever else it says is its own business.
#[derive(Default, Deserialize)]
struct Body {
    allow: Option<bool>,
    reason: Option<String>,
}

/// Understands an answer: 204 is yes, 401 and 403 are no, 200 says which.
pub(super) fn read(status: StatusCode, body: &[u8]) -> Result<Answer, NoAnswer> {
    let parsed = serde_json::from_slice::<Body>(body);
    let reason = |body: Body| body.reason.as_deref().map(tidy);
    let answer = |allow, reason| Ok(Answer { allow, reason });
    match status {
        StatusCode::NO_CONTENT => answer(true, None),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            answer(false, reason(parsed.unwrap_or_default()))
        }
        StatusCode::OK => match parsed {
            Ok(body) if body.allow.is_some() => answer(body.allow == Some(true), reason(body)),
            _ => Err(failed(
                "the webhook's answer does not say whether to allow",
                "Answer with {\"allow\": true} or {\"allow\": false, \"reason\": \"…\"}",
            )),
        },
        redirect if redirect.is_redirection() => Err(failed(
            format!("the webhook answered {redirect}, and redirects are not followed"),
            "Write the address it redirects to as the webhook's url",
        )),
        other => Err(failed(
            format!("the webhook answered {other}"),
            "Look into the webhook's own log; 200, 204 and 403 are answers",
        )),
    }
}

/// A stranger may have a hand in it: one line, and not too long.
fn tidy(reason: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    reason.chars().take(REASON_CHARS_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(status: u16, body: &str) -> Option<bool> {
        let status = StatusCode::from_u16(status).expect("a status");
        read(status, body.as_bytes())
            .ok()
            .map(|answer| answer.allow)
    }

    #[test]
    fn yes_and_no_are_said_in_several_ways() {
        assert_eq!(is_allowed(204, ""), Some(true));
        assert_eq!(is_allowed(200, r#"{"allow": true}"#), Some(true));
        assert_eq!(is_allowed(200, r#"{"allow": false, "x": 1}"#), Some(false));
        assert_eq!(is_allowed(403, ""), Some(false));
        assert_eq!(is_allowed(401, "no JSON"), Some(false));
    }

    #[test]
    fn what_is_neither_is_no_answer() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "true"),
            (302, ""),
            (404, ""),
            (500, ""),
        ] {
            assert_eq!(is_allowed(status, body), None, "{status} {body}");
        }
    }

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        let body = format!(r#"{{"reason": "{}"}}"#, "a\\nb".repeat(1000));
        let answer = read(StatusCode::FORBIDDEN, body.as_bytes()).expect("a no");
        let reason = answer.reason.expect("a reason");
        assert_eq!(reason.chars().count(), REASON_CHARS_MAX);
        assert!(!reason.contains('\n'));
    }
}
