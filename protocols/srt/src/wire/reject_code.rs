use core::fmt;

/// The number a refusal has on the wire: the handshake's request type minus 1000.
///
/// 0 to 17 are libsrt's own, 1000 and up are HTTP-like codes of the application, 2000 and
/// up are free for users.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RejectCode(u32);

impl RejectCode {
    /// Request types from this on are refusals.
    pub(crate) const REQUEST_BASE: u32 = 1000;

    /// The peer hung up and gave no reason.
    pub(crate) const PEER: Self = Self(2);

    /// The code with this number.
    #[must_use]
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// libsrt's name of the code, for the journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "SYSTEM",
            2 => "PEER",
            3 => "RESOURCE",
            4 => "ROGUE",
            5 => "BACKLOG",
            6 => "IPE",
            7 => "CLOSE",
            8 => "VERSION",
            9 => "RDVCOOKIE",
            10 => "BADSECRET",
            11 => "UNSECURE",
            12 => "MESSAGEAPI",
            13 => "CONGESTION",
            14 => "FILTER",
            15 => "GROUP",
            16 => "TIMEOUT",
            17 => "CRYPTO",
            1000..2000 => "application code",
            2000.. => "user code",
            _ => "UNKNOWN",
        }
    }
}

impl fmt::Debug for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
