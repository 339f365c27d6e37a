//! Runs the SRT core on shards: one thread, one socket a port, one owner a connection.
