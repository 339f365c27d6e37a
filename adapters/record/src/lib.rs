//! MPEG-TS recordings on disk.
