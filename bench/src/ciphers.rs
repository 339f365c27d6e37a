//! What encryption costs: sealing and opening one packet after the other, on one thread.

use crate::payload::PAYLOAD_BYTES;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use std::time::{Duration, Instant};
use tidegate_srt::crypto::ConnectionCrypto;
use tidegate_srt::wire::{DataHeader, DataKey, Timestamp};
use tidegate_srt::{
    CipherMode, KeyLength, KeyRefresh, MessageNumber, SequenceNumber, SessionKeys, SocketId,
};

/// Short, so that some of many rounds run without being interrupted on a busy machine.
const PACKETS_PER_ROUND: u32 = 200;
const TAG_BYTES_MAX: usize = 16;
const PASSPHRASE: &[u8] = b"correct-horse-battery";

const ROUNDS: u32 = 5000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of each cipher; the fastest one counts.
    #[arg(long, default_value_t = ROUNDS)]
    rounds: u32,
}

impl Options {
    /// What is measured where nothing else is asked for.
    pub(crate) const fn usual() -> Self {
        Self { rounds: ROUNDS }
    }
}

/// Time of one packet, the best of many rounds.
struct Cost {
    seal: Duration,
    open: Duration,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    println!(
        "\n| cipher | seal, ns/packet | open, ns/packet | seal, CPU s/Gbit | open, CPU s/Gbit |"
    );
    println!("|---|---|---|---|---|");
    for (name, mode, length) in [
        ("AES-128-CTR", CipherMode::Ctr, KeyLength::Aes128),
        ("AES-256-CTR", CipherMode::Ctr, KeyLength::Aes256),
        ("AES-128-GCM", CipherMode::Gcm, KeyLength::Aes128),
        ("AES-256-GCM", CipherMode::Gcm, KeyLength::Aes256),
    ] {
        let cost = measure(mode, length, options.rounds)?;
        let nanos = |time: Duration| time.as_secs_f64() * 1e9;
        let per_gbit = |time: Duration| time.as_secs_f64() * 1e9 / (PAYLOAD_BYTES as f64 * 8.0);
        println!(
            "| {name} | {:.0} | {:.0} | {:.3} | {:.3} |",
            nanos(cost.seal),
            nanos(cost.open),
            per_gbit(cost.seal),
            per_gbit(cost.open),
        );
    }
    Ok(())
}

fn measure(mode: CipherMode, length: KeyLength, rounds: u32) -> anyhow::Result<Cost> {
    let mut random = ChaCha20Rng::from_seed([7; 32]);
    let keys = SessionKeys::generate(PASSPHRASE, length, mode, &mut random)?;
    let mut sender = ConnectionCrypto::new(keys.clone(), KeyRefresh::default());
    let mut receiver = ConnectionCrypto::new(keys, KeyRefresh::default());
    let plain = vec![0x47; PAYLOAD_BYTES];
    let mut sealed = vec![[0; PAYLOAD_BYTES + TAG_BYTES_MAX]; PACKETS_PER_ROUND as usize];
    let mut opened = vec![0; PAYLOAD_BYTES];
    let mut key = DataKey::Clear;
    let secret_bytes = PAYLOAD_BYTES + mode.tag_bytes();
    let mut best = Cost {
        seal: Duration::MAX,
        open: Duration::MAX,
    };
    for round in 0..rounds {
        let header = |packet: usize| header(round * PACKETS_PER_ROUND + packet as u32);
        let started = Instant::now();
        for (packet, secret) in sealed.iter_mut().enumerate() {
            let generation = sender.next_key()?;
            let mut header = header(packet);
            key = generation.data_key();
            header.key = key;
            sender.seal(generation, &header, &plain, &mut secret[..secret_bytes])?;
        }
        best.seal = best.seal.min(started.elapsed() / PACKETS_PER_ROUND);
        let started = Instant::now();
        for (packet, secret) in sealed.iter().enumerate() {
            let mut header = header(packet);
            header.key = key;
            receiver.open(&header, &secret[..secret_bytes], &mut opened)?;
        }
        best.open = best.open.min(started.elapsed() / PACKETS_PER_ROUND);
        anyhow::ensure!(opened == plain, "what was sealed does not open");
    }
    Ok(best)
}

const fn header(number: u32) -> DataHeader {
    DataHeader::live(
        SequenceNumber::new(number),
        MessageNumber::FIRST,
        Timestamp::new(number),
        SocketId::new(7),
    )
}
