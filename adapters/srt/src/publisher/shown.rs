use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_srt_io::ConnectionStatus;

use crate::details;
use crate::figures::Measured;
use crate::legs;
use crate::listening::Caller;

/// What the status shows of a publisher, as it stood at the last look.
pub(super) struct Shown {
    pub(super) status: Arc<ConnectionStatus>,
    pub(super) stream_id: Arc<str>,
    pub(super) measured: Option<Measured>,
    pub(super) caller: Arc<Caller>,
    /// The label of the passphrase it came in with.
    pub(super) passphrase: Option<Arc<str>>,
    /// Who is beside it.
    pub(super) beside: Option<Map<String, Value>>,
    /// The links of an SRTLA sender.
    pub(super) links: Option<Value>,
}

impl Shown {
    pub(super) fn describe(&self) -> Value {
        let mut details = details::source(&self.status, &self.stream_id, self.measured.as_ref());
        if let Some(caller) = self.caller.describe() {
            details["caller"] = caller;
        }
        if let (Some(details), Some(beside)) = (details.as_object_mut(), &self.beside) {
            details.extend(beside.clone());
        }
        if let Some(links) = &self.links {
            details["links"] = links.clone();
        }
        details::add_passphrase(&mut details, self.passphrase.as_ref());
        if let Some((legs, group)) = legs::describe(&self.status).zip(self.caller.group) {
            details["legs"] = legs;
            details["group"] = group.kind.name().into();
        }
        details
    }
}
