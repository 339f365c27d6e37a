//! Tidegate's server: configuration, store, reconciler, API and command line.
//!
//! ```text
//!  tidegate.yaml ─┐              checked as a whole            smallest difference
//!  API ───────────┼─► state::Control ──► store (SQLite) ──► reconcile ──► engine, adapters
//!  command line ──┘        │                                                │
//!                          └──────────► events::Journal ◄──────── events ───┘
//!                                             │
//!                    log, metrics, /api/v1/events, /api/v1/rejections, the live stream
//! ```
//!
//! [`node::Node`] starts all of it in order; [`adapters`] is the list of protocols.

pub mod adapters;
pub mod alarms;
pub mod api;
pub mod auth;
pub mod bans;
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
pub mod webhook;
