//! A web page of somebody's own that plays an HLS output with hls.js, in Chromium.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_testkit::peers::have;
use tidegate_testkit::{Process, Tidegate, eventually};

/// More than a picture takes on a busy machine, and far less than a player waits that ran dry.
const STILL_MAX_MS: u64 = 2000;
/// What hls.js does to a picture that stands although there is more.
const NUDGE: &str = "bufferNudgeOnStall";
const CLOSING_MAX: Duration = Duration::from_secs(30);

/// The page, and what it says of itself.
pub(crate) struct Page {
    process: Process,
    open: Option<ChildStdin>,
}

impl Page {
    pub(crate) fn open(tidegate: &Tidegate, output: &str) -> Self {
        let mut command = Command::new("node");
        command
            .arg(web().join("tests/watch.mjs"))
            .args([tidegate.http().base(), output])
            .env("TIDEGATE_API_TOKEN", tidegate.token());
        let folder = tidegate.folder();
        let (process, open) = Process::with_input("page", &mut command, folder);
        Self {
            process,
            open: Some(open),
        }
    }

    /// Its last report.
    fn report(&self) -> Option<Value> {
        let output = self.process.output();
        let (whole, _) = output.rsplit_once('\n')?;
        whole
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok())
    }

    /// Waits until it has seen that much: it is some segments behind what is on air.
    #[track_caller]
    fn sees(&mut self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the page sees {what}"), || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "{}", self.process.output());
            self.report().filter(&want)
        })
    }

    #[track_caller]
    pub(crate) fn sees_colours(&mut self, colours: &[&str]) -> Value {
        self.sees(&format!("{colours:?}"), |report| {
            report["colours"] == json!(colours)
        })
    }

    /// Up to now its player found nothing wrong, jumped nowhere, and waited for nothing.
    #[track_caller]
    pub(crate) fn is_content(&self) {
        let report = self.report().unwrap();
        let errors = report["errors"].as_array().unwrap();
        assert!(errors.iter().all(is_of_the_machine), "{report}");
        let nudges = errors.iter().filter(|error| error["details"] == NUDGE);
        let jumps = report["jumps"].as_array().unwrap();
        assert_eq!(jumps.len(), nudges.count(), "{report}");
        assert_eq!(report["ranges"], 1, "nothing lacks in its buffer: {report}");
        goes_on(&report);
    }

    /// Closes it, with nothing wrong up to the end.
    #[track_caller]
    pub(crate) fn close_content(mut self) -> Value {
        drop(self.open.take());
        let status = self.process.finished_within(CLOSING_MAX);
        assert!(status.success(), "{}", self.process.output());
        self.is_content();
        self.report().unwrap()
    }
}

/// The picture stood for a moment with seconds of it at hand: nothing lacked but time to decode it.
fn is_of_the_machine(error: &Value) -> bool {
    let at_hand = error["buffer"].as_f64().unwrap_or_default();
    let stands = ["bufferStalledError", NUDGE];
    error["fatal"] == false && at_hand > 1.0 && stands.iter().any(|it| error["details"] == *it)
}

#[track_caller]
fn goes_on(report: &Value) {
    assert_eq!(report["corrupted"], 0, "{report}");
    assert_eq!(report["waiting"], false, "{report}");
    let still = report["stillMs"].as_u64().unwrap();
    let waits = report["waits"].as_array().unwrap().iter();
    let longest = waits
        .filter_map(|wait| wait["ms"].as_u64())
        .fold(still, u64::max);
    assert!(longest < STILL_MAX_MS, "{report}");
}

impl Drop for Page {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let report = self.report().unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "the page's last report: {report}");
        }
    }
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}

/// Whether there is a browser, and a player for it.
pub(crate) fn have_page() -> bool {
    if !have(&["ffmpeg", "chromium", "node"]) {
        return false;
    }
    let modules = web().join("node_modules");
    let there = ["playwright-core", "hls.js"]
        .iter()
        .all(|it| modules.join(it).is_dir());
    if !there {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: hls.js and playwright are not there (`make web` brings them)"
        );
        let required = std::env::var_os("TIDEGATE_REQUIRE_PEERS").is_some();
        assert!(!required, "make test brings them first");
    }
    there
}
