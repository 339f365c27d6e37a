//! Which ports a configuration opens, and who has those of a listener's range.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_engine::Transport;

use super::Document;
use super::problem::ConfigProblem;
use crate::adapters::{Item, ListenerConfig};

/// A local address that somebody opens.
struct Opened<'a> {
    transport: Transport,
    at: SocketAddr,
    owner: String,
    pointer: String,
    /// The listener whose range it is in.
    of: Option<&'a ListenerConfig>,
}

/// Two cannot open one port, whatever they are; a TCP port is not a UDP port.
pub(super) fn collisions(document: &Document) -> Vec<ConfigProblem> {
    let mut opened = Vec::new();
    opened.extend(opened_by(&document.listeners, document));
    opened.extend(opened_by(&document.sources, document));
    opened.extend(opened_by(&document.outputs, document));
    let collision = |(index, one): (usize, &Opened<'_>)| {
        let mut before = opened.iter().take(index);
        let other = before.find(|other| one.collides_with(other))?;
        let message = format!("{} is already opened by {}.", one.at, other.owner);
        let advice = match one.of {
            Some(listener) => what_is_free(document, listener),
            None => "Give each a port of its own.".to_owned(),
        };
        Some(
            ConfigProblem::new(message)
                .advise(advice)
                .at(one.pointer.clone()),
        )
    };
    opened.iter().enumerate().filter_map(collision).collect()
}

impl Opened<'_> {
    fn collides_with(&self, other: &Self) -> bool {
        self.transport == other.transport && exclude_each_other(self.at, other.at)
    }
}

fn exclude_each_other(one: SocketAddr, two: SocketAddr) -> bool {
    let overlap = one.ip() == two.ip() || one.ip().is_unspecified() || two.ip().is_unspecified();
    // The kernel gives everybody another port 0.
    overlap && one.port() == two.port() && one.port() != 0
}

fn opened_by<'a, T: Item>(
    items: &'a [T],
    document: &'a Document,
) -> impl Iterator<Item = Opened<'a>> {
    items.iter().enumerate().filter_map(|(index, item)| {
        let what = T::WHAT;
        let owner = format!("{what} \"{}\"", item.name());
        let pointer = |kind: &str, field: &str| format!("/{what}s/{index}/{kind}/{field}");
        if let Some((kind, at)) = item.port() {
            return Some(Opened {
                transport: item.transport(),
                at,
                owner,
                pointer: pointer(kind, item.port_field()),
                of: None,
            });
        }
        let (kind, at, listener) = in_a_range(item, document)?;
        Some(Opened {
            transport: item.transport(),
            at,
            owner,
            pointer: pointer(kind, "port"),
            of: Some(listener),
        })
    })
}

/// The address of an item that has a port of its listener's range.
fn in_a_range<'a, T: Item>(
    item: &T,
    document: &'a Document,
) -> Option<(&'static str, SocketAddr, &'a ListenerConfig)> {
    let port = item.port_on_listener()?;
    let (kind, name) = item.listener()?;
    let mut listeners = document.listeners.iter();
    let listener = listeners.find(|listener| listener.name.as_str() == name)?;
    let (_, bind) = listener.port()?;
    Some((kind, SocketAddr::new(bind.ip(), port), listener))
}

/// A port that its listener does not have.
pub(super) fn outside_range<T: Item>(
    item: &T,
    listener: &ListenerConfig,
    document: &Document,
) -> Option<ConfigProblem> {
    let port = item.port_on_listener()?;
    let name = &listener.name;
    let problem = match listener.port_range() {
        Some(range) if range.contains(&port) => return None,
        Some(range) => {
            let (first, last) = (range.start(), range.end());
            let range = format!("the range {first}-{last} of listener \"{name}\"");
            ConfigProblem::new(format!("Port {port} is not in {range}."))
                .advise(what_is_free(document, listener))
        }
        None => ConfigProblem::new(format!("The listener \"{name}\" has no range of ports."))
            .advise(
                "Give it one, like `port_range: \"9100-9149\"`, or write the port here as \
                 `bind`, with its address.",
            ),
    };
    Some(problem.at(format!("/{}/port", item.kind())))
}

/// A port to take instead.
fn what_is_free(document: &Document, listener: &ListenerConfig) -> String {
    let name = &listener.name;
    match next_free(document, listener) {
        Some(port) => format!("The next free one of \"{name}\" is {port}."),
        None => {
            let count = listener.port_range().map_or(0, Iterator::count);
            format!(
                "All {count} ports of \"{name}\" are taken: make its `port_range` longer, or \
                 remove a stream that is not needed."
            )
        }
    }
}

