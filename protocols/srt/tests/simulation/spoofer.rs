//! Somebody who writes the peer's address on his datagrams: what he lacks keeps him out.
//!
//! ```text
//!  lacks                     knows                                    what he gets
//!  the peer's address        everything else, socket IDs included     nothing (attack.rs)
//!  the socket IDs            addresses, sequence numbers, time        nothing
//!  the passphrase            everything, and hears every datagram     no media in, no key
//!                                                                     changed, nothing clear
//! ```
//! Control packets carry no proof in SRT. Who lacks the passphrase alone can still end a session
//! with a SHUTDOWN, and delay or thin it out with ACKs, ACKACKs and DROPREQs.

use std::cell::RefCell;
use std::rc::Rc;

use crate::support::packets::{
    self, ACK, ACKACK, DROPREQ, Handshake, KEEPALIVE, KMREQ, KMRSP, NAK, SHUTDOWN,
};
use crate::support::pair::{caller_address, listener_address};
use crate::support::{MS, Pair, SECOND, Scenario, Side};
use tidegate_netsim::{Chance, Datagram, LinkConfig, Probability};
use tidegate_srt::{CipherMode, KeyLength, KeyRefresh, SessionKeys};

/// Guesses of a socket ID, each with every packet there is.
const GUESSES_PER_STEP: u64 = 40;
const STEPS: u32 = 80;
/// What libsrt's `SRT_KM_STATE` has: no secret, bad secret, bad crypto mode.
const REFUSALS: [u32; 3] = [3, 4, 5];
/// The key a data packet names: none, even, odd.
const KEY_FLAGS: [u32; 3] = [0, 1 << 27, 2 << 27];

/// Everything at its time, nothing repeated.
fn assert_untouched(pair: &Pair, latency_millis: u32) {
    let alive = pair.alive(Side::Caller) && pair.alive(Side::Listener);
    assert!(alive, "{:#?}", pair.events());
    pair.assert_everything_arrived_from(Side::Caller);
    let longest = pair.inbox(Side::Listener).longest_delay;
    let longest = longest.expect("something was delivered");
    // The way itself takes 20 ms.
    assert!(longest <= (latency_millis + 22) * MS, "{longest:?}");
}

#[test]
fn a_spoofer_who_does_not_know_the_socket_ids_cannot_touch_a_session() {
    let mut pair = Scenario::new(84).latency(200 * MS).connect();
    let data = pair.watch_last_data(Side::Caller);
    pair.publish(Side::Caller, 4.0, 5 * SECOND);
    let mut chance = Chance::new(84);
    for _ in 0..STEPS {
        pair.world.run_for(50 * MS);
        let (sequence, timestamp, _) = data.borrow().expect("media flows");
        for _ in 0..GUESSES_PER_STEP {
            let guess = 1 + chance.below(0x3FFF_FFFE) as u32;
            let ack = [sequence + 100, 1, 1, 0, 0, 0, 0];
            for forged in [
                packets::control(SHUTDOWN, 0, timestamp, guess, &[0]),
                packets::control(ACK, 1, timestamp, guess, &ack),
                packets::control(NAK, 0, timestamp, guess, &[sequence]),
                packets::control(DROPREQ, 0, timestamp, guess, &[sequence, sequence + 50]),
                packets::control(ACKACK, 1, timestamp, guess, &[0]),
                packets::data(sequence + 1, 1, timestamp, guess, &[0x47; 1316]),
            ] {
                inject_both_ways(&mut pair, &forged);
            }
        }
        // Nobody in particular is asked for a connection, with a cookie he has to guess.
        let cookie = chance.below(1 << 32) as u32;
        inject_both_ways(&mut pair, &Handshake::induction(77).packet());
        inject_both_ways(&mut pair, &Handshake::conclusion(77, cookie).packet());
    }
    pair.world.run_for(3 * SECOND);
    assert_untouched(&pair, 200);
    assert_eq!(pair.wire(Side::Caller).retransmissions, 0);
    for side in [Side::Caller, Side::Listener] {
        assert_eq!(pair.node(side).endpoint.connection_count(), 1);
    }
}

fn inject_both_ways(pair: &mut Pair, bytes: &[u8]) {
    let (caller, listener) = (caller_address(), listener_address());
    pair.world.inject(caller, listener, bytes);
    pair.world.inject(listener, caller, bytes);
}

/// What the one without the passphrase has heard.
#[derive(Default)]
struct Heard {
    /// The newest data packet, and the newest conclusion and key announcement, of each side.
    data: Option<Datagram>,
    conclusions: Vec<Datagram>,
    announcements: Vec<Datagram>,
    /// Data packets in the clear.
    clear: u32,
}

fn listen_in(pair: &mut Pair) -> Rc<RefCell<Heard>> {
    let heard: Rc<RefCell<Heard>> = Rc::default();
    let noted = Rc::clone(&heard);
    pair.world.watch(move |datagram| {
        let mut heard = noted.borrow_mut();
        let bytes = &datagram.bytes;
        if packets::is_data(bytes) {
            heard.clear += u32::from(packets::word(bytes, 1).unwrap_or(0) >> 27 & 3 == 0);
            heard.data = Some(datagram.clone());
        }
        if packets::handshake_request(bytes) == Some(packets::CONCLUSION) {
            heard.conclusions.push(datagram.clone());
        }
        if packets::word(bytes, 0) == Some(packets::EXTENSION | u32::from(KMREQ)) {
            heard.announcements.push(datagram.clone());
        }
    });
    heard
}

