//! One system call for each datagram that comes, and one for each that goes.

use super::members::{Members, Verdict};
use super::sys::{self, Name};
use std::net::UdpSocket;
use std::time::Duration;

/// Longer than any datagram that is sent here.
const DATAGRAM_BYTES: usize = 2048;

pub(crate) fn relay(
    socket: &UdpSocket,
    mut members: Members,
    gather: Duration,
) -> anyhow::Result<()> {
    let mut buffer = [0; DATAGRAM_BYTES];
    let mut from = Name::EMPTY;
    loop {
        // Without a gathering time the next call waits anyway, so nothing is asked twice.
        let mut waits = true;
        while let Some(bytes) = sys::receive_one(socket, &mut buffer, &mut from, waits)? {
            let datagram = &buffer[..bytes];
            match members.take(&from, datagram, 1) {
                Verdict::Forward => {
                    for reader in members.readers() {
                        sys::send_one(socket, datagram, reader)?;
                    }
                }
                Verdict::Welcome(answer) => sys::send_one(socket, &answer, &from)?,
                Verdict::Done => {}
            }
            for (publisher, answer) in members.answers() {
                sys::send_one(socket, &answer, &publisher)?;
            }
            waits = gather.is_zero();
        }
        std::thread::sleep(gather);
    }
}
