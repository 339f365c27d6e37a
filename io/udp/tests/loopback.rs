//! Sockets on the loopback interface.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tidegate_udp::{
    Interest, Interface, Options, Outbox, Poller, RecvBatch, Run, Sent, Socket, Waker, bind_group,
};

const PATIENCE: Duration = Duration::from_secs(5);

fn socket(address: &str) -> Socket {
    Socket::bind(address.parse().unwrap(), &Options::default()).unwrap()
}

/// A datagram taken out of its batch.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    from: SocketAddr,
    to: Option<IpAddr>,
    bytes: Vec<u8>,
}

/// Waits until `count` datagrams have come.
fn receive(socket: &Socket, count: usize) -> Vec<Got> {
    let mut poller = Poller::new().unwrap();
    poller.add(socket, 1, Interest::Read).unwrap();
    let mut batch = RecvBatch::new();
    let mut got = Vec::new();
    while got.len() < count {
        poller.wait(Some(PATIENCE)).unwrap();
        assert_eq!(
            poller.ready().next(),
            Some(1),
            "{} of {count} datagrams came",
            got.len()
        );
        socket.recv(&mut batch).unwrap();
        got.extend(batch.datagrams().map(|datagram| Got {
            from: datagram.from,
            to: datagram.to,
            bytes: datagram.bytes.to_vec(),
        }));
    }
    got
}

fn numbered(count: u32, bytes: usize) -> Vec<u8> {
    let mut run = Vec::new();
    for number in 0..count {
        let mut datagram = vec![0; bytes];
        datagram[..4].copy_from_slice(&number.to_be_bytes());
        run.extend(datagram);
    }
    run
}

#[test]
fn a_long_run_arrives_as_its_datagrams_in_order() {
    let (near, far) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let mut bytes = numbered(150, 1332);
    bytes.extend_from_slice(&[7; 100]);
    let run = Run {
        to: far.local_addr(),
        from: None,
        bytes: &bytes,
        segment_bytes: 1332,
    };
    assert_eq!(near.send(&[run]), Sent::All);
    let got = receive(&far, 151);
    assert_eq!(got.len(), 151);
    for (number, datagram) in got[..150].iter().enumerate() {
        assert_eq!(datagram.bytes.len(), 1332);
        assert_eq!(datagram.bytes[..4], (number as u32).to_be_bytes());
        assert_eq!(datagram.from, near.local_addr());
    }
    assert_eq!(got[150].bytes, [7; 100]);
    assert_eq!(near.counters().refused, 0);
}

#[test]
fn runs_to_several_destinations_leave_in_one_call() {
    let near = socket("127.0.0.1:0");
    let far: Vec<Socket> = (0..40).map(|_| socket("127.0.0.1:0")).collect();
    let bytes = numbered(3, 200);
    let runs: Vec<Run<'_>> = far
        .iter()
        .map(|far| Run {
            to: far.local_addr(),
            from: None,
            bytes: &bytes,
            segment_bytes: 200,
        })
        .collect();
    assert_eq!(near.send(&runs), Sent::All);
    for far in &far {
        assert_eq!(receive(far, 3).len(), 3);
    }
}

#[test]
fn a_reply_leaves_from_the_address_that_was_addressed() {
    let server = socket("0.0.0.0:0");
    let client = socket("127.0.0.1:0");
    let port = server.local_addr().port();
    let to = SocketAddr::from(([127, 0, 0, 2], port));
    client.send(&[Run {
        to,
        from: None,
        bytes: b"hello",
        segment_bytes: 5,
    }]);
    let got = receive(&server, 1).remove(0);
    assert_eq!(got.to, Some(IpAddr::from([127, 0, 0, 2])));
    server.send(&[Run {
        to: got.from,
        from: got.to,
        bytes: b"back",
        segment_bytes: 4,
    }]);
    assert_eq!(receive(&client, 1)[0].from, to);
}

