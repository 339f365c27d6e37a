//! SRT connections: one side of a recorded conversation is played to a fresh endpoint.

mod machine;
mod tape;

use core::time::Duration;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tidegate_netsim::Probability;
use tidegate_srt::{CipherMode, KeyLength, SessionKeys};

use self::machine::{Machine, Role, Side};
use self::tape::{Talk, Tape};
use crate::path::{HotPath, Stage};

/// Between two packets of 1316 bytes at 6 Mbit/s.
const EVEN: Duration = Duration::from_micros(1755);
/// Packets that 6 Mbit/s make in ten milliseconds, and the time they make.
const BURST_PACKETS: usize = 6;
const BURST: Duration = Duration::from_micros(6 * 1755);
const LENGTH: Duration = Duration::from_secs(4);
const IDLE_CONNECTIONS: usize = 1000;

pub(crate) fn paths() -> Vec<HotPath> {
    const fn packets(name: &'static str, prepare: fn() -> Stage) -> HotPath {
        let unit = "packet";
        HotPath {
            name,
            unit,
            prepare,
        }
    }
    vec![
        packets("srt_receive", || receive(even(), None)),
        packets("srt_receive_bursts", || receive(bursts(), None)),
        packets("srt_receive_lossy", || receive(lossy(), None)),
        packets("srt_receive_aes_ctr", || {
            receive(even(), Some(CipherMode::Ctr))
        }),
        packets("srt_receive_aes_gcm", || {
            receive(even(), Some(CipherMode::Gcm))
        }),
        packets("srt_send", || send(even(), None)),
        packets("srt_send_bursts", || send(bursts(), None)),
        packets("srt_send_lossy", || send(lossy(), None)),
        packets("srt_send_aes_ctr", || send(even(), Some(CipherMode::Ctr))),
        HotPath {
            name: "srt_idle",
            unit: "connection and second",
            prepare: idle,
        },
    ]
}

fn even() -> Talk {
    Talk {
        burst: 1,
        interval: EVEN,
        loss: Probability::NEVER,
        length: LENGTH,
    }
}

fn bursts() -> Talk {
    Talk {
        burst: BURST_PACKETS,
        interval: BURST,
        ..even()
    }
}

fn lossy() -> Talk {
    Talk {
        loss: Probability::percent(1.0),
        ..even()
    }
}

fn receive(talk: Talk, cipher: Option<CipherMode>) -> Stage {
    stage(&talk, Side::Listener, cipher, 1)
}

fn send(talk: Talk, cipher: Option<CipherMode>) -> Stage {
    stage(&talk, Side::Caller, cipher, 1)
}

/// One second of a listener with connections that carry nothing.
fn idle() -> Stage {
    let nothing = Talk {
        burst: 0,
        length: Duration::from_secs(1),
        ..even()
    };
    let idle = stage(&nothing, Side::Listener, None, IDLE_CONNECTIONS);
    Stage {
        units: IDLE_CONNECTIONS as u64,
        ..idle
    }
}

/// Records a conversation; a run plays one side of it to a fresh endpoint.
fn stage(talk: &Talk, side: Side, cipher: Option<CipherMode>, connections: usize) -> Stage {
    let keys = cipher.map(|mode| {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        SessionKeys::generate(
            b"correct-horse-battery",
            KeyLength::Aes128,
            mode,
            &mut random,
        )
        .expect("a valid passphrase")
    });
    let role = move |side: Side| Role {
        side,
        keys: keys.clone(),
        connections,
    };
    let tape = Rc::new(talk.record(side, &role));
    let fresh = move || {
        let mut machine = Machine::new(role(side));
        for turn in &tape.before {
            machine.turn(turn, |_| ());
        }
        assert_eq!(machine.connections.len(), connections, "connections made");
        (machine, Rc::clone(&tape))
    };
    let units = {
        let (mut machine, tape) = fresh();
        let before = machine.payloads;
        play(&mut machine, &tape);
        machine.payloads - before
    };
    assert!(units > 0 || talk.burst == 0, "no payload passed");
    Stage {
        units,
        fresh: Box::new(move || {
            let (mut machine, tape) = fresh();
            Box::new(move || play(&mut machine, &tape))
        }),
    }
}

fn play(machine: &mut Machine, tape: &Tape) {
    for turn in &tape.counted {
        machine.turn(turn, |datagram| {
            core::hint::black_box(datagram);
        });
    }
}
