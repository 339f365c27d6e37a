//! Counts the instructions of every hot path and compares them with `counts.txt`.
//!
//! The counts are the same from run to run, whatever else the machine does: the work is fixed
//! and seeded, and callgrind simulates the processor. They depend on the compiler, the C library
//! and the kind of processor, so they are compared only where all are what `counts.txt` names.

mod baseline;
mod callgrind;
mod toolchain;

use std::io::Write as _;
use std::path::Path;

use baseline::Counts;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
const HOW_TO_TAKE_OVER: &str = "UPDATE_COUNTS=1 cargo test -p tidegate-microbench";

#[test]
fn no_hot_path_takes_more_instructions_than_it_did() {
    let Some(toolchain) = toolchain::found() else {
        return;
    };
    let updating = std::env::var_os("UPDATE_COUNTS").is_some();
    let known = std::fs::read_to_string(FILE).expect("counts.txt can be read");
    let known = Counts::parse(&known).expect("counts.txt is in order");
    if known.toolchain != toolchain && !updating {
        return say(&format!(
            "SKIPPED: instructions were counted with {}, here is {toolchain}: not comparable; \
             take over this machine's counts with {HOW_TO_TAKE_OVER}",
            known.toolchain
        ));
    }
    let counts = callgrind::count_all();
    let counted = Counts { toolchain, counts };
    if updating {
        std::fs::write(Path::new(FILE), counted.to_string()).expect("counts.txt can be written");
    }
    let comparison = counted.compared_with(&known);
    say(&comparison.summary());
    assert!(
        updating || !comparison.is_failure(),
        "{comparison}If this is meant to be, take over the new counts with {HOW_TO_TAKE_OVER}"
    );
}

/// To the terminal, even where the test succeeds.
fn say(what: &str) {
    let mut err = std::io::stderr().lock();
    // Who reads along does not matter for the result.
    let _ = writeln!(err, "{what}");
}
