use super::WireError;
use super::body::ControlBody;
use super::extension_blocks::ExtensionCommand;
use super::header::ControlHeader;

/// A handshake extension sent on its own after the handshake: key refresh, and the whole
/// exchange of peers older than 1.3.0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExtensionControl<'a> {
    /// What it carries: a [`super::KeyMaterialMessage`] or a
    /// [`super::KeyMaterialResponse`] in practice.
    pub command: ExtensionCommand,
    /// Its body.
    pub body: &'a [u8],
}

impl core::fmt::Debug for ExtensionControl<'_> {
    /// The body may hold wrapped keys, which stay out of logs.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ExtensionControl")
            .field("command", &self.command)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl<'a> ControlBody<'a> for ExtensionControl<'a> {
    const KIND: u16 = 0x7FFF;

    fn parse(header: &ControlHeader, body: &'a [u8]) -> Result<Self, WireError> {
        Ok(Self {
            command: ExtensionCommand(header.subtype),
            body,
        })
    }

    fn subtype(&self) -> u16 {
        self.command.0
    }

    fn body_bytes(&self) -> usize {
        self.body.len()
    }

    fn emit_body(&self, out: &mut [u8]) {
        out.copy_from_slice(self.body);
    }
}
