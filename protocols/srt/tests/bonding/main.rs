//! Sending over bonding groups: our caller and our listener, and the networks between them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed expectation ends the test"
)]
#![allow(unreachable_pub, reason = "a test's modules have no outside")]

mod backup;
mod broadcast;
mod calls;
mod world;
