//! Whose passphrase a hand-out shows, when there are several.

use axum::http::StatusCode;
use serde::Deserialize;
use tidegate_engine::SecretRef;
use utoipa::IntoParams;

use super::handout::setting;
use super::problem::Problem;
use crate::adapters::{Item, ListenerConfig};
use crate::config::check::has_passphrases;
use crate::state::Desired;

/// Names that an error lists; more would hide what it says.
const NAMES_LISTED: usize = 10;
/// What stands before the place of a passphrase that is the listener's.
const LISTENERS: &str = "listener/";

/// For whom it is, and with which passphrase.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The user it is for: the stream ID gives this name, and the passphrase is the user's own,
    /// or the one of everybody when the user has none.
    pub(super) user: Option<String>,
    /// The label of the passphrase to show when several are valid; without it the first one, of
    /// which `passphrase_used` says the label.
    pub(super) passphrase: Option<String>,
}

/// A passphrase: its place in the settings, as the status names it, and itself.
pub(super) type Placed = (String, String);

/// The one that was wanted of all that open `item`.
pub(super) fn of<T: Item>(
    item: &T,
    desired: &Desired,
    wanted: &Wanted,
) -> Result<Option<Placed>, Problem> {
    let all = if has_passphrases(item) {
        places(item, "", desired)?
    } else {
        let is_open = setting(item, "open").is_some_and(|open| open == true);
        let listener = item.listener().map(|(_, listener)| listener);
        match listener.and_then(|name| desired.find::<ListenerConfig>(name)) {
            Some(listener) if !is_open => places(listener, LISTENERS, desired)?,
            _ => Vec::new(),
        }
    };
    choose(item.name().as_str(), all, wanted)
}

/// The secret of `item` in this field of its settings, if it has one there.
pub(super) fn secret<T: Item>(
    item: &T,
    desired: &Desired,
    field: &str,
) -> Result<Option<String>, Problem> {
    let mut resolved = resolved(item, desired)?;
    let wanted = format!("{}/{field}", item.kind());
    let mut secrets = resolved.secrets().into_iter();
    Ok(secrets.find_map(|(field, secret)| match secret {
        SecretRef::Literal(secret) if field == wanted => Some(secret.expose().to_owned()),
        _ => None,
    }))
}

fn resolved<T: Item>(item: &T, desired: &Desired) -> Result<T, Problem> {
    let resolved = desired.vault.resolved(item);
    resolved.map_err(|problem| {
        let advice = problem.advice.clone();
        let advice = advice.unwrap_or_else(|| "Set the secret that its settings name.".into());
        Problem::new(StatusCode::CONFLICT, "secret", problem.message).advise(advice)
    })
}

/// The passphrases of `item`, each with its place.
fn places<T: Item>(item: &T, owner: &str, desired: &Desired) -> Result<Vec<Placed>, Problem> {
    let mut resolved = resolved(item, desired)?;
    let known = resolved
        .secrets()
        .into_iter()
        .filter_map(|(field, secret)| {
            let (_, place) = field.split_once('/')?;
            // A webhook's secret is nothing to hand out.
            let opens = place.starts_with("passphrase") || place.starts_with("users/");
            match secret {
                SecretRef::Literal(secret) if opens => {
                    Some((format!("{owner}{place}"), secret.expose().to_owned()))
                }
                _ => None,
            }
        });
    Ok(known.collect())
}

fn choose(name: &str, all: Vec<Placed>, wanted: &Wanted) -> Result<Option<Placed>, Problem> {
    if all.is_empty() && wanted.passphrase.is_none() {
        return Ok(None);
    }
    let users: Vec<String> = all.iter().filter_map(|(place, _)| user_of(place)).collect();
    let (of_users, common): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(place, _)| user_of(place).is_some());
    let is_for =
        |place: &str| user_of(place).is_some_and(|user| wanted.user.as_ref() == Some(&user));
    let own: Vec<_> = of_users
        .into_iter()
        .filter(|(place, _)| is_for(place))
        .collect();
    let mut valid = if own.is_empty() { common } else { own };
    if valid.is_empty() && !users.is_empty() {
        return Err(no_user(name, wanted, users));
    }
    let labels: Vec<String> = valid.iter().map(|(place, _)| label_of(place)).collect();
    if let Some(label) = &wanted.passphrase {
        valid.retain(|(place, _)| label_of(place) == *label);
    }
    match valid.into_iter().next() {
        Some(passphrase) => Ok(Some(passphrase)),
        None => Err(no_passphrase(name, labels)),
    }
}

