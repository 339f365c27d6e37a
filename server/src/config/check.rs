//! Checking a configuration as a whole: what is only wrong beside something else.

use std::collections::{HashMap, HashSet};

use super::ports;
use super::problem::ConfigProblem;
use super::read::unknown_reference;
use super::{Document, Name, SecretConfig};
use tidegate_engine::{SecretRef, limits};

use crate::adapters::Item;

/// Most listeners one node holds; the engine says how many sources and outputs.
pub const LISTENERS_MAX: usize = 100;

/// Separates the parts of names made for literal secrets; no [`Name`] contains it.
pub const DERIVED_SEPARATOR: char = '/';

/// Everything wrong with `document`, each with a pointer; empty when it can be applied.
#[must_use]
pub fn whole(document: &Document) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    unique(LISTENERS_MAX, &document.listeners, &mut problems);
    unique(limits::SOURCES, &document.sources, &mut problems);
    unique(limits::OUTPUTS, &document.outputs, &mut problems);
    items("/listeners", &document.listeners, document, &mut problems);
    items("/sources", &document.sources, document, &mut problems);
    items("/outputs", &document.outputs, document, &mut problems);
    routes(document, &mut problems);
    derived(document, &mut problems);
    claims(document, &mut problems);
    problems.extend(ports::collisions(document));
    for (name, secret) in &document.secrets {
        problems.extend(secret_origin(name, secret));
    }
    public_host(document, &mut problems);
    problems
}

fn unique<T: Item>(most: usize, items: &[T], problems: &mut Vec<ConfigProblem>) {
    let what = T::WHAT;
    if items.len() > most {
        problems.push(ConfigProblem::new(format!(
            "There are more than {most} {what}s."
        )));
    }
    let mut seen = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if seen.insert(item.name().clone(), index).is_some() {
            let name = item.name();
            let problem = ConfigProblem::new(format!("There are two {what}s named \"{name}\"."));
            problems.push(
                problem
                    .advise("Rename or remove one.")
                    .at(format!("/{what}s/{index}/name")),
            );
        }
    }
}

fn items<T: Item>(
    pointer: &str,
    items: &[T],
    document: &Document,
    problems: &mut Vec<ConfigProblem>,
) {
    for (index, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        let found = one_item(item, document);
        problems.extend(found.into_iter().map(|mut problem| {
            problem.pointer = Some(pointer.clone() + problem.pointer.as_deref().unwrap_or(""));
            problem
        }));
    }
}

fn one_item<T: Item>(item: &T, document: &Document) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    match item.kinds().as_slice() {
        [_] => {}
        [] => problems.push(
            ConfigProblem::new(format!("\"{}\" does not say what it is.", item.name()))
                .advise(format!("Add one of: {}.", T::KINDS.join(", "))),
        ),
        several => problems.push(
            ConfigProblem::new(format!(
                "\"{}\" is {} at once.",
                item.name(),
                several.join(" and ")
            ))
            .advise("Keep one of them.")
            .at(format!("/{}", several[1])),
        ),
    }
    problems.extend(item.check());
    if let Some((kind, listener)) = item.listener() {
        let known = document
            .listeners
            .iter()
            .filter(|known| known.kinds().contains(&kind));
        let known: Vec<_> = known.collect();
        match known.iter().find(|known| known.name().as_str() == listener) {
            None => {
                let names = known.iter().map(|known| known.name().as_str());
                let problem = unknown_reference("listener", listener, names);
                problems.push(problem.at(format!("/{kind}/listener")));
            }
            Some(&known) => {
                problems.extend(ports::outside_range(item, known, document));
                if !has_passphrases(known) {
                    problems.extend(item.without_listeners_secret());
                }
            }
        }
    }
    for (field, secret) in item.clone().secrets() {
        if let SecretRef::Named(name) = secret
            && !name.contains(DERIVED_SEPARATOR)
            && !document.secrets.contains_key(name.as_str())
        {
            let known: Vec<&str> = document.secrets.keys().map(Name::as_str).collect();
            problems.push(unknown_reference("secret", name, known).at(format!("/{field}/secret")));
        }
    }
    problems
}

/// Whether anybody needs a passphrase because of it; other secrets do not count.
pub(crate) fn has_passphrases<T: Item>(item: &T) -> bool {
    let mut item = item.clone();
    let secrets = item.secrets();
    let mut places = secrets.iter().map(|(place, _)| place);
    places.any(|place| place.contains("/passphrase") || place.contains("/users/"))
}

fn routes(document: &Document, problems: &mut Vec<ConfigProblem>) {
    let names: Vec<&str> = document.sources.iter().map(|s| s.name().as_str()).collect();
    for (index, output) in document.outputs.iter().enumerate() {
        let source = output.source.as_str();
        if !names.contains(&source) {
            let problem = unknown_reference("source", source, names.iter().copied());
            problems.push(problem.at(format!("/outputs/{index}/source")));
        }
    }
}

