//! Every real peer, calling and listening, sending and receiving, plain and with each key
//! length, with a stream ID. `docs/interop.md` is the table of what these tests prove.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

#[path = "../common/mod.rs"]
mod common;

mod address;
mod ffmpeg;
mod gstreamer;
mod harsh;
mod live_transmit;
mod obs;
mod stage;
mod vlc;
