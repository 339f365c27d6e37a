//! What strangers may cost: a listener by its public face.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod groups;
mod handmade;
mod idle;
mod link;
mod strangers;
