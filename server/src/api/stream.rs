//! The live stream: the state once a second, events as they happen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::MissedTickBehavior;

use super::problem::Problem;
use super::views::{StateMessage, state};
use super::{App, Shared};
use crate::events::Recorded;

/// How often the state is sent.
const STATE_INTERVAL: Duration = Duration::from_secs(1);
/// A comment this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Makes the state once a second, for every client of the stream, until the program stops.
pub async fn publish_state(app: Arc<App>) {
    let mut ticks = tokio::time::interval(STATE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stop.cancelled() => return,
        }
        if app.state.receiver_count() > 0 {
            app.state.send_replace(current(&app));
        }
    }
}

fn current(app: &App) -> Arc<str> {
    let mut state = state(app);
    let sources = state.sources.iter_mut();
    let of_sources = sources.filter_map(|source| source.srt.as_mut());
    let outputs = state.outputs.iter_mut();
    let of_outputs = outputs.filter_map(|output| output.detail.get_mut("srt"));
    of_sources.chain(of_outputs).for_each(only_figures);
    serde_json::to_string(&state).unwrap_or_default().into()
}

/// Of everything that is counted, what the stream carries.
const COUNTERS_SHOWN: [&str; 3] = [
    "filter_packets_lost",
    "filter_packets_rebuilt",
    "key_refreshes",
];

/// Leaves out the full statistics of connections, legs and readers, which fill kilobytes each:
/// who wants those asks for the source or output.
fn only_figures(shown: &mut Value) {
    match shown {
        Value::Object(fields) => {
            let full = |name: &str, value: &Value| {
                value.is_object() && matches!(name, "interval" | "instant")
            };
            fields.retain(|name, value| !full(name, value));
            if let Some(Value::Object(total)) = fields.get_mut("total") {
                total.retain(|name, _| COUNTERS_SHOWN.contains(&name.as_str()));
            }
            fields.values_mut().for_each(only_figures);
        }
        Value::Array(several) => several.iter_mut().for_each(only_figures),
        _ => {}
    }
}

/// How often it is asked whether the client may still look: a login can end meanwhile.
const IDENTIFY_INTERVAL: Duration = Duration::from_secs(5);

/// What one client has been sent so far.
struct Client {
    app: Shared,
    /// What it identified itself with.
    headers: HeaderMap,
    identified: Instant,
    /// The state to send at once, before the first tick.
    first: Option<Arc<str>>,
    states: watch::Receiver<Arc<str>>,
    events: broadcast::Receiver<Arc<Recorded>>,
}

/// The live stream (Server-Sent Events): `state` at once and every second, `event` for each
/// event as it happens.
#[utoipa::path(get, path = "/api/v1/stream", tag = "journal",
    responses((status = 200, body = StateMessage, content_type = "text/event-stream"),
        (status = 401, body = Problem)))]
pub(super) async fn stream(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut states = app.state.subscribe();
    states.mark_unchanged();
    let client = Client {
        first: Some(current(&app)),
        states,
        events: app.journal.subscribe(),
        headers,
        identified: Instant::now(),
        app,
    };
    Sse::new(unfold(client, |mut client| async {
        let event = client.next().await?;
        Some((Ok(event), client))
    }))
    .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

impl Client {
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(state_event(&first));
        }
        loop {
            tokio::select! {
                changed = self.states.changed() => {
                    changed.ok()?;
                    if !self.may_still_look().await {
                        return None;
                    }
                    return Some(state_event(&self.states.borrow_and_update()));
                }
                recorded = self.events.recv() => match recorded {
                    Ok(recorded) => return Some(journal_event(&recorded)),
                    // What was missed is in the journal; the next event's number shows it.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                () = self.app.stop.cancelled() => return None,
            }
        }
    }
}

impl Client {
    async fn may_still_look(&mut self) -> bool {
        if self.identified.elapsed() < IDENTIFY_INTERVAL {
            return true;
        }
        self.identified = Instant::now();
        let identity = self.app.access.identify(&Method::GET, &self.headers).await;
        // A store that fails for a moment ends no stream.
        !matches!(identity, Ok(None))
    }
}

fn state_event(json: &Arc<str>) -> Event {
    Event::default().event("state").data(json)
}

fn journal_event(recorded: &Recorded) -> Event {
    let json = serde_json::to_string(recorded).unwrap_or_default();
    Event::default()
        .event("event")
        .id(recorded.id.to_string())
        .data(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_stream_carries_what_screens_show_and_not_the_full_lists() {
        let lists = || {
            json!({
                "rtt_ms": 1.0,
                "total": { "key_refreshes": 2, "packets_sent": 9 },
                "interval": { "packets_sent": 1 },
                "instant": { "rtt_ms": 1.0 },
            })
        };
        let short = json!({ "rtt_ms": 1.0, "total": { "key_refreshes": 2 } });
        let mut shown = lists();
        shown["advice"] = json!({ "latency_ms": 210.0, "why": ["RTT 48 ms"] });
        shown["caller"] = json!({ "user": "alice", "keys": { "interval": "7" } });
        shown["standby"] = lists();
        shown["legs"] = json!([lists(), lists()]);
        let mut expected = short.clone();
        expected["advice"] = shown["advice"].clone();
        expected["caller"] = shown["caller"].clone();
        expected["standby"] = short.clone();
        expected["legs"] = json!([short, short]);
        only_figures(&mut shown);
        assert_eq!(shown, expected);
    }
}
