use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_rtmp::Value as Amf;

use super::door::Publisher;
use super::stamps::Jumps;

/// Numbers of `onMetaData` that are shown, if the encoder names them.
const NUMBERS: [&str; 8] = [
    "width",
    "height",
    "framerate",
    "videodatarate",
    "audiodatarate",
    "audiosamplerate",
    "audiosamplesize",
    "audiochannels",
];
/// Characters of a text that are shown.
const TEXT_MAX: usize = 100;

/// What a source's status shows of its publisher.
pub(super) struct Shown {
    app: String,
    program: Option<String>,
    tls: Option<&'static str>,
    /// FourCCs the encoder said it can send; absent without enhanced RTMP.
    four_ccs: Option<Vec<String>>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    rtt: Option<Duration>,
    received_bytes: u64,
    messages: u64,
    ignored: u64,
    unusable: u64,
    problem: Option<String>,
    audio: Jumps,
    video: Jumps,
    encoder: Option<String>,
    metadata: Map<String, Value>,
}

impl Shown {
    pub(super) fn new(publisher: &Publisher) -> Self {
        let enhanced = publisher.enhanced.as_ref();
        Self {
            app: short(&publisher.app),
            program: publisher.program.as_deref().map(short),
            tls: publisher.tls,
            four_ccs: enhanced.map(|enhanced| {
                let four_ccs = enhanced.four_ccs.iter().take(32);
                four_ccs.map(|four_cc| short(four_cc)).collect()
            }),
            now: Mutex::default(),
        }
    }

    /// Remembers what the encoder says of itself; what it sends counts, not this.
    pub(super) fn metadata(&self, metadata: &Amf) {
        let mut now = self.now();
        let encoder = metadata.get("encoder").and_then(Amf::as_str);
        if let Some(encoder) = encoder {
            now.encoder = Some(short(encoder));
        }
        for name in NUMBERS {
            let number = metadata.get(name).and_then(Amf::as_number);
            if let Some(number) = number.filter(|number| number.is_finite()) {
                now.metadata.insert(name.to_owned(), json!(number));
            }
        }
    }

    /// A message that could not be used.
    pub(super) fn unusable(&self, problem: &str) {
        let mut now = self.now();
        now.unusable += 1;
        now.problem = Some(problem.to_owned());
    }

    pub(super) fn count(
        &self,
        byte_count: u64,
        messages: u64,
        ignored: u64,
        (audio, video): (Jumps, Jumps),
    ) {
        let mut now = self.now();
        now.received_bytes += byte_count;
        (now.messages, now.ignored) = (messages, ignored);
        (now.audio, now.video) = (audio, video);
    }

    pub(super) fn round_trip(&self, rtt: Option<Duration>) {
        self.now().rtt = rtt;
    }

    pub(super) fn describe(&self) -> Value {
        let now = self.now();
        json!({
            "app": self.app,
            "program": self.program,
            "encoder": now.encoder,
            "tls": self.tls,
            "enhanced": self.four_ccs,
            "metadata": now.metadata,
            "rtt_ms": now.rtt.map(|rtt| rtt.as_micros() as f64 / 1000.0),
            "received_bytes": now.received_bytes,
            "messages": now.messages,
            "messages_ignored": now.ignored,
            "messages_unusable": now.unusable,
            "problem": now.problem,
            "timestamp_jumps": {
                "forward": now.audio.forward + now.video.forward,
                "backward": now.audio.backward + now.video.backward,
            },
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn short(text: &str) -> String {
    let printable = text.chars().filter(|letter| !letter.is_control());
    printable.take(TEXT_MAX).collect()
}
