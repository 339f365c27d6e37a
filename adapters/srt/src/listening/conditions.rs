//! What a caller must fulfil besides having the passphrase.

use std::net::IpAddr;

use tidegate_engine::{Cidr, allows};
use tidegate_srt::{AccessMode, AccessType, ConnectionRequest, RejectReason};

use super::{Entry, Refusal};
use crate::settings::ListenerSettings;

/// Networks that are named in the journal; more would fill a line without saying more.
const NETWORKS_NAMED: usize = 4;

/// Whether the caller's address and the keys of its stream ID allow what it wants.
pub(super) fn check(
    request: &ConnectionRequest,
    entry: &Entry,
    listener: Option<&ListenerSettings>,
) -> Result<(), Refusal> {
    let address = request.peer.ip();
    if let Some(listener) = listener {
        check_address(address, &listener.allow, "the listener")?;
    }
    check_address(address, &entry.rules().allow, &entry.to_string())?;
    check_keys(request)
}

fn check_address(address: IpAddr, allow: &[Cidr], whose: &str) -> Result<(), Refusal> {
    if allows(allow, address) {
        return Ok(());
    }
    let mut named: Vec<String> = allow.iter().map(ToString::to_string).collect();
    if named.len() > NETWORKS_NAMED {
        let more = named.len() - NETWORKS_NAMED;
        named.truncate(NETWORKS_NAMED);
        named.push(format!("{more} more"));
    }
    let address = address.to_canonical();
    let advice = format!("Add {address} to `allow` of {whose} if this caller is meant to come in");
    Err(Refusal::new(RejectReason::AddressNotAllowed, advice)
        .received(format!("a call from {address}"))
        .expected(format!(
            "an address that {whose} allows: {}",
            named.join(", ")
        )))
}

fn check_keys(request: &ConnectionRequest) -> Result<(), Refusal> {
    let Some(access) = request.stream_id.access() else {
        return Ok(());
    };
    let written = |key: &str| format!("{key}={}", access.get(key).unwrap_or_default());
    let kind = access.kind();
    if kind != Some(AccessType::Stream) {
        let advice = match kind {
            Some(AccessType::File) => {
                "Tidegate carries live streams, no files: set t=stream at the caller, or leave it out"
            }
            Some(AccessType::Auth) => {
                "Nothing is negotiated over SRT here: set t=stream at the caller, or leave it out"
            }
            _ => "Set t=stream at the caller, or leave it out",
        };
        return Err(Refusal::new(RejectReason::UnsupportedType, advice)
            .received(written("t"))
            .expected("t=stream, or no t= at all"));
    }
    if access.get("m").is_none() {
        return Ok(());
    }
    let advice = match access.mode() {
        Some(AccessMode::Bidirectional) => {
            "A connection carries media one way: make one call to send (m=publish) and another \
             to read (m=request)"
        }
        None => "Set m=publish to send or m=request to read, or leave it out",
        Some(AccessMode::Publish | AccessMode::Request) => return Ok(()),
    };
    Err(Refusal::new(RejectReason::WrongMode, advice)
        .received(written("m"))
        .expected("m=publish or m=request"))
}
