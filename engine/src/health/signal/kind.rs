use core::fmt;

/// What can fire. The phrases are fixed, the same on every screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerKind {
    /// The sender is gone.
    Disconnect,
    /// Nothing arrives.
    NoPackets,
    /// What arrives are no transport packets.
    TsSync,
    /// The program association table stays away.
    Pat,
    /// The program map stays away.
    Pmt,
    /// A picture or sound that the map names stays away.
    Pid,
    /// Presentation times do not move on.
    PtsStall,
    /// Packets are lost for good on the way here.
    UnrecoveredLoss,
    /// Packets are missing by their counters.
    Continuity,
    /// Far less arrives than usual.
    Bitrate,
}

impl TriggerKind {
    /// All of them, the one that says most first.
    pub const ALL: [Self; 10] = [
        Self::Disconnect,
        Self::NoPackets,
        Self::TsSync,
        Self::Pat,
        Self::Pmt,
        Self::Pid,
        Self::PtsStall,
        Self::UnrecoveredLoss,
        Self::Continuity,
        Self::Bitrate,
    ];

    /// Its name in settings, status and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnect => "disconnect",
            Self::NoPackets => "no_packets",
            Self::TsSync => "ts_sync",
            Self::Pat => "pat",
            Self::Pmt => "pmt",
            Self::Pid => "pid",
            Self::PtsStall => "pts_stall",
            Self::UnrecoveredLoss => "unrecovered_loss",
            Self::Continuity => "continuity",
            Self::Bitrate => "bitrate",
        }
    }

    /// The fixed phrase.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Disconnect => "Not connected",
            Self::NoPackets => "No packets",
            Self::TsSync => "No sync",
            Self::Pat => "PAT missing",
            Self::Pmt => "PMT missing",
            Self::Pid => "Track missing",
            Self::PtsStall => "Time stands still",
            Self::UnrecoveredLoss => "Losing packets",
            Self::Continuity => "Gaps in the stream",
            Self::Bitrate => "Bitrate collapsed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Disconnect => "Start the sender, or look at the network between it and here.",
            Self::NoPackets => "Look at the sender and the network between it and here.",
            Self::TsSync => "The sender must send an MPEG transport stream.",
            Self::Pat | Self::Pmt => {
                "The encoder must repeat its tables at least every half second. Look at its multiplexer."
            }
            Self::Pid => "Look at the encoder's video and audio inputs.",
            Self::PtsStall => "The encoder sends, but its clock stands still. Restart it.",
            Self::UnrecoveredLoss => "Raise the latency, or lower the bitrate.",
            Self::Continuity => "Packets are missing. Look at the sender and what is before it.",
            Self::Bitrate => "Look at the encoder and its uplink.",
        }
    }

    /// That of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for TriggerKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
