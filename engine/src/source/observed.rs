use super::history::{History, HistoryPoint};
use super::recent::{Growth, Usual};
use super::report::Said;
use super::{Connection, TransportFigures};
use crate::event::{Alarm, EventKind, Severity};
use crate::feed::Carried;
use crate::health::{
    Checks, Evidence, Expect, Expectation, Health, MediaStatus, Readiness, Reason, ReasonCode,
    Tr101290Status, Triggers, Verdict, Vitals,
};
use crate::limits;
use crate::meter::RateMeter;
use crate::time::millis;
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::SystemTime;
use tidegate_units::Instant;

/// What the watcher of a source has found out. No clock and no task in here.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) verdict: Verdict,
    pub(crate) media: Option<MediaStatus>,
    pub(crate) meter: RateMeter,
    pub(crate) history: History,
    pub(crate) readiness: Readiness,
    /// `None` before anything could be counted.
    pub(crate) tr101290: Option<Tr101290Status>,
    checks: Checks,
    expect: Option<Expect>,
    expected: Expectation,
    connection: Current,
    unrecovered: Growth,
    host_drops: Growth,
    continuity: Growth,
    usual: Usual,
    next_point: Instant,
    alarms: BTreeMap<ReasonCode, Standing>,
    health: Health,
}

/// An alarm that stands.
#[derive(Debug)]
struct Standing {
    since: Instant,
    /// In the newest words.
    alarm: Alarm,
    /// As the latest event told it.
    told: Alarm,
}

/// The connection there is, or was last.
#[derive(Debug, Default)]
struct Current {
    number: u64,
    since: Instant,
    /// What the feed had carried before it.
    bytes_before: u64,
    had_picture: bool,
    had_sound: bool,
    bytes_seen: u64,
}

impl Observed {
    pub(crate) fn new(expect: Option<Expect>, carried: Carried) -> Self {
        let mut new = Self {
            verdict: Verdict::default(),
            media: None,
            meter: RateMeter::steady(),
            history: History::default(),
            readiness: Readiness::default(),
            tr101290: None,
            checks: Checks::new(Triggers::default()),
            expect: None,
            expected: Expectation::default(),
            connection: Current {
                bytes_seen: carried.bytes,
                ..Current::default()
            },
            unrecovered: Growth::default(),
            host_drops: Growth::default(),
            continuity: Growth::default(),
            usual: Usual::default(),
            next_point: Instant::ZERO,
            alarms: BTreeMap::new(),
            health: Health::Error,
        };
        new.set_expect(expect);
        new
    }

    /// What cannot be understood is compared with nothing; the configuration was checked.
    pub(crate) fn set_expect(&mut self, expect: Option<Expect>) {
        let parsed = expect
            .as_ref()
            .and_then(|expect| Expectation::parse(expect).ok());
        self.expected = parsed.unwrap_or_default();
        self.expect = expect;
    }

