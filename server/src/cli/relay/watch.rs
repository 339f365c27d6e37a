use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use serde_json::Value;
use tidegate_engine::{Connection, Engine, OutputState, OutputStatus, SourceStatus};
use tokio_util::sync::CancellationToken;

use super::ends::{FROM, Input, Output, TO};
use super::statistics::{Reports, Sample};
use super::{RelayOptions, YesNo};
use crate::cli::say_wrong;
use crate::cli::serve::stop_signal;

/// How often it is looked how things are: as often as figures change.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// After the end of the input, what is on its way may take so long to be acknowledged …
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// … but when nothing more has got across for so long, nothing more will.
const DRAIN_QUIET: Duration = Duration::from_secs(1);

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
        })
    }

    /// Runs until the input ends, the time is over, or somebody says so.
    pub(super) async fn until_the_end(
        mut self,
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
            self.say_changes(&source, &output);
            self.report_if_due(&source, &output);
            if self.is_over(&source, &output)? {
                break;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Lets what has been sent get across; an error when nothing does.
    async fn drain(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut moved = (Instant::now(), 0);
        loop {
            let (Some(source), Some(output)) = (
                self.engine.source_status(FROM),
                self.engine.output_status(TO),
            ) else {
                return Ok(());
            };
            self.say_changes(&source, &output);
            self.report_if_due(&source, &output);
            if let Some(error) = failed_output(&output) {
                bail!("{}: {error}", self.to);
            }
            let is_moving = output.delivered_bytes != moved.1;
            if is_moving || !is_up(&output) {
                moved = (Instant::now(), output.delivered_bytes);
            }
            if moved.0.elapsed() >= DRAIN_QUIET {
                return Ok(());
            }
            if began.elapsed() >= DRAIN_MAX {
                let why = output.last_error.or(output.state_reason);
                bail!(
                    "{}: nothing got across: {}",
                    self.to,
                    why.unwrap_or_default()
                );
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Whether there is nothing left to do; an error when it was all in vain.
    fn is_over(&mut self, source: &SourceStatus, output: &OutputStatus) -> anyhow::Result<bool> {
        for (end, error) in [
            (self.from.to_string(), failed(source)),
            (self.to.to_string(), failed_output(output)),
        ] {
            if let Some(error) = error {
                bail!("{end}: {error}");
            }
        }
        let is_connected = source.connection == Connection::Connected && is_up(output);
        self.has_been_connected |= is_connected;
        if self.options.timeout > 0 && self.began.elapsed().as_secs() >= self.options.timeout {
            let only_until_connected = self.options.timeout_mode == 1;
            if !only_until_connected {
                return Ok(true);
            }
            if !self.has_been_connected {
                bail!("nobody was there within {} s", self.options.timeout);
            }
        }
        let must_stay = self.options.reconnect == YesNo::No;
        if must_stay && self.has_been_connected && !is_connected {
            return Ok(true);
        }
        if must_stay && let Some(error) = source.last_error.as_ref().or(output.last_error.as_ref())
        {
            bail!("{error}");
        }
        Ok(false)
    }

    fn say_changes(&mut self, source: &SourceStatus, output: &OutputStatus) {
        if self.options.quiet {
            return;
        }
        let from = describe(
            &format!("{:?}", source.connection).to_lowercase(),
            source.peer.as_deref(),
            source
                .last_error
                .as_deref()
                .or(source.connection_reason.as_deref()),
        );
        let to = describe(
            &format!("{:?}", output.state).to_lowercase(),
            None,
            output
                .last_error
                .as_deref()
                .or(output.state_reason.as_deref()),
        );
        let news = [
            format!("{}: {from}", self.from),
            format!("{}: {to}", self.to),
        ];
        for (news, said) in news.into_iter().zip(&mut self.said) {
            if *said != news {
                say_wrong(&news);
                *said = news;
            }
        }
    }

    fn report_if_due(&mut self, source: &SourceStatus, output: &OutputStatus) {
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
    let peer = peer.map_or_else(String::new, |peer| format!(" to {peer}"));
    match why {
        Some(why) if state != "connected" => format!("{state}{peer}, {why}"),
        _ => format!("{state}{peer}"),
    }
}

/// Why a source will not be tried again.
fn failed(source: &SourceStatus) -> Option<String> {
    let is_final = source.connection == Connection::Failed;
    is_final.then(|| source.last_error.clone().unwrap_or_default())
}

/// Why an output will not be tried again.
fn failed_output(output: &OutputStatus) -> Option<String> {
    let is_final = output.state == OutputState::Failed && output.reconnects == 0;
    is_final.then(|| output.last_error.clone().unwrap_or_default())
}

fn is_up(output: &OutputStatus) -> bool {
    matches!(output.state, OutputState::Waiting | OutputState::Delivering)
        && (output.kind != "srt" || output.readers > 0 || has_connection(output))
}

fn has_connection(output: &OutputStatus) -> bool {
    output
        .detail
        .get("srt")
        .is_some_and(|srt| srt["peer"].is_string())
}

/// The SRT connections of both ends.
fn samples(source: &SourceStatus, output: &OutputStatus) -> Vec<Sample> {
    let of_source = source.details.get("srt").into_iter();
    let of_output = output.detail.get("srt");
    let readers = of_output.and_then(|srt| srt["readers"].as_array());
    let of_output: Vec<&Value> = match readers {
        Some(readers) => readers.iter().collect(),
        None => of_output.into_iter().collect(),
    };
    of_source.chain(of_output).filter_map(Sample::of).collect()
}
