use crate::words::Words;
use crate::{FfmpegError, Job, sandbox, starter};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

/// What a child keeps of our environment.
const KEPT_VARIABLES: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// A running child; dropped, it is killed with all of its group.
#[derive(Debug)]
pub struct Child {
    child: tokio::process::Child,
    words: Words,
    listening: Option<JoinHandle<()>>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// It did all it was to do.
    pub success: bool,
    /// What it said last, or what happened to it.
    pub words: String,
}

pub(crate) fn start(program: &Path, job: &Job) -> Result<Child, FfmpegError> {
    let mut command = Command::new(program);
    command
        .args(job.arguments.list())
        .env_clear()
        .envs(
            KEPT_VARIABLES
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    sandbox::bind(&mut command, job.bounds);
    let mut child = starter::start(command)?;
    let words = Words::default();
    let listening = child.stderr.take();
    let listening = listening.map(|stderr| tokio::spawn(words.clone().listen(stderr)));
    Ok(Child {
        child,
        words,
        listening,
    })
}

impl Child {
    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The pipe into it, once. Dropping that tells it that there is no more.
    pub const fn take_input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe out of it, once. The kernel's pipes are its bounded queues: who does not read
    /// stops the child.
    pub const fn take_output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits until it has ended.
    pub async fn wait(&mut self) -> Exit {
        let status = self.child.wait().await;
        if let Some(listening) = self.listening.take() {
            // One that panicked has listened long enough.
            drop(listening.await);
        }
        match status {
            Ok(status) => Exit {
                success: status.success(),
                words: self.words.said().unwrap_or_else(|| describe(status)),
            },
            Err(error) => Exit {
                success: false,
                words: format!("nobody knows how it ended ({error})"),
            },
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(libc::SIGXCPU) => "it used up its CPU time".into(),
        Some(libc::SIGKILL) => "it was killed, perhaps for its CPU time or memory".into(),
        Some(signal) => format!("it crashed (signal {signal})"),
        None => format!("it ended without a word ({status})"),
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // While it has an id it was not reaped, so the id is still its own.
        let Some(group) = self.child.id().and_then(|id| i32::try_from(id).ok()) else {
            return;
        };
        // SAFETY: kill(2) takes two integers; the negative id names the group it leads.
        #[expect(unsafe_code, reason = "the standard library cannot signal a group")]
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
    }
}
