//! Figures, their medians, and how they are shown.

mod figure;
mod floor;
mod slope;
mod table;

pub(crate) use figure::{Figure, medians};
pub(crate) use floor::show_lowest_floors;
pub(crate) use table::print;
