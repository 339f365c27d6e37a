//! What is known about a caller beyond its address.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_srt::{
    AccessRequest, ConnectionRequest, GroupRequest, RequestedEncryption, SrtVersion, StreamId,
};

/// What a caller said about itself and what it wants.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) stream_id: StreamId,
    pub(super) version: SrtVersion,
    pub(super) encrypted: bool,
    /// The bonding group it wants to be a leg of.
    pub(crate) group: Option<GroupRequest>,
}

impl Caller {
    pub(super) fn of(request: &ConnectionRequest) -> Self {
        Self {
            stream_id: request.stream_id.clone(),
            version: request.peer_version,
            encrypted: !matches!(request.encryption, RequestedEncryption::None),
            group: request.group,
        }
    }

    /// The keys of the stream ID without a meaning of their own.
    pub(super) fn custom_keys(&self) -> BTreeMap<String, String> {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let access = self.stream_id.access();
        access
            .map(|access| access.custom().map(owned).collect())
            .unwrap_or_default()
    }

    /// What the status shows; nothing for a caller that only named a stream.
    pub(crate) fn describe(&self) -> Option<Value> {
        let access = self.stream_id.access()?;
        let mut shown = Map::new();
        let standard: [(&str, Option<&str>); 3] = [
            ("user", access.user()),
            ("host", access.host()),
            ("session", AccessRequest::session(access)),
        ];
        for (name, value) in standard {
            if let Some(value) = value {
                shown.insert(name.into(), value.into());
            }
        }
        let keys = self.custom_keys();
        if !keys.is_empty() {
            shown.insert("keys".into(), json!(keys));
        }
        (!shown.is_empty()).then_some(Value::Object(shown))
    }
}
