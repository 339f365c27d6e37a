/// What SRTLA has cost and carried on an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SrtlaCounters {
    /// REG1 answered with a bundle's name.
    pub offered: u64,
    /// Registrations ignored because their address sends too many, or failed to authenticate.
    pub throttled: u64,
    /// Registrations refused because a limit on bundles or links is reached.
    pub refused: u64,
    /// Registrations for a bundle that does not exist, and keepalives from nobody's link.
    pub unknown: u64,
    /// SRTLA packets that make no sense.
    pub malformed: u64,
    /// Bundles made.
    pub bundles_opened: u64,
    /// Bundles that were forgotten before any SRT connection was accepted.
    pub bundles_unproven: u64,
    /// Links that joined a bundle.
    pub links_joined: u64,
    /// Links that fell silent for too long.
    pub links_lost: u64,
    /// Keepalives sent back.
    pub keepalives: u64,
    /// SRTLA acknowledgements sent.
    pub acks: u64,
    /// Datagrams not sent, because their link's address had sent too little to deserve them.
    pub withheld: u64,
    /// Bundles there are now.
    pub bundles: u64,
    /// Links there are now.
    pub links: u64,
}
