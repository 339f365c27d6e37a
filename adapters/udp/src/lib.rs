//! UDP MPEG-TS outputs.
