//! What the source says about itself.

use super::form::Form;
use super::open::Port;
use super::senders::Senders;
use super::session::Session;
use crate::settings::Place;
use core::time::Duration;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::SystemTime;
use tidegate_engine::{Alarm, Paths, Severity, SourceReport, TransportFigures};
use tidegate_rtp::{Counters, LegCounters};
use tidegate_units::Instant;

/// The time over which loss is shown.
const LOSS_WINDOW: Duration = Duration::from_secs(10);

/// Samples in that time, at two a second.
const LOSS_SAMPLES: usize = 21;

/// A leg that brought nothing for so long is missing.
const LEG_SILENT: Duration = Duration::from_secs(1);

/// Packets that must have come before their rate is believed.
const RATE_PACKETS: u64 = 100;

const LEG_DEAD: &str = "leg_dead";
const LEGS_DIFFER: &str = "legs_differ";
const SHORT_FOR_FEC: &str = "buffer_short_for_fec";

/// What there is to say something about.
pub(super) struct Seen<'a> {
    pub(super) now: Instant,
    pub(super) session: Option<&'a Session>,
    pub(super) ports: &'a [Port],
    pub(super) senders: &'a [Senders],
    /// Datagrams without media before the session.
    pub(super) odd: u64,
}

/// What is kept to compare with.
#[derive(Debug)]
pub(super) struct Figures {
    kind: &'static str,
    places: Vec<String>,
    recv_buffer_bytes: usize,
    /// Dropped by the kernel before the session.
    drops_before: u64,
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    received: u64,
    lost: u64,
}

impl Figures {
    pub(super) fn new(kind: &'static str, legs: &[Place], ports: &[Port]) -> Self {
        Self {
            kind,
            places: legs.iter().map(|leg| leg.at.to_string()).collect(),
            recv_buffer_bytes: ports
                .first()
                .map_or(0, |port| port.socket.recv_buffer_bytes()),
            drops_before: 0,
            samples: VecDeque::new(),
        }
    }

    /// A session begins.
    pub(super) fn begin(&mut self, ports: &[Port]) {
        self.drops_before = drops(ports);
        self.samples.clear();
    }

    /// It has ended.
    pub(super) fn end(&mut self, report: &SourceReport) {
        for code in [LEG_DEAD, LEGS_DIFFER, SHORT_FOR_FEC] {
            report.clear_alarm(code);
        }
    }

    pub(super) fn show(&mut self, report: &SourceReport, seen: &Seen<'_>) {
        let drops = drops(seen.ports);
        let figures = seen.session.map(|session| {
            self.alarms(report, session, seen.now);
            self.transport(session, seen, drops)
        });
        if let Some(figures) = figures {
            report.transport(figures);
        }
        let figures = figures.unwrap_or_default();
        report.detail(self.kind, self.detail(seen, &figures, drops));
    }

    fn transport(&mut self, session: &Session, seen: &Seen<'_>, drops: u64) -> TransportFigures {
        let host_drops = drops.saturating_sub(self.drops_before);
        if session.form == Form::Ts {
            return TransportFigures {
                received: session.datagrams,
                host_drops,
                ..TransportFigures::default()
            };
        }
        let counters = session.receiver.counters();
        let lost = counters.recovered + counters.unrecovered;
        self.note(Sample {
            at: seen.now,
            received: counters.received,
            lost,
        });
        let legs = session.receiver.legs();
        let working = legs.iter().filter(|leg| is_working(leg, seen.now)).count();
        TransportFigures {
            latency: Some(session.config.hold),
            loss_percent: Some(self.loss_percent()),
            received: counters.received,
            lost,
            unrecovered: counters.unrecovered,
            host_drops,
            paths: (legs.len() > 1).then(|| Paths {
                working,
                missing: legs.len() - working,
            }),
            ..TransportFigures::default()
        }
    }

