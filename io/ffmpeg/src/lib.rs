//! Runs ffmpeg as a child process, for everything that decodes or encodes.
//!
//! ```text
//!  Ffmpeg::find ─► Job (typed arguments, bounds) ─► start ─► Child: pipes in and out
//!                                                             │ its last words
//!                                                             └─► Exit
//! ```
//!
//! A child
//! - gets arguments that are made of this program's own words, numbers and absolute paths;
//!   there is no way to hand it a text that a user wrote,
//! - cannot open a socket (a seccomp filter), nor gain rights, nor see our environment,
//! - has bounds for memory, open files, the size of what it writes and, if it is to end, its
//!   CPU time; and it is nicer than we are,
//! - is killed, with its process group, when its [`Child`] is dropped, and by the kernel when
//!   this program ends in any way.
//!
//! Whoever runs it starts it again when it fails, or rather the engine does.

mod arguments;
mod child;
mod error;
mod find;
mod limits;
mod sandbox;
pub mod slate;
pub mod sound;
mod starter;
mod words;

pub use arguments::Arguments;
pub use child::{Child, Exit};
pub use error::FfmpegError;
pub use find::{Ffmpeg, PATH_VARIABLE};
pub use sandbox::Bounds;
pub use tokio::process::{ChildStdin, ChildStdout};

/// What a child is to do, and within which bounds.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it is to do.
    pub arguments: Arguments,
    /// What it may use.
    pub bounds: Bounds,
}
