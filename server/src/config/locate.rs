//! From a JSON pointer to the line and column it has in a YAML text.
//!
//! Typed parsing places what serde itself refuses. What is only wrong beside something
//! else (a source that names a missing listener) is found later, by pointer; this second,
//! untyped reading of the same text gives that pointer its place.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::problem::Place;

/// The shape of a YAML text with the place of every value.
pub(super) struct Outline(Spanned<Node>);

enum Node {
    Scalar,
    Sequence(Vec<Spanned<Self>>),
    Mapping(Vec<(String, Spanned<Self>)>),
}

impl Outline {
    /// Reads `text`; `None` when it cannot be read, which typed parsing has reported.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_saphyr::from_str_with_options(text, super::read::options())
            .ok()
            .map(Self)
    }

    /// Where the value that `pointer` names begins, or the deepest value on the way to it.
    pub(super) fn place(&self, pointer: &str) -> Option<Place> {
        let mut here = &self.0;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let Some(next) = child(&here.value, &step) else {
                break;
            };
            here = next;
        }
        place_of(here.referenced)
    }
}

fn child<'a>(node: &'a Node, step: &str) -> Option<&'a Spanned<Node>> {
    match node {
        Node::Scalar => None,
        Node::Sequence(items) => items.get(step.parse::<usize>().ok()?),
        Node::Mapping(entries) => entries.iter().find(|(key, _)| key == step).map(|(_, v)| v),
    }
}

pub(super) fn place_of(location: Location) -> Option<Place> {
    (location != Location::UNKNOWN).then(|| Place {
        line: location.line(),
        column: location.column(),
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut sequence = Vec::new();
        while let Some(item) = items.next_element()? {
            sequence.push(item);
        }
        Ok(Node::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut mapping = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            mapping.push(entry);
        }
        Ok(Node::Mapping(mapping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_its_line_and_column() {
        let outline = Outline::read("a: 1\nb:\n  - { c: x, d: yes }\n  - 7\n").unwrap();
        assert_eq!(
            outline.place("/b/0/d"),
            Some(Place {
                line: 3,
                column: 16
            })
        );
        assert_eq!(outline.place("/b/1"), Some(Place { line: 4, column: 5 }));
    }

    #[test]
    fn a_missing_value_is_placed_at_what_lacks_it() {
        let outline = Outline::read("a:\n  b: { c: 1 }\n").unwrap();
        assert_eq!(
            outline.place("/a/b/zzz"),
            Some(Place { line: 2, column: 6 })
        );
    }
}
