//! Each rule as a sentence.

mod change;
mod darkness;
mod drill;
mod hysteresis;
mod operator;
mod restart;
mod scene;
mod schedule;
mod trust;