/// What a source is made out of is there, and not made out of itself in the end.
fn derived(document: &Document, problems: &mut Vec<ConfigProblem>) {
    let sources = &document.sources;
    let made_of: HashMap<&str, Vec<&str>> = sources
        .iter()
        .map(|source| {
            let reads = source.reads().into_iter().map(|(_, read)| read);
            (source.name().as_str(), reads.collect())
        })
        .collect();
    for (index, source) in sources.iter().enumerate() {
        let name = source.name().as_str();
        for (field, read) in source.reads() {
            let others = sources.iter().map(|other| other.name().as_str());
            let others = others.filter(|other| *other != name);
            let is_known = others.clone().any(|other| other == read);
            let problem = if !is_known && read != name {
                unknown_reference("source", read, others)
            } else if leads_to(name, read, &made_of) {
                made_of_itself(name, read)
            } else {
                continue;
            };
            problems.push(problem.at(format!("/sources/{index}/{field}")));
        }
    }
}

fn made_of_itself(name: &str, read: &str) -> ConfigProblem {
    let way = if read == name {
        String::new()
    } else {
        format!(", by way of \"{read}\"")
    };
    let message = format!("Source \"{name}\" is made out of itself{way}.");
    ConfigProblem::new(message).advise("Name one that comes from outside.")
}

/// Whether `from` is `name`, or made out of it. Another circle on the way is not `name`'s fault.
fn leads_to<'a>(name: &str, from: &'a str, made_of: &HashMap<&'a str, Vec<&'a str>>) -> bool {
    let mut seen = HashSet::from([from]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == name {
            return true;
        }
        let reads = made_of.get(at).into_iter().flatten();
        next.extend(reads.filter(|read| seen.insert(**read)));
    }
    false
}

/// On one listener a stream ID belongs to exactly one source or output.
fn claims(document: &Document, problems: &mut Vec<ConfigProblem>) {
    let sources = document
        .sources
        .iter()
        .enumerate()
        .map(|(i, s)| ("source", i, claim(s)));
    let outputs = document
        .outputs
        .iter()
        .enumerate()
        .map(|(i, o)| ("output", i, claim(o)));
    let mut taken: HashMap<(String, String), String> = HashMap::new();
    for (what, index, claim) in sources.chain(outputs) {
        let Some((kind, listener, stream_id, name)) = claim else {
            continue;
        };
        let owner = format!("{what} \"{name}\"");
        let key = (listener.to_owned(), stream_id.to_owned());
        if let Some(other) = taken.get(&key) {
            problems.push(
                ConfigProblem::new(format!(
                    "Stream ID \"{stream_id}\" on listener \"{listener}\" already belongs to {other}."
                ))
                .advise("Give each its own; a publisher and its readers never share one.")
                .at(format!("/{what}s/{index}/{kind}/stream_id")),
            );
        } else {
            taken.insert(key, owner);
        }
    }
}

fn claim<T: Item>(item: &T) -> Option<(&'static str, &str, &str, &Name)> {
    let (kind, listener) = item.listener()?;
    Some((kind, listener, item.stream_id()?, item.name()))
}

fn secret_origin(name: &Name, secret: &SecretConfig) -> Option<ConfigProblem> {
    let at = format!("/secrets/{name}");
    if let Some(SecretRef::Named(_)) = secret.value {
        let problem = ConfigProblem::new(format!("Secret \"{name}\" names another secret."));
        return Some(problem.advise("Write its value as text.").at(at + "/value"));
    }
    let given = [
        secret.value.is_some(),
        secret.env.is_some(),
        secret.file.is_some(),
    ];
    let problem = match given.iter().filter(|given| **given).count() {
        1 => return None,
        0 => format!("Secret \"{name}\" has no value."),
        _ => format!("Secret \"{name}\" has more than one value."),
    };
    let problem = ConfigProblem::new(problem).advise("Give one of: value, env, file.");
    Some(problem.at(at))
}

fn public_host(document: &Document, problems: &mut Vec<ConfigProblem>) {
    let Some(host) = &document.public_host else {
        return;
    };
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(allowed) {
        problems.push(
            ConfigProblem::new(format!("\"{host}\" is not a host name or address."))
                .advise("Write it without scheme and port, for example live.example.net.")
                .at("/public_host"),
        );
    }
}

/// The pointer prefix of each kind of item, for errors about one of them.
pub(crate) fn pointer_of<T: Item>(document: &Document, name: &str) -> Option<String> {
    T::list(document)
        .iter()
        .position(|item| item.name().as_str() == name)
        .map(|index| format!("/{}s/{index}", T::WHAT))
}
