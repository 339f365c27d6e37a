//! The server as scripts and operators meet it: the real program, over HTTP and by its
//! command line.

#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod bans;
mod client;
mod command_line;
mod config_file;
mod convergence;
mod objects;
mod platforms;
mod probe;
mod secrets;
mod shards;
mod survival;
mod switch;

use tidegate_testkit::Tidegate;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");

/// One listener with a source and outputs of several kinds.
const STATION: &str = r#"
listeners:
  - { name: ingest, srt: { bind: "127.0.0.1:0", latency: 200ms } }
sources:
  - { name: cam1, srt: { listener: ingest, stream_id: live/cam1, passphrase: { secret: cam1 } } }
  - { name: cam2, srt: { listener: ingest, stream_id: live/cam2, passphrase: "canary-literal-passphrase" } }
outputs:
  - { name: watch, source: cam1, srt: { listener: ingest, stream_id: out/cam1, open: true } }
  - { name: playout, source: cam1, udp: { to: "127.0.0.1:9" } }
secrets:
  cam1: { value: "canary-named-passphrase" }
"#;

/// A running Tidegate with this configuration (without its `http` part).
#[track_caller]
fn tidegate(config: &str) -> Tidegate {
    Tidegate::with(PROGRAM, config).start()
}