/// The first port of a listener's range that nobody has.
pub(crate) fn next_free(document: &Document, listener: &ListenerConfig) -> Option<u16> {
    let (_, bind) = listener.port()?;
    let transport = listener.transport();
    let mut taken = taken_by(&document.listeners, document, transport);
    taken.extend(taken_by(&document.sources, document, transport));
    taken.extend(taken_by(&document.outputs, document, transport));
    let is_free = |port: &u16| {
        let at = SocketAddr::new(bind.ip(), *port);
        let has = |other: &SocketAddr| exclude_each_other(at, *other);
        !taken.iter().any(has)
    };
    listener.port_range()?.find(is_free)
}

fn taken_by<T: Item>(items: &[T], document: &Document, transport: Transport) -> Vec<SocketAddr> {
    let at = |item: &T| match item.port() {
        Some((_, at)) => Some(at),
        None => in_a_range(item, document).map(|(_, at, _)| at),
    };
    let alike = items.iter().filter(|item| item.transport() == transport);
    alike.filter_map(at).collect()
}

/// Who has which port of a listener's range: `source "cam1"`.
pub(crate) fn owners(document: &Document, listener: &ListenerConfig) -> BTreeMap<u16, String> {
    let mut owners = BTreeMap::new();
    owners.extend(owners_among(&document.sources, listener));
    owners.extend(owners_among(&document.outputs, listener));
    owners
}

fn owners_among<T: Item>(
    items: &[T],
    listener: &ListenerConfig,
) -> impl Iterator<Item = (u16, String)> {
    items.iter().filter_map(|item| {
        let (_, name) = item.listener()?;
        let port = item.port_on_listener()?;
        let owner = format!("{} \"{}\"", T::WHAT, item.name());
        (name == listener.name.as_str()).then_some((port, owner))
    })
}

#[cfg(test)]
mod tests {
    use crate::config::read;

    fn problems(streams: &str) -> Vec<String> {
        let text = format!(
            "listeners:\n\
             - {{ name: devices, srt: {{ bind: \"0.0.0.0:9000\", port_range: 9100-9101 }} }}\n\
             - {{ name: plain, srt: {{ bind: \"0.0.0.0:9050\" }} }}\n{streams}"
        );
        match read::document(&text) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.problems.iter().map(ToString::to_string).collect(),
        }
    }

    fn source(name: &str, listener: &str, port: u16) -> String {
        format!("- {{ name: {name}, srt: {{ listener: {listener}, port: {port} }} }}\n")
    }

    #[test]
    fn every_stream_has_a_port_of_the_range_to_itself() {
        let two = source("a", "devices", 9100) + &source("b", "devices", 9101);
        assert_eq!(problems(&format!("sources:\n{two}")), [""; 0]);
        let twice = source("a", "devices", 9100) + &source("b", "devices", 9100);
        let said = problems(&format!("sources:\n{twice}")).join(" ");
        assert!(said.contains("opened by source \"a\""), "{said}");
        assert!(
            said.contains("next free one of \"devices\" is 9101"),
            "{said}"
        );
        let beside =
            source("a", "devices", 9100) + "- { name: b, srt: { bind: \"127.0.0.1:9100\" } }\n";
        let said = problems(&format!("sources:\n{beside}")).join(" ");
        assert!(said.contains("opened by source \"a\""), "{said}");
    }

    #[test]
    fn a_tcp_port_is_not_a_udp_port() {
        let rtmp = |name: &str, port: u16| {
            format!("- {{ name: {name}, rtmp: {{ bind: \"127.0.0.1:{port}\" }} }}\n")
        };
        assert_eq!(problems(&(rtmp("a", 9000) + &rtmp("b", 9100))), [""; 0]);
        let said = problems(&(rtmp("a", 9000) + &rtmp("b", 9000))).join(" ");
        assert!(said.contains("opened by listener \"a\""), "{said}");
    }

    #[test]
    fn ranges_of_listeners_on_one_address_may_overlap() {
        let second = "- { name: more, srt: { bind: \"127.0.0.1:9060\", port_range: 9100-9102 } }\n\
                      sources:\n";
        let two = source("a", "devices", 9101) + &source("b", "more", 9100);
        assert_eq!(problems(&format!("{second}{two}")), [""; 0]);
        let twice = two + &source("c", "devices", 9100);
        let said = problems(&format!("{second}{twice}")).join(" ");
        assert!(said.contains("opened by source \"b\""), "{said}");
        assert!(said.contains("All 2 ports of \"devices\""), "{said}");
    }

    #[test]
    fn a_range_that_is_full_or_missing_is_said() {
        let full = source("a", "devices", 9100)
            + &source("b", "devices", 9101)
            + &source("c", "devices", 9102);
        let said = problems(&format!("sources:\n{full}")).join(" ");
        assert!(
            said.contains("9102 is not in the range 9100-9101"),
            "{said}"
        );
        assert!(
            said.contains("All 2 ports of \"devices\" are taken"),
            "{said}"
        );
        let said = problems(&format!("sources:\n{}", source("a", "plain", 9100))).join(" ");
        assert!(said.contains("port_range"), "{said}");
    }
}