#[test]
fn a_dual_stack_socket_talks_ipv4_and_ipv6_and_names_each_properly() {
    let server = socket("[::]:0");
    let port = server.local_addr().port();
    for (client, address) in [("127.0.0.1:0", "127.0.0.3"), ("[::1]:0", "::1")] {
        let client = socket(client);
        let to = SocketAddr::new(address.parse().unwrap(), port);
        client.send(&[Run {
            to,
            from: None,
            bytes: b"hello",
            segment_bytes: 5,
        }]);
        let got = receive(&server, 1).remove(0);
        assert_eq!(got.from, client.local_addr());
        assert_eq!(got.to, Some(to.ip()));
        let bytes = numbered(5, 100);
        server.send(&[Run {
            to: got.from,
            from: got.to,
            bytes: &bytes,
            segment_bytes: 100,
        }]);
        let back = receive(&client, 5);
        assert!(back.iter().all(|datagram| datagram.from == to), "{back:?}");
    }
}

#[test]
fn a_message_the_kernel_refuses_is_counted_and_the_others_go_out() {
    let (near, far) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let run = |to| Run {
        to,
        from: None,
        bytes: b"x",
        segment_bytes: 1,
    };
    assert_eq!(near.send(&[run(nowhere), run(far.local_addr())]), Sent::All);
    assert_eq!(receive(&far, 1).len(), 1);
    assert_eq!(near.counters().refused, 1);
}

#[test]
fn segments_too_wide_for_the_path_go_out_singly() {
    let (near, far) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
    // Wider than any offload accepts on loopback, still a legal datagram in fragments.
    let bytes = numbered(3, 20_000);
    let run = Run {
        to: far.local_addr(),
        from: None,
        bytes: &bytes,
        segment_bytes: 20_000,
    };
    assert_eq!(near.send(&[run]), Sent::All);
    let got = receive(&far, 3);
    assert!(got.iter().all(|datagram| datagram.bytes.len() == 20_000));
}

#[test]
fn a_full_receive_buffer_shows_in_the_drop_counter() {
    let options = Options {
        recv_buffer_bytes: 4096,
        ..Options::default()
    };
    let far = Socket::bind("127.0.0.1:0".parse().unwrap(), &options).unwrap();
    let near = socket("127.0.0.1:0");
    assert!(far.recv_buffer_bytes() < 64 << 10);
    let bytes = numbered(60, 1000);
    let run = Run {
        to: far.local_addr(),
        from: None,
        bytes: &bytes,
        segment_bytes: 1000,
    };
    near.send(&[run, run, run]);
    assert!(far.drops() > 0);
}

#[test]
fn an_outbox_delivers_what_a_full_send_buffer_held_back() {
    let options = Options {
        send_buffer_bytes: 1,
        ..Options::default()
    };
    let near = Socket::bind("127.0.0.1:0".parse().unwrap(), &options).unwrap();
    let far = socket("127.0.0.1:0");
    let bytes = numbered(40, 1000);
    let run = Run {
        to: far.local_addr(),
        from: None,
        bytes: &bytes,
        segment_bytes: 1000,
    };
    let mut outbox = Outbox::default();
    outbox.send(&near, &[run; 10]);
    let mut got = receive(&far, 1).len();
    while !outbox.flush(&near) {
        got += receive(&far, 1).len();
    }
    got += receive(&far, 400 - got).len();
    assert_eq!(got, 400);
    assert_eq!(outbox.counters().given_up, 0);
}

#[test]
fn a_group_shares_one_port_and_ids_find_their_shard() {
    let group = bind_group("127.0.0.1:0".parse().unwrap(), 3, &Options::default()).unwrap();
    let to = group[0].local_addr();
    assert!(
        group
            .iter()
            .all(|member| member.local_addr() == to && to.port() != 0)
    );
    let client = socket("127.0.0.1:0");
    for shard in [2_u32, 0, 1] {
        let mut packet = [0_u8; 16];
        packet[12..].copy_from_slice(&(0x0ABC_DE40_u32 | shard).to_be_bytes());
        client.send(&[Run {
            to,
            from: None,
            bytes: &packet,
            segment_bytes: 16,
        }]);
        assert_eq!(receive(&group[shard as usize], 1)[0].bytes, packet);
    }
}

