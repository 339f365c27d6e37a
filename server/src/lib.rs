//! Tidegate's server: configuration, store, reconciler, API and command line.

pub mod adapters;
pub mod alarms;
pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod events;
pub mod http;
pub mod metrics;
pub mod node;
pub mod reconcile;
pub mod state;
pub mod store;
#[cfg(test)]
mod testing;
pub mod time;
pub mod tls;