fn word(datagram: &Datagram, n: usize) -> u32 {
    packets::word(&datagram.bytes, n).expect("the packet is whole")
}

/// Key material that opens to another passphrase, or to none.
fn foreign_key_material(mode: CipherMode, announced: Option<&Datagram>) -> Vec<Vec<u8>> {
    let mut random = rand_core::SeedableRng::from_seed([9; 32]);
    let random: &mut rand_chacha::ChaCha20Rng = &mut random;
    let keys = SessionKeys::generate(b"another-passphrase", KeyLength::Aes128, mode, random);
    let mut material = vec![keys.expect("a valid passphrase").message().to_vec()];
    material.extend(announced.map(|datagram| {
        // The true salt, so that it is looked at, and a key that he has made up.
        let mut body = datagram.bytes[16..].to_vec();
        let end = body.len();
        body[end - 5..].fill(0x55);
        body
    }));
    material
}

/// Everything that might get media in, change a key, or make a session less secret.
fn forgeries(mode: CipherMode, heard: &Heard, is_proof: bool) -> Vec<Datagram> {
    let data = heard.data.clone().expect("media flows");
    let [sequence, timestamp, socket] = [0, 2, 3].map(|n| word(&data, n));
    let mut to_receiver = Vec::new();
    for ahead in [1, 2, 40] {
        for key in KEY_FLAGS {
            // In counter mode nobody can tell a made-up packet from a true one.
            if key == 0 || is_proof {
                let message = (1 + ahead) | key;
                let payload = [0x47; 1316];
                let at = sequence + ahead;
                to_receiver.push(packets::data(at, message, timestamp, socket, &payload));
            }
        }
    }
    let announced = heard.announcements.last();
    for body in foreign_key_material(mode, announced) {
        to_receiver.push(packets::extension(KMREQ, timestamp, socket, &body));
    }
    to_receiver.push(packets::control(
        KEEPALIVE,
        0,
        timestamp ^ 1 << 30,
        socket,
        &[0],
    ));
    let (from, to) = (data.from, data.to);
    let mut all: Vec<Datagram> = to_receiver
        .into_iter()
        .map(|bytes| Datagram { from, to, bytes })
        .collect();
    // An answer to the announced key, where the sender listens for it.
    if let Some(conclusion) = heard
        .conclusions
        .iter()
        .find(|datagram| datagram.from == from)
    {
        let sender_socket = word(conclusion, 10);
        let answers = REFUSALS.map(|state| state.to_be_bytes().to_vec());
        for body in answers.iter().chain(&foreign_key_material(mode, announced)) {
            let bytes = packets::extension(KMRSP, timestamp, sender_socket, body);
            let (from, to) = (to, from);
            all.push(Datagram { from, to, bytes });
        }
        all.extend(clear_conclusions(conclusion));
    }
    all
}

/// The caller's own conclusion without its key material, as a repetition and as a call of its own.
fn clear_conclusions(true_one: &Datagram) -> Vec<Datagram> {
    let field = |n| word(true_one, n);
    let repeated = Handshake {
        initial_sequence: field(6),
        ..Handshake::conclusion(field(10), field(11))
    };
    let another = Handshake::conclusion(field(10) ^ 0x100, field(11));
    [repeated, another]
        .map(|handshake| Datagram {
            bytes: handshake.packet(),
            ..true_one.clone()
        })
        .to_vec()
}

/// He hears every datagram and can send from either address; the keys change all the time.
fn without_the_passphrase(seed: u64, mode: CipherMode) -> Pair {
    let link = LinkConfig::delayed(20 * MS).losing(Probability::percent(2.0));
    let mut scenario = Scenario::new(seed).link(link).latency(400 * MS);
    scenario.connection.key_refresh = KeyRefresh::new(200, 80);
    let scenario = scenario.cipher(mode).encrypted(KeyLength::Aes128);
    let mut pair = scenario.build();
    let heard = listen_in(&mut pair);
    pair.call();
    assert!(pair.await_connection(10 * SECOND));
    pair.publish(Side::Caller, 4.0, 6 * SECOND);
    pair.world.run_for(100 * MS);
    for _ in 0..500 {
        pair.world.run_for(10 * MS);
        for forged in forgeries(mode, &heard.borrow(), mode == CipherMode::Gcm) {
            pair.world.inject(forged.from, forged.to, &forged.bytes);
        }
    }
    pair.world.run_for(4 * SECOND);
    assert_eq!(heard.borrow().clear, 0, "media was sent in the clear");
    assert!(heard.borrow().announcements.len() >= 8, "keys changed");
    for side in [Side::Caller, Side::Listener] {
        assert_eq!(pair.node(side).endpoint.connection_count(), 1);
    }
    pair
}

#[test]
fn without_the_passphrase_no_media_gets_in_and_no_key_changes_in_galois_mode() {
    let mut pair = without_the_passphrase(85, CipherMode::Gcm);
    assert_untouched(&pair, 400);
    let received = pair.statistics(Side::Listener).total;
    assert!(received.packets_undecrypted > 500, "{received:?}");
    assert!(received.packets_clear_refused > 500, "{received:?}");
}

#[test]
fn without_the_passphrase_a_session_cannot_be_made_clear_in_counter_mode() {
    let mut pair = without_the_passphrase(86, CipherMode::Ctr);
    assert_untouched(&pair, 400);
    let received = pair.statistics(Side::Listener).total;
    assert!(received.packets_clear_refused > 500, "{received:?}");
    assert_eq!(received.packets_undecrypted, 0);
}
