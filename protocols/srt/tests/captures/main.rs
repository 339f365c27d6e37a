//! Real sessions of libsrt as golden vectors: agreeing only with ourselves proves nothing.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod caller;
mod filter;
mod group_calls;
mod groups;
mod handshakes;
mod listener;
mod payloads;
mod pcap;
mod rejections;
mod rendezvous;
mod replay;
mod roundtrip;
mod session;
