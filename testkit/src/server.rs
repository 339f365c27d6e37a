use crate::{Http, Process, eventually};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The automation token of every Tidegate under test.
const TOKEN: &str = "testkit-token-0123456789abcdef";

/// A Tidegate of its own, on free ports, in a folder that goes with it.
#[derive(Debug)]
pub struct Tidegate {
    builder: TidegateBuilder,
    folder: TempDir,
    process: Process,
    http: Http,
}

/// How a Tidegate under test is started.
#[derive(Debug, Clone)]
pub struct TidegateBuilder {
    program: PathBuf,
    config: String,
    shards: Option<usize>,
    environment: Vec<(String, String)>,
}

impl TidegateBuilder {
    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets it run so many media threads, instead of one per core.
    #[must_use]
    pub fn shards(mut self, count: usize) -> Self {
        self.shards = Some(count);
        self
    }

    /// Starts it, and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it ends, or does not become ready; what it printed is shown.
    #[track_caller]
    #[must_use]
    pub fn start(self) -> Tidegate {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = format!("http: {{ bind: \"127.0.0.1:0\" }}\n{}", self.config);
        std::fs::write(folder.path().join("tidegate.yaml"), config).expect("a written file");
        let (process, http) = launch(&self, folder.path());
        Tidegate {
            builder: self,
            folder,
            process,
            http,
        }
    }
}

#[track_caller]
fn launch(builder: &TidegateBuilder, folder: &Path) -> (Process, Http) {
    let mut command = Command::new(&builder.program);
    command
        .arg("serve")
        .arg("--config")
        .arg(folder.join("tidegate.yaml"))
        .arg("--data")
        .arg(folder.join("data"))
        .env("TIDEGATE_API_TOKEN", TOKEN)
        .env("TIDEGATE_ADMIN_PASSWORD", "correct horse battery staple")
        .envs(
            builder
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
    if let Some(shards) = builder.shards {
        command.arg("--shards").arg(shards.to_string());
    }
    let mut process = Process::start("tidegate", &mut command, folder);
    let base = eventually("tidegate says where it listens", || {
        if let Some(status) = process.ended() {
            panic!("tidegate ended with {status}:\n{}", process.output());
        }
        let output = process.output();
        let (_, rest) = output.split_once("http listening on ")?;
        rest.contains('\n').then(|| {
            rest.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        })
    });
    let http = Http::new(&base, Some(TOKEN));
    eventually("tidegate is ready", || {
        http.request("GET", "/readyz", None)
            .ok()
            .filter(|answer| answer.status == 200)
    });
    (process, http)
}

impl Tidegate {
    /// A Tidegate run from `program` (`env!("CARGO_BIN_EXE_tidegate")`) with this
    /// configuration, less its `http` part.
    #[must_use]
    pub fn with(program: &str, config: &str) -> TidegateBuilder {
        TidegateBuilder {
            program: program.into(),
            config: config.to_owned(),
            shards: None,
            environment: Vec::new(),
        }
    }

    /// Its API, with the automation token.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The automation token.
    #[must_use]
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// A folder for the test's own files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Starts it again on the same data, after it was stopped or killed.
    #[track_caller]
    pub fn restart(&mut self) {
        let (process, http) = launch(&self.builder, self.folder.path());
        self.process = process;
        self.http = http;
    }

    /// The UDP port that a listener got.
    ///
    /// # Panics
    /// If it has none in time.
    #[track_caller]
    #[must_use]
    pub fn port(&self, listener: &str) -> u16 {
        eventually(&format!("listener {listener} is bound"), || {
            let view = self
                .http
                .get(&format!("/api/v1/listeners/{listener}"))
                .json();
            view["bound"].as_str()?.rsplit(':').next()?.parse().ok()
        })
    }

    /// A source's status.
    #[track_caller]
    #[must_use]
    pub fn source(&self, name: &str) -> Value {
        self.http.get(&format!("/api/v1/sources/{name}")).json()
    }

    /// An output's status.
    #[track_caller]
    #[must_use]
    pub fn output_status(&self, name: &str) -> Value {
        self.http.get(&format!("/api/v1/outputs/{name}")).json()
    }

    /// Waits until a source's status is as wanted, and returns it.
    #[track_caller]
    pub fn source_becomes(&self, name: &str, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("source {name}: {what}"), || {
            let view = self.source(name);
            want(&view).then_some(view)
        })
    }

    /// Waits until an output's status is as wanted, and returns it.
    #[track_caller]
    pub fn output_becomes(&self, name: &str, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("output {name}: {what}"), || {
            let view = self.output_status(name);
            want(&view).then_some(view)
        })
    }
}
