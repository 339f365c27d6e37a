/// The length of an AES key, and of the key that wraps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum KeyLength {
    /// 16 bytes.
    #[default]
    Aes128,
    /// 24 bytes.
    Aes192,
    /// 32 bytes.
    Aes256,
}

impl KeyLength {
    /// The longest key in bytes.
    pub const MAX_BYTES: usize = 32;

    /// The key's bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// The length with this many bytes, if AES has it.
    #[must_use]
    pub const fn from_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Aes128),
            24 => Some(Self::Aes192),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// The value a handshake's encryption field advertises this length with.
    #[must_use]
    pub const fn advertised(self) -> u16 {
        match self {
            Self::Aes128 => 2,
            Self::Aes192 => 3,
            Self::Aes256 => 4,
        }
    }

    /// The length a handshake's encryption field advertises; `None` for no preference
    /// (zero) and for values SRT does not define.
    #[must_use]
    pub const fn from_advertised(field: u16) -> Option<Self> {
        Self::from_bytes(field as usize * 8)
    }
}
