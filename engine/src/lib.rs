//! Feeds, readers, sources, outputs, back-off, limits and health; knows no protocol by name.
