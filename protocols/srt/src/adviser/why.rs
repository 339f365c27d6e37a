use super::formula::Needs;
use super::window::Observed;
use tidegate_units::Duration;

/// An outage is longer than the usual burst by this much.
const OUTAGE_FACTOR: u32 = 4;

/// The figures behind an advice.
pub(super) fn sentences(observed: &Observed, needs: &Needs, now: Duration) -> Vec<String> {
    let mut sentences = vec![measured(observed), calculation(observed, needs, now)];
    if observed.loss > 0.0 && needs.rounds_for_loss >= needs.rounds {
        sentences.push(format!(
            "At this loss fewer than {} round trips would leave more than one packet in an hour \
             unrecovered",
            needs.rounds
        ));
    }
    if observed.unrecovered > 0 {
        sentences.push(format!(
            "In this time {} packets were lost for good; {} came, but too late",
            observed.unrecovered, observed.belated
        ));
    }
    if observed.longest_burst > observed.burst * OUTAGE_FACTOR {
        sentences.push(format!(
            "The longest outage, {}, was rare and is not covered",
            millis(observed.longest_burst)
        ));
    }
    sentences
}

/// "RTT 48 ms, 2.1 % loss in bursts of up to 9 ms, jitter 3 ms, over the last 10 min"
fn measured(observed: &Observed) -> String {
    let loss = if observed.loss > 0.0 {
        let (percent, burst) = (observed.loss * 100.0, millis(observed.burst));
        let digits = if percent < 0.1 { 3 } else { 1 };
        format!("{percent:.digits$} % loss in bursts of up to {burst}")
    } else {
        "no loss".to_owned()
    };
    let (rtt, jitter) = (millis(observed.rtt), millis(observed.jitter));
    let over = match observed.span.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    };
    format!("RTT {rtt}, {loss}, jitter {jitter}, over the last {over}")
}

/// "4 × RTT + burst + 3 × jitter + 10 ms = 214 ms; now 120 ms"
fn calculation(observed: &Observed, needs: &Needs, now: Duration) -> String {
    let now = millis(now);
    if needs.is_least {
        let least = millis(needs.latency);
        return format!("With so short a round trip {least} is the usual least; now {now}");
    }
    let burst = if observed.burst.is_zero() {
        ""
    } else {
        " + burst"
    };
    let (rounds, sum) = (needs.rounds, millis(needs.latency));
    format!("{rounds} × RTT{burst} + 3 × jitter + 10 ms = {sum}; now {now}")
}

/// Whole milliseconds, or one digit where they are few.
fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    let digits = usize::from(millis < 10.0 && millis.fract() > 0.0);
    format!("{millis:.digits$} ms")
}
