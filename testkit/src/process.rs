use crate::spawn::spawn;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// A child process that ends with the test, whatever the test's fate: also when all of it is killed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Option<PathBuf>,
}

impl Process {
    /// Starts `command` without input; what it prints goes to a file in `folder`, shown
    /// by [`Self::output`].
    ///
    /// # Panics
    /// If the program cannot be started.
    #[must_use]
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        command.stdin(Stdio::null());
        let output = print_to_file(name, command, folder);
        Self::spawn(name, command, Some(output))
    }

    /// Starts `command` without input, its standard output going where `out` says.
    ///
    /// # Panics
    /// If the program cannot be started.
    #[must_use]
    pub fn with_output(name: &str, command: &mut Command, out: File) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null());
        Self::spawn(name, command, None)
    }

    /// Starts `command` with a pipe to its standard input.
    ///
    /// # Panics
    /// If the program cannot be started.
    #[must_use]
    pub fn with_input(name: &str, command: &mut Command, folder: &Path) -> (Self, ChildStdin) {
        command.stdin(Stdio::piped());
        let output = print_to_file(name, command, folder);
        let mut process = Self::spawn(name, command, Some(output));
        let input = process
            .child
            .stdin
            .take()
            .expect("standard input was piped");
        (process, input)
    }

    fn spawn(name: &str, command: &mut Command, output: Option<PathBuf>) -> Self {
        // A group of its own, so that a wrapper's children end with it.
        command.process_group(0);
        let child = spawn(command).unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child,
            output,
        }
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let mut text = Vec::new();
        if let Some(path) = &self.output
            && let Ok(mut file) = File::open(path)
        {
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for it to end by itself.
    ///
    /// # Panics
    /// If it has not ended after `limit`.
    #[track_caller]
    pub fn finished_within(&mut self, limit: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                started.elapsed() < limit,
                "{} still runs after {limit:?}; it said:\n{}",
                self.name,
                self.output()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the process and its children.
    pub fn signal(&self, signal: i32) {
        let Ok(id) = i32::try_from(self.child.id()) else {
            return;
        };
        // SAFETY: kill(2) takes two integers; the negative id names the group that this
        // process was started as the leader of, and it has not been reaped yet.
        #[expect(unsafe_code, reason = "the standard library can only send SIGKILL")]
        unsafe {
            libc::kill(-id, signal);
        }
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits until it has; kills it when it does not.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.signal(libc::SIGTERM);
        let started = Instant::now();
        while started.elapsed() < GRACE {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        None
    }
}

fn print_to_file(name: &str, command: &mut Command, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{name}.out"));
    let out = File::create(&path).expect("the test's folder takes a file");
    let err = out.try_clone().expect("a file can be shared");
    command.stdout(out).stderr(err);
    path
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
    }
}
