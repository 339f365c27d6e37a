use super::{TriggerKind, TriggerSeverity};
use core::fmt;
use core::time::Duration;
use tidegate_units::{Bitrate, Instant};

/// A trigger that stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fired {
    /// Which.
    pub trigger: TriggerKind,
    /// What follows.
    pub severity: TriggerSeverity,
    /// Since when it is so: the last packet, where packets are missing.
    pub since: Instant,
    /// When that was noticed.
    pub fired_at: Instant,
    /// It is so this moment; otherwise it was, and is held.
    pub present: bool,
    /// The figures when it was so last.
    pub measured: Measured,
}

/// The figures behind a trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// For so long.
    For(Duration),
    /// On this PID, for so long.
    OnPid(u16, Duration),
    /// So many within so long.
    Count(u64, Duration),
    /// So much instead of so much.
    Rate(Bitrate, Bitrate),
}

/// The evidence in words.
impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.trigger, self.measured) {
            (TriggerKind::Disconnect, _) => f.write_str("disconnected"),
            (TriggerKind::NoPackets, Measured::For(time)) => {
                write!(f, "no packets for {}", Time(time))
            }
            (TriggerKind::TsSync, Measured::For(time)) => {
                write!(f, "no sync for {}", Time(time))
            }
            (TriggerKind::Pat, Measured::For(time)) => write!(f, "no PAT for {}", Time(time)),
            (TriggerKind::Pmt, Measured::For(time)) => write!(f, "no PMT for {}", Time(time)),
            (TriggerKind::PtsStall, Measured::OnPid(pid, time)) => {
                write!(f, "PTS of PID {pid} stood still for {}", Time(time))
            }
            (_, Measured::OnPid(pid, time)) => {
                write!(f, "nothing on PID {pid} for {}", Time(time))
            }
            (TriggerKind::Continuity, Measured::Count(count, _)) => {
                write!(f, "{count} continuity errors in a second")
            }
            (_, Measured::Count(count, time)) => {
                let seconds = time.as_secs_f64();
                write!(f, "{count} packets lost for good in {seconds} s")
            }
            (_, Measured::Rate(now, usual)) => {
                write!(f, "{} instead of {}", megabits(now), megabits(usual))
            }
            (kind, Measured::For(time)) => write!(f, "{kind} for {}", Time(time)),
        }
    }
}

fn megabits(rate: Bitrate) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
    let megabits = rate.as_bps() as f64 / 1e6;
    format!("{megabits:.2} Mbit/s")
}

/// A time as it is told: in milliseconds, and from ten seconds on in seconds.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(10) {
            write!(f, "{} ms", self.0.as_millis())
        } else {
            write!(f, "{} s", self.0.as_secs())
        }
    }
}
