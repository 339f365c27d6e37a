//! `tidegate.yaml` and the same objects through the API.

pub mod check;
mod document;
mod locate;
mod name;
pub(crate) mod ports;
pub mod problem;
pub mod read;

pub use document::{Document, HttpConfig, SecretConfig, TlsFiles};
pub use name::{NAME_BYTES_MAX, Name, NameError};
pub use problem::{ConfigErrors, ConfigProblem, Place};
