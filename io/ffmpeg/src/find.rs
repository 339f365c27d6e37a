use crate::limits::VERSION_WAIT;
use crate::{Arguments, Bounds, Child, FfmpegError, Job, child};
use core::time::Duration;
use std::env;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// The environment variable that names the program; without it `PATH` is searched.
pub const PATH_VARIABLE: &str = "TIDEGATE_FFMPEG";
const PROGRAM: &str = "ffmpeg";
/// More than any version's first line.
const VERSION_BYTES: u64 = 4096;

/// An ffmpeg that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    program: PathBuf,
}

impl Ffmpeg {
    /// Looks for it.
    ///
    /// # Errors
    /// If there is none.
    pub fn find() -> Result<Self, FfmpegError> {
        let named = env::var_os(PATH_VARIABLE).map(PathBuf::from);
        Self::find_in(named, &env::var_os("PATH").unwrap_or_default())
    }

    fn find_in(named: Option<PathBuf>, path: &std::ffi::OsStr) -> Result<Self, FfmpegError> {
        if let Some(program) = named {
            return match program.is_file() {
                true => Ok(Self { program }),
                false => Err(FfmpegError::NotThere(program)),
            };
        }
        let mut candidates = env::split_paths(path).map(|folder| folder.join(PROGRAM));
        let program = candidates.find(|program| program.is_absolute() && program.is_file());
        program
            .map(|program| Self { program })
            .ok_or(FfmpegError::Missing)
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// What it calls its version, like `5.1.9-0+deb12u1`.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn version(&self) -> Result<String, FfmpegError> {
        let mut arguments = Arguments::bare();
        arguments.flag("-version");
        let mut child = self.start(&Job {
            arguments,
            bounds: Bounds::default(),
        })?;
        let mut text = Vec::new();
        if let Some(output) = child.take_output() {
            let mut output = output.take(VERSION_BYTES);
            let read = output.read_to_end(&mut text);
            let too_long = |_| FfmpegError::TooLong(VERSION_WAIT.as_secs());
            timeout(VERSION_WAIT, read).await.map_err(too_long)??;
        }
        let text = String::from_utf8_lossy(&text);
        let version = text.strip_prefix("ffmpeg version ");
        let version = version.and_then(|rest| rest.split_whitespace().next());
        let strange = || FfmpegError::Failed("it does not say its version".into());
        version.map(str::to_owned).ok_or_else(strange)
    }

    /// Starts a child. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(&self, job: &Job) -> Result<Child, FfmpegError> {
        child::start(&self.program, job)
    }

    /// Runs a child that needs no pipes to its end.
    ///
    /// # Errors
    /// If it fails, or has not ended after `limit`; then it is killed.
    pub async fn run(&self, job: &Job, limit: Duration) -> Result<(), FfmpegError> {
        let mut child = self.start(job)?;
        drop(child.take_input());
        let exit = timeout(limit, child.wait()).await;
        let exit = exit.map_err(|_| FfmpegError::TooLong(limit.as_secs()))?;
        if exit.success {
            Ok(())
        } else {
            Err(FfmpegError::Failed(exit.words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_is_said_with_what_to_do() {
        let error = Ffmpeg::find_in(None, "/nonexistent".as_ref()).unwrap_err();
        assert_eq!(error.to_string(), "ffmpeg is not installed");
        assert!(error.advice().contains("apt install ffmpeg"));
        assert!(error.advice().contains(PATH_VARIABLE));
        let named = Ffmpeg::find_in(Some("/nonexistent/ffmpeg".into()), "/usr/bin".as_ref());
        assert!(matches!(named, Err(FfmpegError::NotThere(_))));
    }

    #[test]
    fn folders_that_depend_on_where_we_are_do_not_count() {
        assert!(Ffmpeg::find_in(None, ".:relative".as_ref()).is_err());
    }
}
