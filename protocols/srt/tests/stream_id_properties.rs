//! Access-control stream IDs: what was written is what is read, and nothing else panics.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tidegate_srt::StreamId;

/// Keys and values as callers choose them, without what has a meaning in the syntax.
fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let key = "[a-z][a-z0-9_]{0,8}";
    let value = "[A-Za-z0-9/._: -]{0,10}[A-Za-z0-9]";
    btree_map(key, value, 1..12).prop_map(|pairs| pairs.into_iter().collect())
}

fn joined(pairs: &[(String, String)]) -> String {
    let written: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
    written.join(",")
}

proptest! {
    #[test]
    fn the_flat_form_reads_back_every_key(pairs in pairs()) {
        let id = StreamId::from(&*format!("#!::{}", joined(&pairs)));
        let access = id.access().expect("it is readable");
        let read: Vec<(&str, &str)> = access.pairs().collect();
        let wrote: Vec<(&str, &str)> =
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        prop_assert_eq!(read, wrote);
    }

    #[test]
    fn the_nested_form_says_the_same_as_the_flat_one(pairs in pairs()) {
        let nested = StreamId::from(&*format!("#!:{{{}}}", joined(&pairs)));
        let access = nested.access().expect("it is readable");
        for (key, value) in &pairs {
            prop_assert_eq!(access.get(key), Some(value.trim()));
        }
    }

    #[test]
    fn what_is_nested_is_found_under_its_path(pairs in pairs(), outer in "[a-z]{3,6}") {
        let id = StreamId::from(&*format!("#!:{{{outer}={{{}}}}}", joined(&pairs)));
        let access = id.access().expect("it is readable");
        for (key, value) in &pairs {
            prop_assert_eq!(access.get(&format!("{outer}.{key}")), Some(value.trim()));
        }
        prop_assert_eq!(access.custom().count(), pairs.len());
    }

    #[test]
    fn no_bytes_break_it(tail in vec(any::<u8>(), 0..512), marked in any::<bool>()) {
        let mut raw = if marked { b"#!:".to_vec() } else { Vec::new() };
        raw.extend(tail);
        let id = StreamId::new(&raw);
        prop_assert!(id.names().all(|name| name.len() <= raw.len()));
        prop_assert!(!id.to_string().contains(char::is_control));
        let keys = id.access().map_or(0, |access| access.pairs().count());
        prop_assert!(keys <= 32);
    }
}
