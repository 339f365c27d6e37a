//! Tidegate's server: configuration, store, reconciler, API and command line.
