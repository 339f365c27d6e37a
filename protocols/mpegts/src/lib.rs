//! MPEG transport streams: packets, tables, PES, demultiplexing, inspection.
