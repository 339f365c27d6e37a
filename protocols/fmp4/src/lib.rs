//! Fragmented MP4 (CMAF) from access units.
