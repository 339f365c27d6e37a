//! UDP sockets in batches: recvmmsg, GRO, GSO, multicast.
