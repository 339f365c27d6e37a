//! Two inputs that carry the same stream, without RTP headers: whichever is cut, viewers miss
//! nothing and see nothing twice.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Station;
use crate::publisher::{CHUNK_BYTES, Clip, SECONDS};

/// Sends a programme to two ports, either of which can be cut off.
struct Tee {
    cut: Arc<[AtomicBool; 2]>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tee {
    fn start(ports: [u16; 2], clip: &Clip) -> Self {
        let (cut, stop) = (
            Arc::<[AtomicBool; 2]>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (cuts, stops, clip) = (Arc::clone(&cut), Arc::clone(&stop), clip.clone());
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
            let (began, all) = (Instant::now(), clip.bytes().len() as f64);
            for (index, chunk) in clip.bytes().chunks(CHUNK_BYTES).enumerate() {
                let at = (index * CHUNK_BYTES) as f64 / all * f64::from(SECONDS);
                thread::sleep(Duration::from_secs_f64(at).saturating_sub(began.elapsed()));
                if stops.load(Ordering::Acquire) {
                    return;
                }
                for (port, cut) in ports.iter().zip(&*cuts) {
                    if !cut.load(Ordering::Acquire) {
                        // Nobody may listen yet.
                        let _ = socket.send_to(chunk, ("127.0.0.1", *port));
                    }
                }
            }
        });
        Self {
            cut,
            stop,
            thread: Some(thread),
        }
    }

    fn cut(&self, input: usize, is_cut: bool) {
        self.cut[input].store(is_cut, Ordering::Release);
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Pictures and sound: all but tables and what only fills.
pub(crate) fn media(packets: &[u8]) -> Vec<[u8; 188]> {
    let packets = packets.as_chunks::<188>().0.iter().copied();
    let is_media = |packet: &[u8; 188]| [0x100, 0x101].contains(&pid(packet));
    packets.filter(is_media).collect()
}

const fn pid(packet: &[u8; 188]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF
}

#[test]
fn either_of_two_legs_is_cut_again_and_again_and_no_packet_is_lost_or_doubled() {
    let station = Station::start("delay: 200ms");
    let clip = Clip::make("testsrc2=s=320x180:r=25", 0);
    let tee = Tee::start(station.ports, &clip);
    station.becomes("both are one", |switch| {
        let inputs = &switch["inputs"];
        switch["active"] == "main"
            && inputs[0]["twin_of"] == "backup"
            && inputs[1]["twin_of"] == "main"
            && switch["standby"][0]["ready"] == true
    });
    station.viewer.keep();
    for turn in 0..6 {
        tee.cut(turn % 2, true);
        station.viewer.sees(700);
        tee.cut(turn % 2, false);
        station.viewer.sees(500);
    }
    let seen = station.viewer.seen();
    let (sent, came) = (media(clip.bytes()), media(&seen.kept));
    let at = sent.windows(64).position(|some| *some == came[..64]);
    let sent = &sent[at.expect("what came was sent")..];
    let differs = came.iter().zip(sent).position(|(came, sent)| came != sent);
    assert_eq!(differs, None, "of {}", came.len());
    assert!(came.len() > 2000, "{}", came.len());
    assert_eq!(seen.counter_errors, 0);
}
