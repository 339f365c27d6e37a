use crate::RejectReason;
use crate::fec::FilterConfig;
use crate::wire::{
    ExtensionBlock, ExtensionBlocks, ExtensionCommand, GroupExtension, HsExtension,
    MAX_CONGESTION_BYTES, MAX_FILTER_BYTES, MAX_STREAM_ID_BYTES, WireText,
};

/// The known extension blocks of a handshake. Unknown ones are skipped.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    pub(super) request: Option<HsExtension>,
    pub(super) response: Option<HsExtension>,
    pub(super) key_material_request: Option<&'a [u8]>,
    pub(super) key_material_response: Option<&'a [u8]>,
    pub(super) stream_id: Option<Vec<u8>>,
    pub(super) congestion: Option<Vec<u8>>,
    pub(super) filter: Option<FilterConfig>,
    pub(super) group: Option<GroupExtension>,
}

/// The one congestion controller of live mode; nobody sends its name, but may.
const LIVE_CONGESTION: &[u8] = b"live";

impl<'a> Extensions<'a> {
    pub(super) fn read(blocks: &ExtensionBlocks<'a>) -> Result<Self, RejectReason> {
        let mut extensions = Self::default();
        for block in blocks.iter() {
            extensions.take(&block.map_err(|_| RejectReason::Rogue)?)?;
        }
        Ok(extensions)
    }

    /// Refuses what live mode cannot do.
    pub(super) fn check_supported(&self) -> Result<(), RejectReason> {
        if self
            .congestion
            .as_ref()
            .is_some_and(|name| name != LIVE_CONGESTION)
        {
            return Err(RejectReason::Congestion);
        }
        if self.group.is_some_and(|group| !is_known_group(&group)) {
            return Err(RejectReason::Group);
        }
        Ok(())
    }

    fn take(&mut self, block: &ExtensionBlock<'a>) -> Result<(), RejectReason> {
        let body = block.body;
        match block.command {
            ExtensionCommand::HANDSHAKE_REQUEST => once(&mut self.request, handshake(body)?),
            ExtensionCommand::HANDSHAKE_RESPONSE => once(&mut self.response, handshake(body)?),
            ExtensionCommand::KEY_MATERIAL_REQUEST => {
                // libsrt may send a second one for its other direction; the first counts.
                self.key_material_request.get_or_insert(body);
                Ok(())
            }
            ExtensionCommand::KEY_MATERIAL_RESPONSE => {
                self.key_material_response.get_or_insert(body);
                Ok(())
            }
            ExtensionCommand::STREAM_ID => {
                once(&mut self.stream_id, text(body, MAX_STREAM_ID_BYTES)?)
            }
            ExtensionCommand::CONGESTION => {
                once(&mut self.congestion, text(body, MAX_CONGESTION_BYTES)?)
            }
            ExtensionCommand::FILTER => {
                once(&mut self.filter, filter(body)?).map_err(|_| RejectReason::Filter)
            }
            ExtensionCommand::GROUP => {
                let group = GroupExtension::parse(body).map_err(|_| RejectReason::Group)?;
                once(&mut self.group, group)
            }
            _ => Ok(()),
        }
    }
}

/// Broadcast and backup are all that libsrt has kept.
const fn is_known_group(group: &GroupExtension) -> bool {
    let kinds = matches!(
        group.kind,
        GroupExtension::BROADCAST | GroupExtension::BACKUP
    );
    kinds && group.group & GroupExtension::ID_BIT != 0
}

fn handshake(body: &[u8]) -> Result<HsExtension, RejectReason> {
    HsExtension::parse(body).map_err(|_| RejectReason::Rogue)
}

fn text(body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, RejectReason> {
    match WireText::new("text extension", body, limit_bytes) {
        Ok(text) => Ok(text.decode()),
        Err(_) => Err(RejectReason::Rogue),
    }
}

fn filter(body: &[u8]) -> Result<FilterConfig, RejectReason> {
    let text = text(body, MAX_FILTER_BYTES)?;
    let text = core::str::from_utf8(&text).map_err(|_| RejectReason::Filter)?;
    text.parse().map_err(|_| RejectReason::Filter)
}

/// A repeated block makes a handshake ambiguous: two readers could see two requests.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), RejectReason> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(RejectReason::Rogue),
    }
}
