//! Statistics in the forms that srt-live-transmit prints, under libsrt's names.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use serde_json::{Map, Value, json};
use tidegate_srt::{Counters, Described, Gauges};

/// How statistics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    #[value(alias = "default")]
    Text,
    /// One line per connection and report, under a line of names.
    Csv,
    /// One object per connection and report, one per line.
    Json,
}

/// The columns of srt-live-transmit 1.5, in its order.
const COLUMNS: [&str; 36] = [
    "pktFlowWindow",
    "pktCongestionWindow",
    "pktFlightSize",
    "msRTT",
    "mbpsBandwidth",
    "mbpsMaxBW",
    "pktSent",
    "pktSentUnique",
    "pktSndLoss",
    "pktSndDrop",
    "pktRetrans",
    "pktSndFilterExtra",
    "byteSent",
    "byteSentUnique",
    "byteSndDrop",
    "byteAvailSndBuf",
    "msSndBuf",
    "mbpsSendRate",
    "usPktSndPeriod",
    "pktRecv",
    "pktRecvUnique",
    "pktRcvLoss",
    "pktRcvDrop",
    "pktRcvRetrans",
    "pktRcvBelated",
    "pktRcvFilterExtra",
    "pktRcvFilterSupply",
    "pktRcvFilterLoss",
    "byteRecv",
    "byteRecvUnique",
    "byteRcvLoss",
    "byteRcvDrop",
    "byteAvailRcvBuf",
    "msRcvBuf",
    "mbpsRecvRate",
    "msRcvTsbPdDelay",
];

/// srt-live-transmit's JSON: group, its name there, libsrt's name.
const FIELDS: [(&str, &str, &str); 36] = [
    ("window", "flow", "pktFlowWindow"),
    ("window", "congestion", "pktCongestionWindow"),
    ("window", "flight", "pktFlightSize"),
    ("link", "rtt", "msRTT"),
    ("link", "bandwidth", "mbpsBandwidth"),
    ("link", "maxBandwidth", "mbpsMaxBW"),
    ("send", "packets", "pktSent"),
    ("send", "packetsUnique", "pktSentUnique"),
    ("send", "packetsLost", "pktSndLoss"),
    ("send", "packetsDropped", "pktSndDrop"),
    ("send", "packetsRetransmitted", "pktRetrans"),
    ("send", "packetsFilterExtra", "pktSndFilterExtra"),
    ("send", "bytes", "byteSent"),
    ("send", "bytesUnique", "byteSentUnique"),
    ("send", "bytesDropped", "byteSndDrop"),
    ("send", "byteAvailBuf", "byteAvailSndBuf"),
    ("send", "msBuf", "msSndBuf"),
    ("send", "mbitRate", "mbpsSendRate"),
    ("send", "sendPeriod", "usPktSndPeriod"),
    ("recv", "packets", "pktRecv"),
    ("recv", "packetsUnique", "pktRecvUnique"),
    ("recv", "packetsLost", "pktRcvLoss"),
    ("recv", "packetsDropped", "pktRcvDrop"),
    ("recv", "packetsRetransmitted", "pktRcvRetrans"),
    ("recv", "packetsBelated", "pktRcvBelated"),
    ("recv", "packetsFilterExtra", "pktRcvFilterExtra"),
    ("recv", "packetsFilterSupply", "pktRcvFilterSupply"),
    ("recv", "packetsFilterLoss", "pktRcvFilterLoss"),
    ("recv", "bytes", "byteRecv"),
    ("recv", "bytesUnique", "byteRecvUnique"),
    ("recv", "bytesLost", "byteRcvLoss"),
    ("recv", "bytesDropped", "byteRcvDrop"),
    ("recv", "byteAvailBuf", "byteAvailRcvBuf"),
    ("recv", "msBuf", "msRcvBuf"),
    ("recv", "mbitRate", "mbpsRecvRate"),
    ("recv", "msTsbPdDelay", "msRcvTsbPdDelay"),
];

/// One connection at one moment, as the API's details have it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The end of the relay it is at; one peer may be at both.
    end: &'static str,
    peer: String,
    uptime_ms: f64,
    totals: BTreeMap<&'static str, f64>,
    gauges: BTreeMap<&'static str, f64>,
}

impl Sample {
    /// From the details of one connection at one end; `None` while it has no statistics.
    pub(super) fn of(end: &'static str, details: &Value) -> Option<Self> {
        Some(Self {
            end,
            peer: details["peer"].as_str()?.to_owned(),
            uptime_ms: details["uptime_ms"].as_f64()?,
            totals: by_libsrt_name(Counters::ALL, &details["total"]),
            gauges: by_libsrt_name(Gauges::ALL, &details["instant"]),
        })
    }

    /// What tells connections apart.
    fn key(&self) -> (&'static str, String) {
        (self.end, self.peer.clone())
    }

    /// Data packets both ways.
    pub(super) fn packets(&self) -> u64 {
        (self.totals["pktSent"] + self.totals["pktRecv"]) as u64
    }
}