#[test]
fn requests_and_short_packets_arrive_somewhere_in_the_group() {
    let group = bind_group("127.0.0.1:0".parse().unwrap(), 2, &Options::default()).unwrap();
    let to = group[0].local_addr();
    let client = socket("127.0.0.1:0");
    let mut srtla = [0_u8; 20];
    srtla[0] = 0x90;
    srtla[15] = 1;
    for packet in [&[0_u8; 64][..], &[1, 2, 3], &srtla] {
        client.send(&[Run {
            to,
            from: None,
            bytes: packet,
            segment_bytes: packet.len(),
        }]);
        let mut poller = Poller::new().unwrap();
        for (index, member) in group.iter().enumerate() {
            poller.add(member, index as u64, Interest::Read).unwrap();
        }
        poller.wait(Some(PATIENCE)).unwrap();
        let member = poller.ready().next().expect("the packet reached a member") as usize;
        assert_eq!(receive(&group[member], 1)[0].bytes, packet);
    }
}

#[test]
fn a_port_somebody_holds_is_refused_even_with_port_sharing() {
    let first = bind_group("127.0.0.1:0".parse().unwrap(), 2, &Options::default()).unwrap();
    let again = bind_group(first[0].local_addr(), 2, &Options::default());
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn multicast_reaches_a_member_on_the_loopback_interface() {
    let loopback = Interface::Address([127, 0, 0, 1].into());
    let group = IpAddr::from([239, 10, 10, 77]);
    let options = Options {
        reuse_address: true,
        ..Options::default()
    };
    let member = Socket::bind("0.0.0.0:0".parse().unwrap(), &options).unwrap();
    member.join(group, Some(loopback)).unwrap();
    let sender = socket("127.0.0.1:0");
    sender.set_multicast_interface(loopback).unwrap();
    sender.set_multicast_ttl(0).unwrap();
    sender.set_multicast_loop(true).unwrap();
    let to = SocketAddr::new(group, member.local_addr().port());
    sender.send(&[Run {
        to,
        from: None,
        bytes: b"to all",
        segment_bytes: 6,
    }]);
    let got = receive(&member, 1).remove(0);
    assert_eq!(
        (got.bytes.as_slice(), got.to),
        (&b"to all"[..], Some(group))
    );
    member.leave(group, Some(loopback)).unwrap();
}

#[test]
fn a_sleeper_is_woken_from_another_thread_once_for_many_calls() {
    let waker = std::sync::Arc::new(Waker::new().unwrap());
    let mut poller = Poller::new().unwrap();
    poller.add(&*waker, 9, Interest::Read).unwrap();
    waker.rest();
    let other = std::sync::Arc::clone(&waker);
    let thread = std::thread::spawn(move || (0..100).for_each(|_| other.wake()));
    poller.wait(Some(PATIENCE)).unwrap();
    assert_eq!(poller.ready().collect::<Vec<_>>(), [9]);
    thread.join().unwrap();
    waker.attend(true);
    poller.wait(Some(Duration::ZERO)).unwrap();
    assert_eq!(poller.ready().count(), 0);
    waker.rest();
    waker.wake();
    poller.wait(Some(PATIENCE)).unwrap();
    assert_eq!(poller.ready().count(), 1);
}

#[test]
fn who_is_awake_is_not_called() {
    let waker = Waker::new().unwrap();
    let mut poller = Poller::new().unwrap();
    poller.add(&waker, 9, Interest::Read).unwrap();
    waker.wake();
    waker.attend(false);
    waker.wake();
    poller.wait(Some(Duration::ZERO)).unwrap();
    assert_eq!(poller.ready().count(), 0);
}

#[test]
fn what_is_sent_is_marked_in_both_families() {
    let options = Options {
        tos: Some(0x88),
        ttl: Some(7),
        interface: Some("lo".into()),
        ..Options::default()
    };
    let four = Socket::bind("127.0.0.1:0".parse().unwrap(), &options).unwrap();
    let four = socket2::SockRef::from(&four);
    assert_eq!((four.tos_v4().unwrap(), four.ttl_v4().unwrap()), (0x88, 7));
    assert_eq!(four.device().unwrap().as_deref(), Some(&b"lo"[..]));
    let both = Socket::bind("[::]:0".parse().unwrap(), &options).unwrap();
    let both = socket2::SockRef::from(&both);
    assert_eq!(both.tclass_v6().unwrap(), 0x88);
    assert_eq!(both.unicast_hops_v6().unwrap(), 7);
    assert_eq!((both.tos_v4().unwrap(), both.ttl_v4().unwrap()), (0x88, 7));
    let nowhere = Options {
        interface: Some("none-such".into()),
        ..Options::default()
    };
    assert!(Socket::bind("127.0.0.1:0".parse().unwrap(), &nowhere).is_err());
}
