use crate::feed::Feed;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The feeds by their source's name. A feed exists as soon as a source or an output names it,
/// so an output may be there before its source is.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    by_name: Arc<Mutex<BTreeMap<String, Feed>>>,
}

impl Feeds {
    /// The feed of that source; made if nobody has asked for it before.
    #[must_use]
    pub fn get(&self, name: &str) -> Feed {
        let mut feeds = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        feeds
            .entry(name.to_owned())
            .or_insert_with(|| Feed::new(name))
            .clone()
    }

    pub(super) fn retain(&self, wanted: impl Fn(&str) -> bool) {
        let mut feeds = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may be about to use one that he has just asked for.
        feeds.retain(|name, feed| feed.is_shared() || wanted(name));
    }
}
