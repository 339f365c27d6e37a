//! HLS outputs.
