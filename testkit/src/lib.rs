//! What the tests share: generated media, captures, real peers, conformance.
