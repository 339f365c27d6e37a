//! SRT sources and outputs.
