use std::ffi::OsString;
use std::path::Path;

/// What every child is told.
const ALWAYS: &[&str] = &["-hide_banner", "-nostdin", "-loglevel", "error"];
/// What an input may be read through. (Demultiplexers that open other files ask for it too.)
const PROTOCOLS: &str = "file,pipe";

/// A command line made of this program's own words, of numbers and of absolute paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    list: Vec<OsString>,
}

impl Arguments {
    /// The beginning of every command line: quiet, and with no questions.
    #[must_use]
    pub fn new() -> Self {
        let mut arguments = Self::bare();
        ALWAYS.iter().for_each(|word| arguments.word(word));
        arguments
    }

    pub(crate) const fn bare() -> Self {
        Self { list: Vec::new() }
    }

    /// An option without a value.
    pub fn flag(&mut self, name: &'static str) -> &mut Self {
        self.word(name);
        self
    }

    /// An option with a fixed value.
    pub fn option(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        self.word(name);
        self.word(value);
        self
    }

    /// An option with a number.
    pub fn number(&mut self, name: &'static str, value: u64) -> &mut Self {
        self.word(name);
        self.word(&value.to_string());
        self
    }

    /// An option with two numbers between fixed words, like `1920x1080` or `30000/1001`.
    pub fn numbers(
        &mut self,
        name: &'static str,
        first: u64,
        between: &'static str,
        second: u64,
    ) -> &mut Self {
        self.word(name);
        self.word(&format!("{first}{between}{second}"));
        self
    }

    /// An option with a filter whose numbers are filled into the `{}` of a fixed pattern.
    pub fn pattern(
        &mut self,
        name: &'static str,
        pattern: &'static str,
        numbers: &[u64],
    ) -> &mut Self {
        self.chain(name, &[(pattern, numbers)])
    }

    /// The same with several filters, one behind the other.
    pub fn chain(&mut self, name: &'static str, filters: &[(&'static str, &[u64])]) -> &mut Self {
        let filled: Vec<String> = filters
            .iter()
            .map(|(pattern, numbers)| fill(pattern, numbers))
            .collect();
        self.word(name);
        self.word(&filled.join(","));
        self
    }

    /// Reads what we write into the child.
    pub fn read_pipe(&mut self) -> &mut Self {
        self.option("-protocol_whitelist", PROTOCOLS)
            .option("-i", "pipe:0")
    }

    /// Reads a file, by an absolute path.
    pub fn read_file(&mut self, path: &Path) -> &mut Self {
        self.option("-protocol_whitelist", PROTOCOLS).flag("-i");
        self.file(path)
    }

    /// Writes into the pipe to us.
    pub fn write_pipe(&mut self) -> &mut Self {
        self.word("pipe:1");
        self
    }

    /// Writes a file, by an absolute path; one that is there is replaced.
    pub fn write_file(&mut self, path: &Path) -> &mut Self {
        self.flag("-y");
        self.file(path)
    }

    /// The protocol in front keeps a path from being an option or an address.
    fn file(&mut self, path: &Path) -> &mut Self {
        let mut argument = OsString::from("file:");
        argument.push(Path::new("/").join(path));
        self.list.push(argument);
        self
    }

    pub(crate) fn list(&self) -> &[OsString] {
        &self.list
    }

    fn word(&mut self, word: &str) {
        self.list.push(word.into());
    }
}

fn fill(pattern: &str, numbers: &[u64]) -> String {
    let mut parts = pattern.split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, number) in parts.zip(numbers) {
        text.push_str(&number.to_string());
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_never_an_option_nor_an_address() {
        for (path, argument) in [
            ("-f", "file:/-f"),
            ("http://example.com/a", "file:/http://example.com/a"),
            ("/srv/a b.png", "file:/srv/a b.png"),
        ] {
            let mut arguments = Arguments::new();
            arguments.read_file(Path::new(path));
            assert_eq!(arguments.list().last().unwrap(), argument);
        }
    }

    #[test]
    fn numbers_are_filled_into_patterns() {
        let mut arguments = Arguments::bare();
        arguments.pattern("-vf", "scale={}:{},fps={}", &[640, 360, 25]);
        assert_eq!(arguments.list(), ["-vf", "scale=640:360,fps=25"]);
    }
}
