use super::cipher::check_cipher;
use super::extensions::Extensions;
use super::stream_id::StreamId;
use crate::RejectReason;
use crate::crypto::KeyMaterial;
use crate::fec::FilterConfig;
use crate::wire::{
    GroupExtension, Handshake, HsExtension, HsFlags, RequestType, SequenceNumber, SocketId,
    SrtVersion,
};

/// A caller's conclusion that may be decided on: well-formed, and for what is supported.
#[derive(Clone, Debug)]
pub struct ConclusionRequest {
    /// The caller's socket. With the address and [`Self::initial_sequence`] it tells a
    /// repeated conclusion from a new one.
    pub socket: SocketId,
    /// The first sequence number of both directions.
    pub initial_sequence: SequenceNumber,
    /// Largest datagram the caller takes.
    pub segment_bytes: u32,
    /// Packets the caller is ready to have in flight towards it.
    pub flow_window_packets: u32,
    /// The caller's version, capabilities and latency.
    pub hs: HsExtension,
    /// The stream it asks for.
    pub stream_id: StreamId,
    /// How it encrypts.
    pub encryption: RequestedEncryption,
    /// The packet filter it wants.
    pub packet_filter: Option<FilterConfig>,
    /// The bonding group it is a leg of.
    pub group: Option<GroupExtension>,
    pub(super) cookie: u32,
    pub(super) extension_field: u16,
}

/// How a caller encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedEncryption {
    /// It does not.
    None,
    /// With these keys, for whoever knows the passphrase.
    KeyMaterial(KeyMaterial),
}

impl ConclusionRequest {
    /// Reads a conclusion whose cookie has been verified.
    ///
    /// # Errors
    /// With the reason to refuse it for.
    pub fn read(handshake: &Handshake<'_>, min_version: SrtVersion) -> Result<Self, RejectReason> {
        if handshake.request != RequestType::Conclusion || handshake.socket == SocketId::LISTENER {
            return Err(RejectReason::Rogue);
        }
        if handshake.version < Handshake::VERSION_5 {
            return Err(RejectReason::Version);
        }
        let extensions = Extensions::read(&handshake.extensions)?;
        let hs = extensions.request.ok_or(RejectReason::Rogue)?;
        check_peer(&hs, min_version)?;
        extensions.check_supported()?;
        Ok(Self {
            socket: handshake.socket,
            initial_sequence: handshake.initial_sequence,
            segment_bytes: handshake.segment_bytes,
            flow_window_packets: handshake.flow_window_packets,
            hs,
            encryption: encryption(extensions.key_material_request, &hs)?,
            packet_filter: extensions.filter,
            stream_id: StreamId::new(&extensions.stream_id.unwrap_or_default()),
            group: extensions.group,
            cookie: handshake.cookie,
            extension_field: handshake.extension_field,
        })
    }
}

impl ConclusionRequest {
    /// Whether this is what the caller encrypts with.
    pub(super) fn brings(&self, material: &KeyMaterial) -> bool {
        matches!(&self.encryption, RequestedEncryption::KeyMaterial(own) if own == material)
    }
}

/// A version 5 handshake from an SRT that did not have it contradicts itself.
fn check_peer(hs: &HsExtension, min_version: SrtVersion) -> Result<(), RejectReason> {
    if hs.version < SrtVersion::HANDSHAKE_5 {
        return Err(RejectReason::Rogue);
    }
    if hs.version < min_version {
        return Err(RejectReason::Version);
    }
    if hs.flags.has(HsFlags::STREAM) {
        return Err(RejectReason::MessageApi);
    }
    Ok(())
}

fn encryption(
    key_material: Option<&[u8]>,
    hs: &HsExtension,
) -> Result<RequestedEncryption, RejectReason> {
    let Some(body) = key_material else {
        return Ok(RequestedEncryption::None);
    };
    let key_material = KeyMaterial::parse(body).map_err(|_| RejectReason::Rogue)?;
    check_cipher(key_material.cipher(), hs)?;
    Ok(RequestedEncryption::KeyMaterial(key_material))
}
