//! The thread that starts all children.
//!
//! The kernel can end a child with its parent, but ties that to the thread that started it; a
//! runtime's threads come and go. This one lives as long as the program.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;

/// A command, the runtime that will wait for it, and where the child goes.
type Order = (Command, Handle, Sender<io::Result<Child>>);

static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, taken) = channel();
    let thread = std::thread::Builder::new().name("ffmpeg".into());
    // Without it orders find nobody, which is an error of theirs.
    drop(thread.spawn(move || start_all(&taken)));
    Mutex::new(orders)
});

/// Starts `command` from a thread that never ends.
pub(crate) fn start(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts children is gone");
    let (answer, answered) = channel();
    let starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = starter.send((command, Handle::current(), answer));
    drop(starter);
    sent.map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

fn start_all(orders: &Receiver<Order>) {
    while let Ok((mut command, runtime, answer)) = orders.recv() {
        let _inside = runtime.enter();
        // Whoever ordered it waits for the answer.
        drop(answer.send(command.spawn()));
    }
}
