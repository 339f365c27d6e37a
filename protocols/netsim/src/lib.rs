//! A seeded, virtual network for sans-IO protocols.
