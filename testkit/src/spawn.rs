//! Children that the kernel ends when this program ends, even when it is killed.
//!
//! The kernel ties that to the thread that started the child, and tests start children on threads
//! that end long before they do. So one thread starts all of them, and lives as long as the program.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

/// A command to start, and where it goes back to with what became of it.
type Order = (Command, Sender<(Command, io::Result<Child>)>);

static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, taken) = channel();
    std::thread::spawn(move || start_all(&taken));
    Mutex::new(orders)
});

/// Starts `command`; the child is killed when this program ends in any way.
///
/// # Errors
/// It cannot be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    die_with_parent(command);
    let (answer, answered) = channel();
    let order = std::mem::replace(command, Command::new(""));
    let starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = starter.send((order, answer));
    drop(starter);
    sent.map_err(|_| gone())?;
    let (started, child) = answered.recv().map_err(|_| gone())?;
    *command = started;
    child
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts children is gone")
}

fn start_all(orders: &Receiver<Order>) {
    while let Ok((mut command, answer)) = orders.recv() {
        let child = command.spawn();
        // Whoever ordered it waits for the answer.
        let _ = answer.send((command, child));
    }
}

fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let ask = move || {
        // SAFETY: prctl(2) with this option takes an integer and touches no memory.
        #[expect(unsafe_code, reason = "the standard library cannot ask for this")]
        let asked = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        if asked != 0 {
            return Err(io::Error::last_os_error());
        }
        // It may have ended before it was asked for: then nobody would end us.
        if std::os::unix::process::parent_id() != parent {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec `ask` makes two system calls; it takes no lock and no memory.
    #[expect(unsafe_code, reason = "only the child itself can ask for its signal")]
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Process, eventually};
    use std::io::Write as _;
    use std::process::Command;

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let start = || Process::with_input("cat", &mut Command::new("cat"), folder.path());
        let (process, mut input) = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
        // A signal would come a moment after the thread's end, so more than one answer is wanted.
        for line in 1..=20 {
            input.write_all(b"still here\n").unwrap();
            eventually("it answers", || {
                (process.output().lines().count() == line).then_some(())
            });
        }
    }

    #[test]
    fn what_cannot_be_started_is_an_error_and_the_next_one_starts() {
        assert!(super::spawn(&mut Command::new("/no/such/program")).is_err());
        let mut child = super::spawn(&mut Command::new("true")).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
