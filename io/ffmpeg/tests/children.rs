//! What a child can and cannot do, with a real ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tidegate_ffmpeg::{Arguments, Bounds, Child, Ffmpeg, FfmpegError, Job};
use tidegate_testkit::eventually;
use tidegate_testkit::peers::have;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATIENCE: Duration = Duration::from_secs(30);
/// Set in a copy of this program that is about to be killed: where it says what it started.
const HELD: &str = "TIDEGATE_TEST_HELD_CHILD";

/// A job of these arguments; `None` without ffmpeg.
fn ffmpeg() -> Option<Ffmpeg> {
    have(&["ffmpeg"]).then(|| Ffmpeg::find().unwrap())
}

fn job(arguments: Arguments) -> Job {
    Job {
        arguments,
        bounds: Bounds::default(),
    }
}

/// A tone from nothing to standard output, for ever.
fn tone() -> Arguments {
    let mut arguments = Arguments::new();
    arguments
        .option("-f", "lavfi")
        .option("-i", "sine")
        .option("-f", "s16le")
        .write_pipe();
    arguments
}

/// Why a job failed.
async fn failure(ffmpeg: &Ffmpeg, job: &Job) -> String {
    match ffmpeg.run(job, PATIENCE).await {
        Err(FfmpegError::Failed(words)) => words,
        other => panic!("it should have failed: {other:?}"),
    }
}

fn is_gone(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // A process that nobody waited for has ended all the same.
    status
        .rsplit(") ")
        .next()
        .is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

#[tokio::test]
async fn it_says_its_version_and_does_its_work_through_pipes() {
    let Some(ffmpeg) = ffmpeg() else { return };
    assert!(ffmpeg.version().await.unwrap().contains('.'));
    let mut arguments = Arguments::new();
    arguments
        .option("-f", "s16le")
        .number("-ar", 8000)
        .number("-ac", 1)
        .read_pipe();
    arguments.option("-f", "s16be").write_pipe();
    let mut child = ffmpeg.start(&job(arguments)).unwrap();
    let (mut input, mut output) = (child.take_input().unwrap(), child.take_output().unwrap());
    input.write_all(&[1, 2, 3, 4]).await.unwrap();
    drop(input);
    let mut swapped = Vec::new();
    output.read_to_end(&mut swapped).await.unwrap();
    assert_eq!(swapped, [2, 1, 4, 3]);
    assert!(child.wait().await.success);
}

#[tokio::test]
async fn a_child_that_tries_the_network_fails() {
    let Some(ffmpeg) = ffmpeg() else { return };
    for address in ["tcp://127.0.0.1:9", "udp://127.0.0.1:9", "unix:/tmp/socket"] {
        let mut arguments = Arguments::new();
        arguments
            .option("-f", "mpegts")
            .option("-i", address)
            .option("-f", "null")
            .write_pipe();
        let words = failure(&ffmpeg, &job(arguments)).await;
        assert!(words.contains("Permission denied"), "{address}: {words}");
    }
    let mut arguments = Arguments::new();
    arguments
        .read_file(Path::new("concat:tcp://127.0.0.1:9"))
        .option("-f", "null")
        .write_pipe();
    let words = failure(&ffmpeg, &job(arguments)).await;
    assert!(
        words.contains("No such file"),
        "an address in a path is none: {words}"
    );
}

#[tokio::test]
async fn a_child_that_eats_memory_is_ended() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let mut arguments = Arguments::new();
    arguments.option("-f", "lavfi").option("-i", "testsrc2");
    arguments.pattern("-vf", "scale={}:{}", &[16_000, 16_000]);
    arguments.number("-frames:v", 1).option("-f", "null");
    arguments.write_pipe();
    let bounds = Bounds {
        memory_bytes: 128 << 20,
        ..Bounds::default()
    };
    let words = failure(&ffmpeg, &Job { arguments, bounds }).await;
    assert!(words.contains("Cannot allocate memory"), "{words}");
}

#[tokio::test]
async fn a_child_that_eats_time_is_ended() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let mut arguments = Arguments::new();
    arguments
        .option("-f", "lavfi")
        .option("-i", "testsrc2=s=1920x1080");
    arguments.option("-f", "null").write_pipe();
    let bounds = Bounds {
        cpu: Some(Duration::from_secs(1)),
        ..Bounds::default()
    };
    let mut child = ffmpeg.start(&Job { arguments, bounds }).unwrap();
    let exit = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap();
    assert!(!exit.success);
}

#[tokio::test]
async fn a_child_that_is_dropped_is_killed() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let child = ffmpeg.start(&job(tone())).unwrap();
    let id = child.id().unwrap();
    assert!(!is_gone(id));
    drop(child);
    eventually("the child is gone", || is_gone(id).then_some(()));
}

#[tokio::test]
async fn a_child_sees_nothing_of_our_environment() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let child = ffmpeg.start(&job(tone())).unwrap();
    let id = child.id().unwrap();
    let seen = eventually("the child is another program", || {
        let seen = fs::read(format!("/proc/{id}/environ")).ok()?;
        String::from_utf8_lossy(&seen)
            .contains("LC_ALL=C\0")
            .then_some(seen)
    });
    let seen = String::from_utf8_lossy(&seen).into_owned();
    let names: Vec<_> = seen
        .split('\0')
        .filter_map(|pair| Some(pair.split_once('=')?.0))
        .collect();
    let known = ["PATH", "LD_LIBRARY_PATH", "LC_ALL"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
}

#[tokio::test]
async fn a_killed_program_leaves_no_child() {
    let Some(ffmpeg) = ffmpeg() else { return };
    if let Some(told) = std::env::var_os(HELD) {
        let child: Child = ffmpeg.start(&job(tone())).unwrap();
        fs::write(told, child.id().unwrap().to_string()).unwrap();
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("id");
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_program_leaves_no_child"])
        .env(HELD, &told)
        .spawn()
        .unwrap();
    let id: u32 = eventually("the child of the other runs", || {
        fs::read_to_string(&told).ok()?.parse().ok()
    });
    assert!(!is_gone(id));
    program.kill().unwrap();
    program.wait().unwrap();
    eventually("its child is gone too", || is_gone(id).then_some(()));
}