/// The user whose passphrase stands at a place, if it is a user's.
fn user_of(place: &str) -> Option<String> {
    let place = place.strip_prefix(LISTENERS).unwrap_or(place);
    let user = place.strip_prefix("users/")?.split('/').next()?;
    Some(user.to_owned())
}

fn label_of(place: &str) -> String {
    place.rsplit('/').next().unwrap_or_default().to_owned()
}

fn no_user(name: &str, wanted: &Wanted, users: Vec<String>) -> Problem {
    let users = listed(users);
    match &wanted.user {
        None => Problem::new(
            StatusCode::CONFLICT,
            "users",
            format!("\"{name}\" has no passphrase for everybody, only for its users."),
        )
        .advise(format!("Say for whom it is with ?user=NAME: {users}.")),
        Some(user) => Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_user",
            format!("\"{name}\" has no passphrase for \"{user}\", and none for everybody."),
        )
        .advise(format!("Its users are {users}.")),
    }
}

fn no_passphrase(name: &str, labels: Vec<String>) -> Problem {
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_passphrase",
        format!("\"{name}\" has no passphrase of that label here."),
    );
    if labels.is_empty() {
        return problem.advise("It needs none.");
    }
    problem.advise(format!("There are {}.", listed(labels)))
}

fn listed(mut names: Vec<String>) -> String {
    names.dedup();
    let more = names.len().saturating_sub(NAMES_LISTED);
    names.truncate(NAMES_LISTED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(places: &[&str], user: Option<&str>, label: Option<&str>) -> Result<String, u16> {
        let all = places
            .iter()
            .map(|place| ((*place).to_owned(), "secret".to_owned()));
        let wanted = Wanted {
            user: user.map(str::to_owned),
            passphrase: label.map(str::to_owned),
        };
        choose("cam", all.collect(), &wanted)
            .map(|chosen| chosen.map_or_else(String::new, |(place, _)| place))
            .map_err(|problem| problem.status)
    }

    const ROTATED: [&str; 2] = ["passphrases/2025", "passphrases/2026"];
    const MIXED: [&str; 4] = [
        "passphrase",
        "users/alice",
        "users/bob/new",
        "users/bob/old",
    ];

    #[test]
    fn everybodys_comes_first_and_any_can_be_asked_for() {
        assert_eq!(chosen(&MIXED, None, None), Ok("passphrase".into()));
        assert_eq!(chosen(&ROTATED, None, None), Ok("passphrases/2025".into()));
        assert_eq!(
            chosen(&ROTATED, None, Some("2026")),
            Ok("passphrases/2026".into())
        );
        assert_eq!(chosen(&ROTATED, None, Some("2027")), Err(404));
        assert_eq!(chosen(&[], None, None), Ok(String::new()));
        assert_eq!(chosen(&[], Some("alice"), None), Ok(String::new()));
        assert_eq!(chosen(&[], None, Some("2026")), Err(404));
    }

    #[test]
    fn a_user_gets_its_own_or_everybodys_and_never_another_users() {
        assert_eq!(
            chosen(&MIXED, Some("alice"), None),
            Ok("users/alice".into())
        );
        assert_eq!(
            chosen(&MIXED, Some("bob"), Some("old")),
            Ok("users/bob/old".into())
        );
        assert_eq!(chosen(&MIXED, Some("bob"), Some("alice")), Err(404));
        assert_eq!(chosen(&MIXED, Some("carol"), None), Ok("passphrase".into()));
        assert_eq!(chosen(&MIXED[1..], Some("bo"), None), Err(404));
        assert_eq!(chosen(&MIXED[1..], None, None), Err(409));
        let listeners = ["listener/users/alice"];
        assert_eq!(
            chosen(&listeners, Some("alice"), None),
            Ok("listener/users/alice".into())
        );
    }
}
