//! A switch as its users meet it: publishers that come and go, and a program that goes on.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod audience;
mod broken;
mod browser;
mod chain;
mod commands;
mod formats;
mod legs;
mod measured;
mod obs;
mod page;
mod players;
mod publisher;
mod slate;
mod sound;
mod srt;
mod statistics;
mod theatre;
mod twins;
mod viewer;

use publisher::{Clip, Publisher};
use serde_json::Value;
use tidegate_testkit::{Tidegate, TidegateBuilder, free_udp_port};
use viewer::Viewer;

/// Two publishers, their switch, and a viewer of it.
struct Station {
    tidegate: Tidegate,
    ports: [u16; 2],
    viewer: Viewer,
}

impl Station {
    #[track_caller]
    fn start(settings: &str) -> Self {
        Self::started(settings, |builder| builder)
    }

    #[track_caller]
    fn started(settings: &str, how: impl FnOnce(TidegateBuilder) -> TidegateBuilder) -> Self {
        let (ports, viewer) = ([free_udp_port(), free_udp_port()], Viewer::start());
        let config = format!(
            "sources:\n\
             - {{ name: main, udp: {{ from: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: backup, udp: {{ from: \"127.0.0.1:{}\" }} }}\n\
             - {{ name: program, switch: {{ inputs: [main, backup], {settings} }} }}\n\
             outputs:\n\
             - {{ name: out, source: program, udp: {{ to: \"127.0.0.1:{}\" }} }}\n",
            ports[0],
            ports[1],
            viewer.port(),
        );
        let builder = Tidegate::with(env!("CARGO_BIN_EXE_tidegate"), &config);
        Self {
            tidegate: how(builder).start(),
            ports,
            viewer,
        }
    }

    fn publish(&self, input: usize, clip: &Clip) -> Publisher {
        Publisher::start(self.ports[input], clip)
    }

    #[track_caller]
    fn becomes(&self, what: &str, want: impl Fn(&Value) -> bool) -> Value {
        let is_so = |view: &Value| want(&view["switch"]);
        self.tidegate.source_becomes("program", what, is_so)["switch"].take()
    }

    /// Publishes to both inputs, and waits until the first is on air and the other one ready.
    #[track_caller]
    fn both(&self, main: &Clip, backup: &Clip) -> (Publisher, Publisher, Value) {
        let main = self.publish(0, main);
        self.becomes("main on air", |switch| switch["active"] == "main");
        let backup = self.publish(1, backup);
        let switch = self.becomes("backup ready", |switch| {
            switch["active"] == "main" && switch["standby"][0]["ready"] == true
        });
        (main, backup, switch)
    }

    #[track_caller]
    fn post(&self, command: &str, body: &Value) -> tidegate_testkit::Answer {
        let path = format!("/api/v1/sources/program/{command}");
        self.tidegate.http().post(&path, body)
    }

    #[track_caller]
    fn events(&self, kind: &str) -> Vec<Value> {
        let path = format!("/api/v1/events?kind={kind}");
        let events = self.tidegate.http().get(&path).json();
        let list = events.as_array().or_else(|| events["events"].as_array());
        list.cloned().unwrap_or_default()
    }
}
