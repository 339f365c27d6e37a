use crate::RejectReason;
use crate::wire::{CipherMode, HsExtension, HsFlags, SrtVersion};

/// Since this version AES-GCM has a nonce of its own for every packet. Before, only the upper
/// half of the sequence number went into it, so that 65,536 packets in a row shared one: that
/// gives the payload and the authentication key away, and is not spoken here.
const SOUND_GALOIS_MODE: SrtVersion = SrtVersion::new(1, 5, 4);

/// Whether a peer that says this of itself can use the cipher mode as it is used here.
pub(super) fn check_cipher(mode: CipherMode, peer: &HsExtension) -> Result<(), RejectReason> {
    if mode == CipherMode::Ctr {
        return Ok(());
    }
    if peer.version < SOUND_GALOIS_MODE {
        return Err(RejectReason::OldGaloisMode);
    }
    // Timestamps are authenticated; without timed delivery libsrt leaves them out.
    let timed = HsFlags::TSBPD_SEND | HsFlags::TSBPD_RECEIVE;
    if peer.flags.0 & timed != timed {
        return Err(RejectReason::CryptoMode);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(version: SrtVersion, flags: u32) -> HsExtension {
        HsExtension {
            version,
            flags: HsFlags(flags),
            receive_latency_millis: 120,
            send_latency_millis: 120,
        }
    }

    #[test]
    fn galois_mode_is_for_peers_since_1_5_4_with_timed_delivery() {
        let timed = HsFlags::LIVE.0;
        let gcm = |version, flags| check_cipher(CipherMode::Gcm, &peer(version, flags));
        let old = SrtVersion::new(1, 5, 3);
        assert_eq!(gcm(old, timed), Err(RejectReason::OldGaloisMode));
        assert_eq!(gcm(SOUND_GALOIS_MODE, timed), Ok(()));
        let untimed = timed & !HsFlags::TSBPD_RECEIVE;
        assert_eq!(
            gcm(SOUND_GALOIS_MODE, untimed),
            Err(RejectReason::CryptoMode)
        );
        assert_eq!(check_cipher(CipherMode::Ctr, &peer(old, untimed)), Ok(()));
    }
}
