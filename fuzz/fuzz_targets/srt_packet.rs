//! Any datagram: it parses or it does not, and what parsed survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_srt::wire::{Control, LossListWriter, Packet, destination_of};

fuzz_target!(|datagram: &[u8]| {
    let _ = destination_of(datagram);
    let Ok(packet) = Packet::parse(datagram) else {
        return;
    };
    let written = packet.to_vec();
    assert_eq!(Packet::parse(&written), Ok(packet));
    if let Packet::Control(control) = packet
        && let Control::Nak(nak) = control.control
    {
        rewrite_losses(nak.losses.iter().flatten());
    }
});

/// The runs of a loss list come back from a list written with them.
fn rewrite_losses(ranges: impl Iterator<Item = tidegate_srt::wire::LossRange>) {
    let ranges: Vec<_> = ranges.collect();
    let mut room = vec![0; ranges.len() * 8];
    let mut writer = LossListWriter::new(&mut room);
    for range in &ranges {
        assert!(range.packets() > 0);
        assert!(writer.push(*range));
    }
    let back: Result<Vec<_>, _> = writer.finish().iter().collect();
    assert_eq!(back, Ok(ranges));
}
