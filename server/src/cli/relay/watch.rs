use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use serde_json::Value;
use tidegate_engine::{Connection, Engine, OutputState, OutputStatus, SourceStatus};
use tidegate_srt_io::Clock;
use tokio_util::sync::CancellationToken;

use super::drain::{Drain, Seen, Verdict};
use super::ends::{FROM, Input, Output, TO};
use super::statistics::{Reports, Sample};
use super::{RelayOptions, YesNo};
use crate::cli::say_wrong;
use crate::cli::serve::stop_signal;

/// How often it is looked how things are: as often as figures change.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Looks after a running relay: says what happens, prints statistics, and knows when to end.
pub(super) struct Watch<'a> {
    engine: &'a Engine,
    from: &'a Input,
    to: &'a Output,
    options: &'a RelayOptions,
    reports: Reports,
    reports_to: Box<dyn Write>,
    began: Instant,
    last_report: Instant,
    /// What was said last of each end.
    said: [String; 2],
    has_been_connected: bool,
    /// Each end by itself.
    have_been_up: [bool; 2],
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        from: &'a Input,
        to: &'a Output,
        options: &'a RelayOptions,
    ) -> anyhow::Result<Self> {
        let reports_to: Box<dyn Write> = match &options.stats_out {
            Some(path) => {
                let file = File::create(path);
                Box::new(file.with_context(|| format!("{} cannot be written", path.display()))?)
            }
            None if to.is_standard_output() => Box::new(std::io::stderr()),
            None => Box::new(std::io::stdout()),
        };
        Ok(Self {
            engine,
            from,
            to,
            options,
            reports: Reports::new(options.stats_format, options.full_stats),
            reports_to,
            began: Instant::now(),
            last_report: Instant::now(),
            said: [String::new(), String::new()],
            has_been_connected: false,
            have_been_up: [false; 2],
        })
    }

    /// Runs until the input ends, the time is over, or somebody says so. Cancels `audience`
    /// once the far side is there.
    pub(super) async fn until_the_end(
        mut self,
        audience: &CancellationToken,
        ended: &CancellationToken,
    ) -> anyhow::Result<ExitCode> {
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        let interrupted = stop_signal();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = ended.cancelled() => {
                    self.drain().await?;
                    break;
                }
                signal = &mut interrupted => {
                    signal?;
                    break;
                }
            }
            let (Some(source), Some(output)) = (
                self.engine.source_status(FROM),
                self.engine.output_status(TO),
            ) else {
                break;
            };
            if is_up(&output) {
                audience.cancel();
            }
            self.say_changes(Some(&source), &output);
            self.report_if_due(Some(&source), &output);
            match self.whether_over(&source, &output)? {
                Over::NotYet => {}
                Over::AtOnce => break,
                Over::OnceDrained => {
                    // Who comes now comes too late: with a new session there would be no end.
                    let _ = self.engine.remove_source(FROM).await;
                    self.drain().await?;
                    break;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Lets what is on its way get across; an error when it does not.
    async fn drain(&mut self) -> anyhow::Result<()> {
        let feed = self.engine.feed(FROM);
        let had_input = feed.carried().bytes > 0;
        let mut drain = Drain::new(Instant::now());
        loop {
            let Some(output) = self.engine.output_status(TO) else {
                return Ok(());
            };
            let source = self.engine.source_status(FROM);
            self.say_changes(source.as_ref(), &output);
            self.report_if_due(source.as_ref(), &output);
            if let Some(error) = failed_output(&output) {
                bail!("{}: {error}", self.to);
            }
            let seen = Seen {
                had_input,
                is_held: Clock::start().now() < feed.last_due(),
                is_up: is_up(&output),
                is_for_readers: readers_of(&output).is_some(),
                delivered_bytes: output.delivered_bytes,
                latency: latency_of(&output),
            };
            let what = match drain.look(Instant::now(), seen) {
                Verdict::Wait => {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                    continue;
                }
                Verdict::Done => return Ok(()),
                Verdict::Nothing => "nothing got across",
                Verdict::NotAll => "the last of it did not get across",
            };
            let why = output.last_error.or(output.state_reason);
            bail!("{}: {what}: {}", self.to, why.unwrap_or_default());
        }
    }

    /// Whether there is nothing left to do; an error when it was all in vain.
    fn whether_over(
        &mut self,
        source: &SourceStatus,
        output: &OutputStatus,
    ) -> anyhow::Result<Over> {
        for (end, error) in [
            (self.from.to_string(), failed(source)),
            (self.to.to_string(), failed_output(output)),
        ] {
            if let Some(error) = error {
                bail!("{end}: {error}");
            }
        }
        let are_up = [source.connection == Connection::Connected, is_up(output)];
        let were_up = self.have_been_up;
        for (have_been, are) in self.have_been_up.iter_mut().zip(are_up) {
            *have_been |= are;
        }
        self.has_been_connected |= are_up == [true, true];
        if self.options.timeout > 0 && self.began.elapsed().as_secs() >= self.options.timeout {
            let only_until_connected = self.options.timeout_mode == 1;
            if !only_until_connected {
                return Ok(Over::AtOnce);
            }
            if !self.has_been_connected {
                bail!("nobody was there within {} s", self.options.timeout);
            }
        }
        if self.options.reconnect == YesNo::Yes {
            return Ok(Over::NotYet);
        }
        match (were_up, are_up) {
            ([_, true], [_, false]) => return Ok(Over::AtOnce),
            ([true, _], [false, _]) => return Ok(Over::OnceDrained),
            _ => {}
        }
        // What went wrong once and is mended by now ends nothing.
        if source.connection == Connection::Reconnecting {
            bail!("{}: {}", self.from, why_source(source));
        }
        if output.state == OutputState::Reconnecting {
            bail!("{}: {}", self.to, why_output(output));
        }
        Ok(Over::NotYet)
    }

    fn say_changes(&mut self, source: Option<&SourceStatus>, output: &OutputStatus) {
        if self.options.quiet {
            return;
        }
        let from = source.map(|source| {
            let state = format!("{:?}", source.connection).to_lowercase();
            let why = source
                .last_error
                .as_deref()
                .or(source.connection_reason.as_deref());
            describe(&state, source.peer.as_deref(), why)
        });
        let to = describe(
            &format!("{:?}", output.state).to_lowercase(),
            None,
            match output.state {
                OutputState::Waiting | OutputState::Delivering => output.state_reason.as_deref(),
                _ => output
                    .last_error
                    .as_deref()
                    .or(output.state_reason.as_deref()),
            },
        );
        let news = [
            from.map(|from| format!("{}: {from}", self.from)),
            Some(format!("{}: {to}", self.to)),
        ];
        for (news, said) in news.into_iter().zip(&mut self.said) {
            let Some(news) = news.filter(|news| news != said) else {
                continue;
            };
            say_wrong(&news);
            *said = news;
        }
    }

    fn report_if_due(&mut self, source: Option<&SourceStatus>, output: &OutputStatus) {
        let samples = samples(source, output);
        let every = self.options.stats_every;
        let interval = Duration::from_secs(self.options.stats_interval);
        let has_packets = every > 0 && self.reports.packets_since_last(&samples) >= every;
        let has_waited = !interval.is_zero() && self.last_report.elapsed() >= interval;
        if samples.is_empty() || !(has_packets || has_waited) {
            return;
        }
        self.last_report = Instant::now();
        let text = self.reports.report(SystemTime::now(), samples);
        // Nobody listening is no error.
        let _ = self.reports_to.write_all(text.as_bytes());
        let _ = self.reports_to.flush();
    }
}

fn describe(state: &str, peer: Option<&str>, why: Option<&str>) -> String {
    let preposition = if state == "disconnected" {
        "from"
    } else {
        "to"
    };
    let peer = peer.map_or_else(String::new, |peer| format!(" {preposition} {peer}"));
    match why {
        Some(why) if state != "connected" => format!("{state}{peer}, {why}"),
        _ => format!("{state}{peer}"),
    }
}

/// Whether a relay has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    NotYet,
    AtOnce,
    /// When what has come in has got across.
    OnceDrained,
}

