//! SRT live mode, sans-IO.

pub mod wire;
