//! Packets lost on this host, not in the network: told apart, and told.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tidegate_engine::{Alarm, EventKind, Severity, Subject};
use tidegate_srt_io::{Clock, ListenerHandle};
use tidegate_units::Instant;
use tokio::time::{MissedTickBehavior, interval};

use super::Listening;

/// How often the sockets' drop counters are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Without further drops for so long the alarm is over.
const QUIET: Duration = Duration::from_secs(60);
const CODE: &str = "host_receive_drops";

/// The alarm of one port, while it stands.
pub(super) type Told = Arc<ArcSwapOption<Alarm>>;

/// Watches an open port until it is closed; an alarm goes with its port.
async fn watch(
    listening: Weak<Listening>,
    port: Weak<ListenerHandle>,
    subject: Subject,
    told: Told,
) {
    let mut drops = Drops::default();
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(listening) = listening.upgrade() else {
            return;
        };
        let now = Clock::start().now();
        let open = port.upgrade();
        let change = match &open {
            Some(port) => {
                let members = port.status();
                drops.note(now, members.iter().map(|member| member.socket.drops).sum())
            }
            None => drops.clear(now),
        };
        match &change {
            Some(EventKind::AlarmRaised(alarm)) => told.store(Some(Arc::new(alarm.clone()))),
            Some(_) => told.store(None),
            None => {}
        }
        if let (Some(change), Some(events)) = (change, listening.events.load_full()) {
            events.emit(subject.clone(), change);
        }
        if open.is_none() {
            return;
        }
    }
}

pub(super) fn start(listening: &Arc<Listening>, port: &Arc<ListenerHandle>) -> Told {
    let told = Told::default();
    if let Some(runtime) = listening.runtime.get() {
        let (listening, subject) = (Arc::downgrade(listening), listening.subject());
        let port = Arc::downgrade(port);
        runtime.spawn(watch(listening, port, subject, Arc::clone(&told)));
    }
    told
}

/// The alarm's state: raised by the first drop, cleared after a quiet minute.
#[derive(Debug, Default)]
struct Drops {
    count: u64,
    standing: Option<Standing>,
}

#[derive(Debug)]
struct Standing {
    since: Instant,
    last: Instant,
}

impl Drops {
    fn note(&mut self, now: Instant, count: u64) -> Option<EventKind> {
        let fresh = count > std::mem::replace(&mut self.count, count);
        match &mut self.standing {
            None if fresh => {
                self.standing = Some(Standing {
                    since: now,
                    last: now,
                });
                Some(EventKind::AlarmRaised(alarm()))
            }
            Some(standing) if fresh => {
                standing.last = now;
                None
            }
            Some(standing) if now.saturating_since(standing.last) >= QUIET => self.clear(now),
            _ => None,
        }
    }

    fn clear(&mut self, now: Instant) -> Option<EventKind> {
        let lasted = now.saturating_since(self.standing.take()?.since);
        let lasted_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        Some(EventKind::AlarmCleared {
            code: CODE.into(),
            lasted_ms,
        })
    }
}

fn alarm() -> Alarm {
    Alarm {
        code: CODE.into(),
        severity: Severity::Warning,
        text: "This host drops packets before Tidegate can read them".into(),
        advice: "The network is not at fault: raise net.core.rmem_max (16 MiB), or give the \
                 server more CPU"
            .into(),
        since: SystemTime::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(change: Option<EventKind>) -> &'static str {
        match change {
            Some(EventKind::AlarmRaised(_)) => "raised",
            Some(EventKind::AlarmCleared { .. }) => "cleared",
            _ => "",
        }
    }

    #[test]
    fn drops_raise_one_alarm_that_ends_after_a_quiet_minute() {
        let mut drops = Drops::default();
        let at = |seconds: u64| Instant::from_millis(seconds * 1000);
        let said: Vec<_> = [
            (2, 0),
            (4, 7),
            (6, 9),
            (60, 9),
            (65, 9),
            (66, 9),
            (70, 9),
            (80, 12),
        ]
        .into_iter()
        .map(|(seconds, count)| code(drops.note(at(seconds), count)))
        .collect();
        assert_eq!(said, ["", "raised", "", "", "", "cleared", "", "raised"]);
    }
}
