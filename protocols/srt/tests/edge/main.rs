//! What strangers may cost: a listener by its public face.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod handmade;
mod link;
mod strangers;
