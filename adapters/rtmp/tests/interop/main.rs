//! Real encoders.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

#[path = "../common/mod.rs"]
mod common;

mod ffmpeg;
mod gstreamer;
mod obs;
mod stage;
mod tls;
