use super::WireError;
use super::word::WORD_BYTES;

/// What a responder answers to key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMaterialResponse<'a> {
    /// The keys were taken: the request, echoed.
    Taken(&'a [u8]),
    /// They were not.
    Refused(KeyState),
}

/// Where one direction of a connection stands with its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KeyState {
    /// No encryption.
    #[default]
    Unsecured,
    /// Keys are being exchanged.
    Securing,
    /// Both sides have the keys.
    Secured,
    /// The peer encrypts, this side has no passphrase.
    NoSecret,
    /// The passphrases differ.
    BadSecret,
    /// The cipher modes differ.
    BadCryptoMode,
}

impl<'a> KeyMaterialResponse<'a> {
    /// Reads a response.
    ///
    /// # Errors
    /// If it is one word without a known state, or empty.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        WireError::need("key material response", body, WORD_BYTES)?;
        match body {
            [a, b, c, d] => KeyState::from_wire([*a, *b, *c, *d]).map(Self::Refused),
            echo => Ok(Self::Taken(echo)),
        }
    }

    /// The response's bytes.
    pub fn with_bytes<R>(&self, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Taken(echo) => use_bytes(echo),
            Self::Refused(state) => use_bytes(&state.to_wire()),
        }
    }
}

impl KeyState {
    /// libsrt treats the word as bytes, so on the machines it runs on it is
    /// little-endian; both orders are accepted.
    fn from_wire(bytes: [u8; WORD_BYTES]) -> Result<Self, WireError> {
        let little = u32::from_le_bytes(bytes);
        match little.min(u32::from_be_bytes(bytes)) {
            0 => Ok(Self::Unsecured),
            1 => Ok(Self::Securing),
            2 => Ok(Self::Secured),
            3 => Ok(Self::NoSecret),
            4 => Ok(Self::BadSecret),
            5 => Ok(Self::BadCryptoMode),
            _ => Err(WireError::Forbidden {
                what: "key material state",
                value: little,
            }),
        }
    }

    /// The state as libsrt sends it.
    #[must_use]
    pub const fn to_wire(self) -> [u8; WORD_BYTES] {
        let value: u32 = match self {
            Self::Unsecured => 0,
            Self::Securing => 1,
            Self::Secured => 2,
            Self::NoSecret => 3,
            Self::BadSecret => 4,
            Self::BadCryptoMode => 5,
        };
        value.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_sent_little_endian_and_read_in_both_orders() {
        assert_eq!(KeyState::NoSecret.to_wire(), [3, 0, 0, 0]);
        for bytes in [[4, 0, 0, 0], [0, 0, 0, 4]] {
            let refused = KeyMaterialResponse::Refused(KeyState::BadSecret);
            assert_eq!(KeyMaterialResponse::parse(&bytes), Ok(refused));
        }
    }
}