/// What libsrt names, in libsrt's units.
fn by_libsrt_name(described: &[Described], values: &Value) -> BTreeMap<&'static str, f64> {
    let named = described.iter().filter(|one| !one.libsrt.is_empty());
    named
        .filter_map(|one| {
            let value = values[one.name].as_f64()?;
            let in_megabits = one.libsrt.starts_with("mbps");
            Some((one.libsrt, if in_megabits { value / 1e6 } else { value }))
        })
        .collect()
}

/// Writes report after report.
#[derive(Debug)]
pub(super) struct Reports {
    format: Format,
    /// Since the beginning, instead of since the last report.
    full: bool,
    has_header: bool,
    /// What the last report of a connection said; a new connection begins anew.
    last: HashMap<(&'static str, String), Sample>,
}

/// Connections remembered between reports; beyond it the oldest figures are forgotten at once.
const REMEMBERED_MAX: usize = 4096;

impl Reports {
    pub(super) fn new(format: Format, full: bool) -> Self {
        Self {
            format,
            full,
            has_header: false,
            last: HashMap::new(),
        }
    }

    /// Packets of `samples` since the last report.
    pub(super) fn packets_since_last(&self, samples: &[Sample]) -> u64 {
        let since = |sample: &Sample| {
            let before = self.before(sample).map_or(0, Sample::packets);
            sample.packets().saturating_sub(before)
        };
        samples.iter().map(since).sum()
    }

    /// The text of a report, with its last line break.
    pub(super) fn report(&mut self, at: SystemTime, samples: Vec<Sample>) -> String {
        let mut text = String::new();
        for sample in &samples {
            let figures = self.figures(sample);
            match self.format {
                Format::Text => text += &as_text(sample, &figures),
                Format::Json => text += &(as_json(at, sample, &figures).to_string() + "\n"),
                Format::Csv => {
                    if !std::mem::replace(&mut self.has_header, true) {
                        let _ =
                            writeln!(text, "Timepoint,Time,SocketID,Time,{}", COLUMNS.join(","));
                    }
                    text += &as_csv(at, sample, &figures);
                }
            }
        }
        self.last.clear();
        let newest = samples.into_iter().take(REMEMBERED_MAX);
        self.last
            .extend(newest.map(|sample| (sample.key(), sample)));
        text
    }

    fn before(&self, sample: &Sample) -> Option<&Sample> {
        let before = self.last.get(&sample.key());
        before.filter(|before| before.uptime_ms <= sample.uptime_ms)
    }

    /// Every figure of a report by libsrt's name.
    fn figures(&self, sample: &Sample) -> BTreeMap<&'static str, f64> {
        let before = self.before(sample);
        let since = |name: &str, value: f64| match before {
            Some(before) => value - before.totals.get(name).copied().unwrap_or(0.0),
            None => value,
        };
        let passed_ms = before.map_or(sample.uptime_ms, |before| {
            sample.uptime_ms - before.uptime_ms
        });
        let rate = |name: &str| {
            let bytes = since(name, sample.totals[name]);
            if passed_ms > 0.0 {
                bytes * 8.0 / passed_ms / 1000.0
            } else {
                0.0
            }
        };
        let mut figures = sample.gauges.clone();
        figures.insert("mbpsSendRate", rate("byteSent"));
        figures.insert("mbpsRecvRate", rate("byteRecv"));
        for (name, value) in &sample.totals {
            let value = if self.full {
                *value
            } else {
                since(name, *value)
            };
            figures.insert(name, value);
        }
        figures
    }
}

/// A whole number without, any other with its digits.
fn number(figures: &BTreeMap<&'static str, f64>, name: &str) -> Value {
    let value = figures.get(name).copied().unwrap_or(0.0);
    if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!((value * 1e6).round() / 1e6)
    }
}

fn as_json(at: SystemTime, sample: &Sample, figures: &BTreeMap<&'static str, f64>) -> Value {
    let mut object = Map::new();
    object.insert("sid".into(), socket(sample).into());
    object.insert("end".into(), sample.end.into());
    object.insert("peer".into(), sample.peer.clone().into());
    object.insert("timepoint".into(), timepoint(at).into());
    object.insert("time".into(), (sample.uptime_ms as i64).into());
    for (group, field, name) in FIELDS {
        let group = object.entry(group).or_insert_with(|| Map::new().into());
        group[field] = number(figures, name);
    }
    object.into()
}

fn as_csv(at: SystemTime, sample: &Sample, figures: &BTreeMap<&'static str, f64>) -> String {
    // The time stands there twice, as in srt-live-transmit's own.
    let (time, socket) = (sample.uptime_ms as i64, socket(sample));
    let mut line = format!("{},{time},{socket},{time}", timepoint(at));
    for name in COLUMNS {
        let _ = write!(line, ",{}", number(figures, name));
    }
    line + "\n"
}

