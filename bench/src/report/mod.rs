//! Figures, their medians, and how they are shown.

mod figure;
mod slope;
mod table;

pub(crate) use figure::{Figure, medians};
pub(crate) use table::print;
