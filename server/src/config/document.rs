//! `tidegate.yaml`: the whole desired state as one document.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::SecretRef;

use super::Name;
use crate::adapters::{ListenerConfig, OutputConfig, SourceConfig};

/// Everything a configuration file can say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Document {
    /// Where the dashboard and the API are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpConfig>,
    /// How the world reaches this node: a host name or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_host: Option<String>,
    /// Ports where strangers arrive.
    pub listeners: Vec<ListenerConfig>,
    /// Where feeds come from.
    pub sources: Vec<SourceConfig>,
    /// Where feeds go.
    pub outputs: Vec<OutputConfig>,
    /// Secrets by name, kept apart from what uses them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<Name, SecretConfig>,
}

/// Where HTTP is served. Read at start; a change takes effect at the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port of HTTP; `0.0.0.0:8080` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<SocketAddr>,
    /// Address and port of HTTPS; port 8443 beside `bind` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_bind: Option<SocketAddr>,
    /// Certificate and key; self-signed ones are made when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
}

/// PEM files, read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate chain, the leaf first.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Where a secret's value comes from: exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretConfig {
    /// The value itself; moved to the store and never returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<SecretRef>,
    /// Name of an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Path of a file; a trailing line break is not part of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}