fn as_text(sample: &Sample, figures: &BTreeMap<&'static str, f64>) -> String {
    let of = |name| number(figures, name);
    let up = Duration::from_millis(sample.uptime_ms as u64).as_secs();
    format!(
        "{} {} for {up} s: RTT {} ms\n\
         \x20 received {} packets, {} lost, {} dropped, {} belated, {:.3} Mbit/s, buffer {} of {} ms\n\
         \x20 sent     {} packets, {} lost, {} dropped, {} sent again, {:.3} Mbit/s, buffer {} ms\n",
        sample.end,
        sample.peer,
        of("msRTT"),
        of("pktRecv"),
        of("pktRcvLoss"),
        of("pktRcvDrop"),
        of("pktRcvBelated"),
        figures["mbpsRecvRate"],
        of("msRcvBuf"),
        of("msRcvTsbPdDelay"),
        of("pktSent"),
        of("pktSndLoss"),
        of("pktSndDrop"),
        of("pktRetrans"),
        figures["mbpsSendRate"],
        of("msSndBuf"),
    )
}

/// A number that stays the same for one connection, where srt-live-transmit prints its
/// socket's.
fn socket(sample: &Sample) -> u32 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (sample.end, &sample.peer).hash(&mut hasher);
    (hasher.finish() as u32) & 0x3FFF_FFFF
}

fn timepoint(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_micros(at).to_string();
    text.trim_end_matches('Z').to_owned() + "+0000"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(uptime_ms: u64, received: u64, bytes: u64) -> Value {
        let total = Counters {
            packets_received: received,
            bytes_received: bytes,
            ..Counters::default()
        };
        let total: Map<String, Value> = total
            .each()
            .map(|(name, count)| (name.into(), count.into()))
            .collect();
        json!({ "peer": "192.0.2.1:5000", "uptime_ms": uptime_ms, "total": total,
            "instant": { "rtt_ms": 12.5, "link_capacity_bps": 20_000_000, "receive_latency_ms": 200.0 } })
    }

    fn report(reports: &mut Reports, details: &Value) -> String {
        reports.report(
            SystemTime::UNIX_EPOCH,
            vec![Sample::of("from", details).unwrap()],
        )
    }

    #[test]
    fn every_figure_of_srt_live_transmit_has_its_name_here() {
        let known: Vec<&str> = Counters::ALL
            .iter()
            .chain(Gauges::ALL)
            .map(|one| one.libsrt)
            .collect();
        let rates = ["mbpsSendRate", "mbpsRecvRate"];
        for name in COLUMNS.iter().chain(FIELDS.iter().map(|(_, _, name)| name)) {
            assert!(known.contains(name) || rates.contains(name), "{name}");
        }
    }

    #[test]
    fn a_report_counts_since_the_last_one_unless_all_is_asked_for() {
        for (full, packets, rate) in [(false, 50, 0.8), (true, 150, 0.8)] {
            let mut reports = Reports::new(Format::Json, full);
            report(&mut reports, &details(1000, 100, 100_000));
            let second = report(&mut reports, &details(2000, 150, 200_000));
            let second: Value = serde_json::from_str(&second).unwrap();
            assert_eq!(second["recv"]["packets"], packets);
            assert_eq!(second["recv"]["mbitRate"], rate);
            assert_eq!(second["link"]["rtt"], 12.5);
            assert_eq!(second["link"]["bandwidth"], 20);
            assert_eq!(second["recv"]["msTsbPdDelay"], 200);
        }
    }

    #[test]
    fn a_connection_that_comes_back_counts_from_its_own_beginning() {
        let mut reports = Reports::new(Format::Json, false);
        report(&mut reports, &details(60_000, 1000, 0));
        let again: Value =
            serde_json::from_str(&report(&mut reports, &details(500, 7, 0))).unwrap();
        assert_eq!(again["recv"]["packets"], 7);
    }

    #[test]
    fn one_peer_at_both_ends_is_two_connections() {
        let mut reports = Reports::new(Format::Json, false);
        let mut both = |uptime_ms, received, sent| {
            let samples = [("from", received), ("to", sent)]
                .map(|(end, count)| Sample::of(end, &details(uptime_ms, count, 0)).unwrap());
            let text = reports.report(SystemTime::UNIX_EPOCH, samples.into());
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            lines.collect::<Vec<Value>>()
        };
        both(1000, 100, 900);
        let second = both(2000, 150, 907);
        let packets: Vec<_> = second.iter().map(|line| &line["recv"]["packets"]).collect();
        assert_eq!(packets, [50, 7]);
        assert_eq!(
            (&second[0]["end"], &second[1]["end"]),
            (&json!("from"), &json!("to"))
        );
        assert_ne!(second[0]["sid"], second[1]["sid"]);
    }

    #[test]
    fn csv_has_one_line_of_names_and_as_many_values() {
        let mut reports = Reports::new(Format::Csv, false);
        let text = report(&mut reports, &details(1000, 1, 1))
            + &report(&mut reports, &details(2000, 2, 2));
        let lines: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(lines, [40, 40, 40]);
        assert!(text.starts_with("Timepoint,Time,SocketID,Time,pktFlowWindow,"));
        assert!(
            text.lines()
                .nth(1)
                .unwrap()
                .starts_with("1970-01-01T00:00:00.000000+0000,1000,")
        );
    }
}
