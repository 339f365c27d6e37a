use super::subscription::Subscription;
use crate::item::Batch;
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};

/// The readers of one lane: a list the writer loads without a lock.
#[derive(Debug)]
pub(crate) struct LaneReaders<T> {
    list: ArcSwap<Vec<Arc<Subscription<T>>>>,
    changing: Mutex<()>,
}

impl<T> Default for LaneReaders<T> {
    fn default() -> Self {
        Self {
            list: ArcSwap::from_pointee(Vec::new()),
            changing: Mutex::new(()),
        }
    }
}

impl<T: crate::item::Item> LaneReaders<T> {
    pub(crate) fn publish(&self, batch: &Arc<Batch<T>>) {
        for subscription in self.list.load().iter() {
            subscription.offer(batch);
        }
    }

    pub(crate) fn add(&self, subscription: Arc<Subscription<T>>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = Vec::clone(&self.list.load());
        list.push(subscription);
        self.list.store(Arc::new(list));
    }

    pub(crate) fn remove(&self, subscription: &Arc<Subscription<T>>) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = Vec::clone(&self.list.load());
        list.retain(|other| !Arc::ptr_eq(other, subscription));
        self.list.store(Arc::new(list));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.load().is_empty()
    }

    /// Readers that are not watchers.
    pub(crate) fn len(&self) -> usize {
        self.list
            .load()
            .iter()
            .filter(|reader| !reader.watcher)
            .count()
    }
}