    pub(crate) fn expect(&self) -> Option<Expect> {
        self.expect.clone()
    }

    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        self.alarms
            .values()
            .map(|standing| standing.alarm.clone())
            .collect()
    }

    /// The source is no more: what stood in alarm stands no longer.
    pub(crate) fn end(&mut self, now: Instant) -> Vec<EventKind> {
        let alarms = core::mem::take(&mut self.alarms).into_iter();
        alarms
            .map(|(code, standing)| cleared(code, standing.since, now))
            .collect()
    }

    /// Looks once; says what is worth an event.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        wall: SystemTime,
        said: &Said,
        carried: Carried,
        media: Option<MediaStatus>,
    ) -> Vec<EventKind> {
        self.meter.sample(now, carried.bytes);
        self.follow_connection(now, said, carried);
        if said.connection == Connection::Connected {
            self.take_media(now, said, media);
        }
        self.add_history(now, wall, &said.transport);
        let findings = self.evidence(now, said, carried).findings();
        let connected = said.connection == Connection::Connected;
        let changes = self.verdict.update(now, wall, findings, connected);
        let mut events = Vec::new();
        let health = self.verdict.health();
        if !changes.is_empty() || health != self.health {
            let reasons = self.verdict.reasons().to_vec();
            events.push(EventKind::SourceHealth { health, reasons });
        }
        self.health = health;
        // A source that has never had a sender waits; nothing is wrong with that.
        if said.ever_connected || said.connection != Connection::Disconnected {
            self.update_alarms(now, &mut events);
        }
        events
    }

    /// Judges whether it could be on air. After [`Observed::look`], whose verdict it agrees
    /// with.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        wall: SystemTime,
        vitals: &Vitals,
        counted: Option<Tr101290Status>,
    ) {
        self.checks.look(now, vitals);
        self.readiness = self.checks.readiness(now, wall);
        self.readiness.agree_with(self.verdict.reasons());
        self.tr101290 = counted;
    }

    fn follow_connection(&mut self, now: Instant, said: &Said, carried: Carried) {
        let current = &mut self.connection;
        if said.connections != current.number {
            *current = Current {
                number: said.connections,
                since: now,
                bytes_before: current.bytes_seen,
                ..Current::default()
            };
            // Whatever was wrong before it is not its fault.
            self.verdict = Verdict::default();
            self.media = None;
            self.usual.clear();
            self.unrecovered = Growth::default();
            self.host_drops = Growth::default();
            self.continuity = Growth::default();
        }
        self.connection.bytes_seen = carried.bytes;
    }

    fn take_media(&mut self, now: Instant, said: &Said, media: Option<MediaStatus>) {
        if let Some(media) = &media {
            let picture = media
                .video
                .as_ref()
                .is_some_and(|video| video.last_unit_age_ms.is_some());
            let sound = media
                .audio
                .iter()
                .any(|audio| audio.last_unit_age_ms.is_some());
            self.connection.had_picture |= picture;
            self.connection.had_sound |= sound;
            self.continuity.note(now, media.continuity_errors);
        }
        self.unrecovered.note(now, said.transport.unrecovered);
        self.host_drops.note(now, said.transport.host_drops);
        self.media = media;
    }

    fn add_history(&mut self, now: Instant, wall: SystemTime, transport: &TransportFigures) {
        if now < self.next_point {
            return;
        }
        // On the grid, unless the watcher was held up for long.
        let next = self.next_point + limits::HISTORY_INTERVAL;
        self.next_point = if next > now {
            next
        } else {
            now + limits::HISTORY_INTERVAL
        };
        let bitrate = self.meter.rate(now);
        self.usual.note(bitrate);
        self.history.push(HistoryPoint {
            t: wall,
            bitrate_bps: bitrate.as_bps(),
            rtt_ms: transport.rtt.map(millis),
            loss_percent: transport.loss_percent,
            buffer_ms: transport.buffer.map(millis),
        });
    }

    fn evidence<'a>(&'a self, now: Instant, said: &'a Said, carried: Carried) -> Evidence<'a> {
        let current = &self.connection;
        let connected_for = now.saturating_since(current.since);
        let last_packet = carried.last_arrival.map(|last| now.saturating_since(last));
        let any_data = carried.bytes > current.bytes_before;
        let silent_for = match (last_packet, said.connection) {
            // Silence before the connection is not its fault.
            (Some(age), Connection::Connected) => age.min(connected_for),
            (None, Connection::Connected) => connected_for,
            (age, _) => age.unwrap_or(Duration::MAX),
        };
        Evidence {
            connection: said.connection,
            connection_reason: said.why(),
            ever_connected: said.ever_connected,
            made_here: said.made_here,
            failing: said.failing,
            silent_for,
            any_data,
            connected_for,
            bitrate: self.meter.rate(now),
            usual_bitrate: self.usual.bitrate(),
            transport: said.transport,
            unrecovered: self.unrecovered.recent(now),
            host_drops: self.host_drops.recent(now),
            continuity: self.continuity.recent(now),
            media: self.media.as_ref(),
            had_picture: current.had_picture,
            had_sound: current.had_sound,
            expected: self.expected.clone(),
        }
    }

    fn update_alarms(&mut self, now: Instant, events: &mut Vec<EventKind>) {
        let reasons = self.verdict.reasons();
        self.alarms.retain(|code, standing| {
            let stands = reasons.iter().any(|reason| reason.code == *code);
            if !stands {
                events.push(cleared(*code, standing.since, now));
            }
            stands
        });
        for reason in reasons {
            let young = self.verdict.age(reason.code, now) < limits::ALARM_DELAY;
            let too_soon = young && reason.severity == Health::Warning;
            let mut alarm = alarm(reason);
            if let Some(standing) = self.alarms.get_mut(&reason.code) {
                alarm.since = standing.alarm.since;
                standing.alarm = alarm;
                if too_soon || standing.alarm.is_no_news_after(&standing.told) {
                    continue;
                }
                standing.told = standing.alarm.clone();
                events.push(EventKind::AlarmRaised(standing.told.clone()));
            } else if !too_soon {
                let standing = Standing {
                    since: now,
                    alarm: alarm.clone(),
                    told: alarm.clone(),
                };
                self.alarms.insert(reason.code, standing);
                events.push(EventKind::AlarmRaised(alarm));
            }
        }
    }
}

fn cleared(code: ReasonCode, since: Instant, now: Instant) -> EventKind {
    let lasted = now.saturating_since(since).as_millis();
    let lasted_ms = u64::try_from(lasted).unwrap_or(u64::MAX);
    EventKind::AlarmCleared {
        code: code.as_str().into(),
        lasted_ms,
    }
}

fn alarm(reason: &Reason) -> Alarm {
    Alarm {
        code: reason.code.as_str().into(),
        severity: match reason.severity {
            Health::Error => Severity::Error,
            Health::Warning | Health::Ok => Severity::Warning,
        },
        text: reason.text.clone(),
        advice: reason.advice.clone(),
        since: reason.since,
    }
}

#[cfg(test)]
#[path = "observed_tests.rs"]
mod tests;
