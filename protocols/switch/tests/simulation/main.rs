//! Whole programs out of synthetic cameras, on a virtual clock.
//!
//! `TIDEGATE_SWITCH_SEEDS=10000` for many times as much; `TIDEGATE_SWITCH_SEED=…` runs one seed alone.
#![allow(unreachable_pub, reason = "a test's modules have no outside")]
#![allow(missing_docs, reason = "names say it, in a test")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "numbers here are small"
)]

mod camera;
mod chaos;
mod checker;
mod control;
mod darkness;
mod drill;
mod seeds;
mod takes;
mod world;
