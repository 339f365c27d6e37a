//! What a stranger writes on a connection to our RTSP server, in pieces; everything it asks for
//! is granted or refused by turns. The first byte says how long the pieces are.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use tidegate_rtsp::{
    Access, Ask, Connection, Description, MESSAGE_BYTES_MAX, Nonces, RtpInfo, SetUp,
};

fuzz_target!(|input: &[u8]| {
    let [step, stream @ ..] = input else {
        return;
    };
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut connection = Connection::new(peer, Nonces::new([1; 16]));
    let description = Description::new("fuzz", 1, peer, &[]);
    let mut turns = 0_u64;
    for piece in stream.chunks(usize::from(*step).max(1)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = connection.receive(rest);
            rest = &rest[taken..];
            loop {
                match connection.next_ask() {
                    Ok(Some(ask)) => answer(&mut connection, ask, turns, &description),
                    Ok(None) => break,
                    Err(_) => return,
                }
                turns += 1;
                assert!(turns <= input.len() as u64 + 8, "asks out of nothing");
            }
            if connection.is_over() {
                return;
            }
        }
    }
    let said = connection.take_output();
    assert!(said.len() <= (input.len() + 1) * 2 * MESSAGE_BYTES_MAX);
});

fn answer(connection: &mut Connection, ask: Ask, turn: u64, description: &Description) {
    match ask {
        Ask::Access { .. } => {
            let access = match turn % 4 {
                0 => Access::Open,
                1 => Access::Password {
                    username: "alice",
                    password: "wonderland",
                },
                2 => Access::NotFromThere,
                _ => Access::Unknown,
            };
            if let Some(ask) = connection.access(access, turn) {
                answer(connection, ask, turn, description);
            }
        }
        Ask::Describe { .. } => connection.described(Some(description)),
        Ask::SetUp { .. } => connection.set_up(SetUp::Agreed {
            server_ports: None,
            ssrc: 1,
            session: 2,
        }),
        Ask::Play => connection.played(Some(&[RtpInfo {
            medium: 0,
            sequence: 1,
            timestamp: 2,
        }])),
        Ask::TearDown | Ask::Denied { .. } => {}
    }
}
