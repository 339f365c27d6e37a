//! The load generator: publishers and readers on one thread, or very many publishers on several.

mod arrivals;
mod bursts;
mod client;
mod crew;
mod generator;
mod outcome;
mod schedule;

pub(crate) use outcome::{Outcome, Spread};
pub(crate) use schedule::Spacing;

use crate::impairment::Conditions;
use clap::Args;
use crew::Crew;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// Traffic before the measurement begins, so that buffers are full.
const WARM_UP: Duration = Duration::from_secs(3);
/// The same for clients that are silent: servers take a while to treat them so.
const SILENT_WARM_UP: Duration = Duration::from_secs(15);
/// Traffic after it, so that what was sent last has arrived and system calls can be counted.
const COOL_DOWN: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(crate) struct Options {
    /// Where publishers call, one address per publisher, or one for all.
    #[arg(long, value_delimiter = ',')]
    pub(crate) publish_to: Vec<SocketAddr>,
    /// Publishers.
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
    /// Where readers call.
    #[arg(long)]
    pub(crate) read_from: Option<SocketAddr>,
    /// Readers, all of the first publisher's stream.
    #[arg(long, default_value_t = 0)]
    pub(crate) readers: usize,
    /// Stream ID of publishers; `{}` becomes the publisher's number.
    #[arg(long, default_value = "live/{}")]
    pub(crate) publish_id: String,
    /// Stream ID of readers.
    #[arg(long, default_value = "out")]
    pub(crate) read_id: String,
    /// Publishers encrypt with AES-128 and this passphrase.
    #[arg(long)]
    pub(crate) publish_passphrase: Option<String>,
    /// Readers ask for AES-128 with this passphrase.
    #[arg(long)]
    pub(crate) read_passphrase: Option<String>,
    /// Speak plain UDP with the floor, not SRT.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Plain readers answer every 10 ms, as SRT readers do.
    #[arg(long, requires = "plain")]
    pub(crate) answers: bool,
    /// Payload rate of each publisher, bit/s; 0: connected, and silent.
    #[arg(long, default_value_t = 6_000_000)]
    pub(crate) rate_bps: u64,
    /// How each publisher's packets are spread over time.
    #[arg(long, value_enum, default_value_t = Spacing::Evenly)]
    pub(crate) spacing: Spacing,
    /// The latency that is asked for.
    #[arg(long, default_value_t = 120)]
    pub(crate) latency_ms: u64,
    /// Datagrams lost at each client's socket, each way.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) loss_percent: f64,
    /// How long datagrams are under way at each client's socket, each way.
    #[arg(long, default_value_t = 0)]
    pub(crate) delay_ms: u64,
    /// What decides which datagrams are lost.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long to measure.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
}

impl Options {
    const fn warm_up(&self) -> Duration {
        if self.rate_bps == 0 {
            SILENT_WARM_UP
        } else {
            WARM_UP
        }
    }

    fn conditions(&self) -> Conditions {
        Conditions {
            loss_percent: self.loss_percent,
            delay: Duration::from_millis(self.delay_ms),
            seed: self.seed,
        }
    }
}

/// Connects, warms up, and measures. The lines `measuring` and `measured` tell whoever
/// started this when, and the last line is the [`Outcome`].
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut crew = Crew::connect(options)?;
    say("connected")?;
    crew.go_on_for(options.warm_up())?;
    say("measuring")?;
    crew.begin();
    crew.go_on_for(Duration::from_secs(options.seconds))?;
    crew.end();
    say("measured")?;
    crew.go_on_for(COOL_DOWN)?;
    say(&serde_json::to_string(&crew.outcome())?)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
