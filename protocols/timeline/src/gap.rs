use crate::TICKS_PER_SECOND;
use core::fmt;

/// Where the input broke, and the output went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The track on which it was noticed.
    pub track: u16,
    /// What happened.
    pub cause: Cause,
}

/// What happened to the input's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Another connection, or another source.
    Restarted,
    /// They went ahead by so many ticks more than time passed.
    Ahead(i64),
    /// They went back by so many ticks.
    Back(i64),
    /// The track's times have nothing to do with those of the others.
    Apart,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.track;
        match self.cause {
            Cause::Restarted => write!(f, "the source began anew"),
            Cause::Ahead(ticks) => {
                write!(f, "track {track} jumped ahead by {}", Seconds(ticks))
            }
            Cause::Back(ticks) => write!(f, "track {track} jumped back by {}", Seconds(ticks)),
            Cause::Apart => write!(f, "track {track} has a clock of its own"),
        }
    }
}

struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.saturating_mul(1000) / TICKS_PER_SECOND;
        write!(f, "{}.{:03} s", millis / 1000, millis.rem_euclid(1000))
    }
}
