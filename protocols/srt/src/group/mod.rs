//! Bonding: several connections, the legs, carry one stream between two peers.

mod membership;

pub(crate) use membership::asked_group;
