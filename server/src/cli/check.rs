use std::path::Path;
use std::process::ExitCode;

use super::{read_file, say, say_wrong};
use crate::adapters::{Item, ListenerConfig};
use crate::config::{Document, ports, read};

const WRONG: u8 = 1;
const UNREADABLE: u8 = 2;

/// Checks a file as a whole, without a server.
pub(super) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let name = file.display().to_string();
    let text = match read_file(file) {
        Ok(text) => text,
        Err(error) => {
            say_wrong(&format!("{name} cannot be read: {error}"));
            return Ok(UNREADABLE.into());
        }
    };
    match read::document(&text) {
        Ok(document) => {
            let (l, s, o) = (
                document.listeners.len(),
                document.sources.len(),
                document.outputs.len(),
            );
            say(&format!(
                "{name} is right: listeners {l}, sources {s}, outputs {o}"
            ));
            for listener in &document.listeners {
                say_ports(listener, &document);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            // One problem per line, as compilers write them, so that editors find the place.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr().lock(),
                format!("{}\n", errors.in_file(name)).as_bytes(),
            );
            Ok(WRONG.into())
        }
    }
}

/// Who has which port of a listener's range, and which is free.
fn say_ports(listener: &ListenerConfig, document: &Document) {
    let Some(range) = listener.port_range() else {
        return;
    };
    let (name, first, last) = (&listener.name, range.start(), range.end());
    let owners = ports::owners(document, listener);
    let owners: String = owners
        .iter()
        .map(|(port, owner)| format!("{port} {owner}, "))
        .collect();
    let free = ports::next_free(document, listener);
    let free = free.map_or_else(|| "none".to_owned(), |port| port.to_string());
    say(&format!(
        "listener \"{name}\", ports {first}-{last}: {owners}next free: {free}"
    ));
}
