//! SRT sources and outputs.
//!
//! ```text
//!                      ┌── stream ID ──▶ source (publisher)   FeedSink ──▶ feed
//! listener ─ admission ┤
//!                      └── stream ID ──▶ output (readers)     RouteFountain ◀── route
//!
//! call ──────────────────▶ source (pull) or output (push), one connection each
//! ```
//!
//! On a listener a stream ID belongs to exactly one source or one output. Who asks for one is
//! let in by [`Adapter`]'s admission: the ID must exist, the direction must fit, the passphrase
//! must open the caller's keys. A stranger is told nothing of which of these failed; the
//! journal has it in full. Connections live on the shards of `tidegate-srt-io`; here are only
//! their ends: a sink that fills a feed, a fountain that empties a route.

mod adapter;
mod call;
mod details;
mod doorman;
mod figures;
mod flapping;
mod fountain;
mod house;
mod legs;
mod links;
mod listening;
mod lock;
mod low_delay;
mod passphrases;
mod phrases;
mod place;
mod publisher;
mod pull;
mod push;
mod questions;
mod readers;
mod rules;
mod settings;
mod sink;

pub use adapter::Adapter;
pub use doorman::{Answer, Doorman, NoAnswer, OnFailure, Question, Webhook};
pub use questions::{ASKING_MAX, ASKING_PER_WEBHOOK_MAX};
pub use settings::{
    CallUri, FilterChoice, ListenerSettings, OutputSettings, PORT_RANGE_MAX, PortRange,
    SecondPublisher, SourceSettings, UriError, WebhookSettings, percent_decoded_text,
};
pub use tidegate_srt::srtla::{LINKS_MAX as SRTLA_LINKS_MAX, SENDERS_MAX as SRTLA_SENDERS_MAX};
pub use tidegate_srt::{Counters, Described, Gauges};
pub use tidegate_srt::{GROUP_LEGS_MAX as BONDING_LEGS_MAX, GROUPS_MAX as BONDING_GROUPS_MAX};
