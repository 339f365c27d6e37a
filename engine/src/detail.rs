use core::fmt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an adapter adds to a status under a name of its own.
#[derive(Clone)]
pub(crate) enum Detail {
    /// As it is.
    Told(Value),
    /// Made when somebody asks for it.
    Asked(Arc<dyn Fn() -> Value + Send + Sync>),
}

impl Detail {
    fn value(self) -> Value {
        match self {
            Self::Told(value) => value,
            Self::Asked(make) => make(),
        }
    }
}

/// All of them, for whoever asks.
pub(crate) fn values(details: BTreeMap<&'static str, Detail>) -> BTreeMap<&'static str, Value> {
    let made = details.into_iter();
    made.map(|(name, detail)| (name, detail.value())).collect()
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(value) => write!(f, "{value}"),
            Self::Asked(_) => f.write_str("when asked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{EventSink, SourceReport};
    use core::sync::atomic::{AtomicU64, Ordering};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn what_is_made_when_asked_is_made_for_whoever_asks_and_not_before() {
        let report = SourceReport::new("cam1", EventSink::new());
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        report.detail_when_asked("srt", move || count.fetch_add(1, Ordering::Relaxed).into());
        report.detail("file", json!("a.ts"));
        let said = report.snapshot();
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        let shown = super::values(said.details);
        assert_eq!(shown["srt"], 0);
        assert_eq!(shown["file"], "a.ts");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