    fn note(&mut self, sample: Sample) {
        let old = |first: &Sample| sample.at.saturating_since(first.at) > LOSS_WINDOW;
        while self.samples.len() >= LOSS_SAMPLES || self.samples.front().is_some_and(old) {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    fn grown(&self) -> Option<(Duration, u64, u64)> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let time = last.at.saturating_since(first.at);
        Some((
            time,
            last.received.saturating_sub(first.received),
            last.lost.saturating_sub(first.lost),
        ))
    }

    fn loss_percent(&self) -> f64 {
        let (_, received, lost) = self.grown().unwrap_or_default();
        if lost == 0 {
            return 0.0;
        }
        lost as f64 * 100.0 / (received + lost) as f64
    }

    fn alarms(&self, report: &SourceReport, session: &Session, now: Instant) {
        let raise = |code: &str, text: String, advice: String| {
            report.raise_alarm(Alarm {
                code: code.into(),
                severity: Severity::Warning,
                text,
                advice,
                since: SystemTime::now(),
            });
        };
        let legs = session.receiver.legs();
        let dead = legs.iter().position(|leg| !is_heard(leg, now));
        let is_numbered = session.form == Form::Rtp && legs.len() > 1;
        match dead
            .and_then(|leg| self.places.get(leg))
            .filter(|_| is_numbered)
        {
            Some(place) => raise(
                LEG_DEAD,
                format!("Nothing comes in at {place}; the other leg alone carries the feed"),
                "Look at that leg's sender, switches and interface: what the other leg loses now \
                 is lost."
                    .into(),
            ),
            None => report.clear_alarm(LEG_DEAD),
        }
        let is_foreign = legs.iter().any(|leg| leg.is_foreign);
        if is_foreign {
            raise(
                LEGS_DIFFER,
                "The two legs bring different streams; only one is used".into(),
                "Both must come from one sender that doubles its packets (SMPTE 2022-7).".into(),
            );
        } else {
            report.clear_alarm(LEGS_DIFFER);
        }
        match self.short_for_fec(session) {
            Some((needed, hold)) => raise(
                SHORT_FOR_FEC,
                format!(
                    "Two matrices of the sender's FEC last {} ms, and packets are held {} ms",
                    needed.as_millis(),
                    hold.as_millis()
                ),
                format!(
                    "Set \"buffer\" to {}ms, or let the sender use a smaller matrix.",
                    needed.as_millis().next_multiple_of(100)
                ),
            ),
            None => report.clear_alarm(SHORT_FOR_FEC),
        }
    }

    /// The time two matrices take, where it is longer than packets are held.
    fn short_for_fec(&self, session: &Session) -> Option<(Duration, Duration)> {
        let (columns, rows) = session.receiver.counters().matrix?;
        let (time, received, _) = self.grown()?;
        if received < RATE_PACKETS {
            return None;
        }
        let packets = 2 * u32::from(columns) * u32::from(rows);
        let needed = time.mul_f64(f64::from(packets) / received as f64);
        let hold = session.config.hold;
        (needed > hold).then_some((needed, hold))
    }

    fn detail(&self, seen: &Seen<'_>, figures: &TransportFigures, drops: u64) -> Value {
        let ignored: u64 = seen.senders.iter().map(|senders| senders.ignored).sum();
        let ignored_last = seen.senders.iter().find_map(|senders| senders.ignored_last);
        let mut detail = json!({
            "from": self.places,
            "received": figures.received,
            "lost": figures.lost,
            "unrecovered": figures.unrecovered,
            "loss_percent": figures.loss_percent,
            "latency_ms": figures.latency.map(|latency| latency.as_millis()),
            "receive_buffer_bytes": self.recv_buffer_bytes,
            "host_drops": drops,
            "ignored_packets": ignored,
            "ignored_sender": ignored_last.map(|sender| sender.to_string()),
            "not_mpeg_ts": seen.odd + seen.session.map_or(0, |session| session.odd),
        });
        let Some(session) = seen.session else {
            return detail;
        };
        detail["has_rtp_header"] = json!(session.form == Form::Rtp);
        if session.form == Form::Rtp {
            let counters = session.receiver.counters();
            detail["order"] = json!({
                "reordered": counters.reordered,
                "duplicates": counters.duplicates,
                "late": counters.late,
                "strays": counters.strays,
                "restarts": counters.restarts,
            });
            if session.config.fec {
                detail["fec"] = fec(counters);
            }
            let legs = session.receiver.legs();
            if legs.len() > 1 {
                let legs = legs.iter().zip(&self.places).zip(seen.senders);
                let legs = legs.map(|((leg, place), senders)| shown(leg, place, senders, seen.now));
                detail["legs"] = legs.collect();
            }
        }
        detail
    }
}

fn fec(counters: &Counters) -> Value {
    json!({
        "columns": counters.matrix.map(|(columns, _)| columns),
        "rows": counters.matrix.map(|(_, rows)| rows),
        "column_packets": counters.column_sums,
        "row_packets": counters.row_sums,
        "bad_packets": counters.bad_sums,
        "recovered": counters.recovered,
        "unrecovered": counters.unrecovered,
    })
}

fn shown(leg: &LegCounters, place: &str, senders: &Senders, now: Instant) -> Value {
    json!({
        "from": place,
        "peer": senders.owner().map(|owner| owner.to_string()),
        "working": is_working(leg, now),
        "received": leg.received,
        "missing": leg.missing,
        "behind_ms": leg.behind.as_millis(),
        "is_foreign": leg.is_foreign,
    })
}

fn is_heard(leg: &LegCounters, now: Instant) -> bool {
    leg.last
        .is_some_and(|last| now.saturating_since(last) <= LEG_SILENT)
}

fn is_working(leg: &LegCounters, now: Instant) -> bool {
    is_heard(leg, now) && !leg.is_foreign
}

fn drops(ports: &[Port]) -> u64 {
    ports.iter().map(|port| port.socket.drops()).sum()
}