/// Why a source will not be tried again.
fn failed(source: &SourceStatus) -> Option<String> {
    let is_final = source.resting && source.connection == Connection::Failed;
    is_final.then(|| why_source(source))
}

/// Why an output will not be tried again. One that gets nothing across at the moment has
/// failed as well, and is none of those.
fn failed_output(output: &OutputStatus) -> Option<String> {
    let is_final = output.resting && output.state == OutputState::Failed;
    is_final.then(|| why_output(output))
}

fn why_source(source: &SourceStatus) -> String {
    let why = source.last_error.as_ref();
    why.or(source.connection_reason.as_ref())
        .map_or_else(|| "the connection ended".to_owned(), Clone::clone)
}

fn why_output(output: &OutputStatus) -> String {
    let why = output.last_error.as_ref();
    why.or(output.state_reason.as_ref())
        .map_or_else(|| "the connection ended".to_owned(), Clone::clone)
}

fn is_up(output: &OutputStatus) -> bool {
    let runs = match output.state {
        OutputState::Waiting | OutputState::Delivering => true,
        // Nothing gets across for now: a call in it stands, and UDP knows no more.
        OutputState::Failed => !output.resting,
        OutputState::Connecting | OutputState::Reconnecting | OutputState::Stopped => false,
    };
    runs && (output.kind != "srt" || output.readers > 0 || has_connection(output))
}

fn has_connection(output: &OutputStatus) -> bool {
    output
        .detail
        .get("srt")
        .is_some_and(|srt| srt["peer"].is_string())
}

/// Those who read from an output that is called.
fn readers_of(output: &OutputStatus) -> Option<&Vec<Value>> {
    output.detail.get("srt")?["readers"].as_array()
}

/// The SRT connections of an output: its readers, or its call.
fn receivers(output: &OutputStatus) -> Vec<&Value> {
    match readers_of(output) {
        Some(readers) => readers.iter().collect(),
        None => output.detail.get("srt").into_iter().collect(),
    }
}

/// The longest latency among those who receive.
fn latency_of(output: &OutputStatus) -> Duration {
    let receivers = receivers(output);
    let millis = receivers
        .iter()
        .filter_map(|srt| srt["latency_ms"].as_f64());
    // Its field in the handshake has 16 bits of milliseconds.
    let millis = millis.fold(0.0, f64::max).min(f64::from(u16::MAX));
    Duration::from_secs_f64(millis / 1000.0)
}

/// The SRT connections of both ends.
fn samples(source: Option<&SourceStatus>, output: &OutputStatus) -> Vec<Sample> {
    let of_source = source.and_then(|source| source.details.get("srt"));
    let of_source = of_source.and_then(|srt| Sample::of(FROM, srt));
    let of_output = receivers(output);
    let of_output = of_output.into_iter().filter_map(|srt| Sample::of(TO, srt));
    of_source.into_iter().chain(of_output).collect()
}
