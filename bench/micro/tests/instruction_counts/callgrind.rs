use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use tidegate_microbench::{HotPath, hot_paths};

use crate::baseline::Count;

const PROGRAM: &str = "tidegate-counted";
/// The C library copies memory in another way on every kind of processor: the plain one is on
/// all of them. (Copying by `rep movsb` would also count every byte as an instruction.)
const PLAIN_COPIES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS";

/// Counts every hot path, on as many processors as there are.
pub(crate) fn count_all() -> Vec<Count> {
    let program = build();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = hot_paths();
    let next = Mutex::new((0..).zip(&paths));
    let counts = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some((place, path)) = next.lock().expect("no panic").next() else {
                return;
            };
            let count = count(&program, path, folder.path());
            counts.lock().expect("no panic").push((place, count));
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers.min(paths.len()) {
            scope.spawn(work);
        }
    });
    let mut counts = counts.into_inner().expect("no panic");
    counts.sort_by_key(|(place, _): &(usize, Count)| *place);
    counts.into_iter().map(|(_, count)| count).collect()
}

/// Builds the program as it is released, whatever this test was built like.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("the temporary folder is in the target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet"])
        .args(["--package", env!("CARGO_PKG_NAME"), "--bin", PROGRAM])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Either would change what the compiler inlines.
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .status();
    assert!(
        status.expect("cargo runs").success(),
        "cargo build --release of {PROGRAM} failed"
    );
    target.join("release").join(PROGRAM)
}

/// Runs one hot path; callgrind counts nothing before and behind it.
fn count(program: &Path, path: &HotPath, folder: &Path) -> Count {
    let profile = folder.join(path.name);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_part*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .arg(path.name)
        .env("GLIBC_TUNABLES", PLAIN_COPIES)
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.name);
    let units = String::from_utf8_lossy(&output.stdout);
    let units: f64 = units.trim().parse().expect("the program prints its units");
    let profile = std::fs::read_to_string(&profile).expect("callgrind leaves a profile");
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    let total: f64 = total.and_then(|total| total.parse().ok()).unwrap_or(0.0);
    assert!(
        total > 0.0,
        "{}: callgrind counted nothing: {said}",
        path.name
    );
    Count {
        name: path.name.to_owned(),
        instructions: (total / units * 10.0).round() / 10.0,
        unit: path.unit.to_owned(),
    }
}
