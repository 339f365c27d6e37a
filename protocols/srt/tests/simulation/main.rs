//! Whole sessions on a virtual network and a virtual clock.

mod support;

mod adviser;
mod attack;
mod crowd;
mod delivery;
mod encryption;
mod filter;
mod filter_in_rendezvous;
mod group;
mod group_attack;
mod group_swarm;
mod handshake;
mod hostile;
mod lifetime;
mod recovery;
mod recovery_with_libsrt;
mod rendezvous;
mod spoofer;
mod statistics;
mod swarm;
mod swarm_mixed;
mod wrap;
