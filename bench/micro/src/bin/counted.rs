//! Runs one hot path once, for callgrind to count: `tidegate-counted NAME`.

#![allow(clippy::print_stdout, reason = "it is what it is asked for")]

use tidegate_microbench::hot_paths;

fn main() {
    let Some(wanted) = std::env::args().nth(1) else {
        for path in hot_paths() {
            println!("{}", path.name);
        }
        return;
    };
    let path = hot_paths().into_iter().find(|path| path.name == wanted);
    let path = path.expect("the name of a hot path");
    let stage = (path.prepare)();
    let mut run = (stage.fresh)();
    counted_part(&mut run);
    println!("{}", stage.units);
}

/// What callgrind counts: nothing before it and nothing behind it.
#[inline(never)]
fn counted_part(run: &mut dyn FnMut()) {
    run();
}
