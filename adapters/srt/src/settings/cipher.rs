use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::SettingsError;
use tidegate_srt::{CipherMode, KeyRefresh};

/// How payloads are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SrtCipher")]
pub(crate) enum Cipher {
    /// As the caller chooses; calls of Tidegate choose AES-CTR.
    #[default]
    Auto,
    /// AES-CTR: every SRT device has it. It does not notice changed packets.
    Ctr,
    /// AES-GCM: whatever is changed on the way is noticed. Needs SRT 1.5.4 or later at the
    /// other side, and takes 16 bytes of every packet.
    Gcm,
}

impl Cipher {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature serde asks for"
    )]
    pub(super) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }

    /// The mode that is required, or called with.
    pub(crate) const fn mode(self) -> Option<CipherMode> {
        match self {
            Self::Auto => None,
            Self::Ctr => Some(CipherMode::Ctr),
            Self::Gcm => Some(CipherMode::Gcm),
        }
    }
}

/// When an output changes the key it sends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SrtKeyRefresh")]
pub(crate) struct KeyChange {
    /// Packets sent with one key (libsrt's `kmrefreshrate`): 16 to 1073741824.
    #[schemars(range(min = 16, max = 1_073_741_824))]
    pub(crate) packets: u64,
    /// Packets before the change at which the next key is announced (`kmpreannounce`): at most
    /// half of `packets`. Without it a 256th of `packets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) announce_packets: Option<u64>,
}

/// How much of a key's time is left at its announcement, unless said: libsrt's 2¹⁶ of 2²⁴.
const ANNOUNCED_PART: u64 = 256;

impl KeyChange {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let error = |message: String| Err(SettingsError::new("key_refresh", message));
        let (least, most) = (KeyRefresh::MIN_RATE_PACKETS, KeyRefresh::MAX_RATE_PACKETS);
        if !(least..=most).contains(&self.packets) {
            return error(format!("a key is used for {least} to {most} packets"));
        }
        let most = (self.packets - 1) / 2;
        match self.announce_packets {
            Some(announce) if !(1..=most).contains(&announce) => error(format!(
                "with a new key every {} packets it is announced 1 to {most} packets ahead",
                self.packets
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn to_refresh(self) -> KeyRefresh {
        let announce = self.announce_packets;
        KeyRefresh::new(
            self.packets,
            announce.unwrap_or(self.packets / ANNOUNCED_PART),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(packets: u64, announce_packets: Option<u64>) -> KeyChange {
        KeyChange {
            packets,
            announce_packets,
        }
    }

    #[test]
    fn a_key_is_announced_in_the_second_half_of_the_time_of_the_one_before() {
        assert!(change(64, Some(31)).check().is_ok());
        assert!(change(64, Some(32)).check().is_err());
        assert!(change(64, Some(0)).check().is_err());
        assert!(change(15, None).check().is_err());
        assert!(change(1 << 31, None).check().is_err());
    }

    #[test]
    fn without_more_the_proportion_is_libsrts() {
        assert_eq!(change(1 << 24, None).to_refresh(), KeyRefresh::DEFAULT);
    }
}
