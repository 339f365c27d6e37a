use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use tidegate_engine::media_file;

use super::{read_file, say, say_wrong};
use crate::adapters::{Item, ListenerConfig};
use crate::config::problem::sentence;
use crate::config::{ConfigProblem, Document, ports, read};

const WRONG: u8 = 1;
const UNREADABLE: u8 = 2;

/// Checks a file as a whole, without a server.
pub(super) fn run(file: &Path, data: &Path) -> anyhow::Result<ExitCode> {
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
            warn(&name, &text, &document, data);
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            // One problem per line, as compilers write them, so that editors find the place.
            say_line(&errors.in_file(name).to_string());
            Ok(WRONG.into())
        }
    }
}

/// Says which files are not there, or not what they have to be.
fn warn(name: &str, text: &str, document: &Document, data: &Path) {
    let mut found = files(&document.listeners, data);
    found.extend(files(&document.sources, data));
    found.extend(files(&document.outputs, data));
    found.extend(document.secrets.iter().filter_map(|(secret, config)| {
        let file = config.file.as_ref()?;
        let error = std::fs::File::open(file).err()?;
        let error = media_file::unreadable(file, &error);
        let message = format!("secret \"{secret}\" has no value: {}", error.message);
        let problem = ConfigProblem::new(sentence(&message)).advise(error.advice);
        Some(problem.at(format!("/secrets/{secret}/file")))
    }));
    if found.is_empty() {
        return;
    }
    for problem in &mut found {
        problem.message = format!("warning: {}", problem.message);
    }
    let warnings = read::placed(text, found).in_file(name);
    let media = media_file::resolve(data, "");
    say_line(&format!(
        "{warnings}\n{name}: warning: Relative paths are looked for in {}; \"--data\" names \
         another data folder.",
        media.display()
    ));
}

fn files<T: Item>(items: &[T], data: &Path) -> Vec<ConfigProblem> {
    let looked = items.iter().enumerate().filter_map(|(index, item)| {
        let mut problem = item.look_at_files(data)?;
        let below = problem.pointer.unwrap_or_default();
        problem.pointer = Some(format!("/{}s/{index}{below}", T::WHAT));
        Some(problem)
    });
    looked.collect()
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

/// Without the program's name in front.
fn say_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
