//! Tidegate's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidegate_server::cli::run()
}
