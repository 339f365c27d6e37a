//! Up to three inputs that carry parts of one stream, or what they like instead, with losses,
//! repeats, swaps and clocks that leap: no lane hands a packet on twice, none makes one up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use tidegate_switch::twins::{Incoming, Merge, PrintKey};
use tidegate_units::{Duration, Instant};

const INPUTS: usize = 3;
const KEY: PrintKey = PrintKey::new([
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x27D4_EB2F_1656_67C5,
]);

fuzz_target!(|steps: &[u8]| {
    let mut merge = Merge::new(INPUTS, KEY);
    let mut now = Instant::from_millis(10_000);
    let mut at = [0_u32; INPUTS];
    let mut clocks = [0_u64; INPUTS];
    let mut pushed = 0_u32;
    let mut seen: [HashSet<u32>; INPUTS] = Default::default();
    for step in steps.chunks(2) {
        let (what, count) = (step[0], u32::from(step.get(1).copied().unwrap_or(1)));
        let input = usize::from(what & 3) % INPUTS;
        match what >> 2 & 15 {
            // The next packets of the stream.
            0..=8 => {
                for _ in 0..count {
                    push(
                        &mut merge,
                        input,
                        at[input],
                        clocks[input],
                        now,
                        &mut pushed,
                    );
                    at[input] += 1;
                }
            }
            // Packets that are lost.
            9 => at[input] += count,
            // It goes back, or comes again.
            10 => at[input] = at[input].saturating_sub(count),
            // The same packet again and again.
            11 => (0..count).for_each(|_| {
                push(
                    &mut merge,
                    input,
                    count % 5,
                    clocks[input],
                    now,
                    &mut pushed,
                )
            }),
            12 => at[input] = at.iter().copied().max().unwrap_or(0),
            13 => {
                let other = (input + 1) % INPUTS;
                if merge.swap(input, other) {
                    seen.swap(input, other);
                }
            }
            14 if what >> 6 == 0 => {
                merge.restart(now, input);
                // What its row had up to here is handed on before it begins anew.
                while let Some(merged) = merge.poll(now, input) {
                    assert!(seen[input].insert(merged.packet), "handed on twice");
                }
                seen[input].clear();
            }
            14 if what >> 6 == 1 => merge.set_on_air(Some(input)),
            // Its clock leaps, or is set anew on its way.
            14 if what >> 6 == 2 => clocks[input] += u64::from(count).pow(2) * 27_000,
            14 => merge.set_hold(input, Duration::from_millis(count.into())),
            _ => now = now + Duration::from_millis(u64::from(count) * u64::from(what >> 6) + 1),
        }
        now = now + Duration::from_micros(100);
        for (lane, seen) in seen.iter_mut().enumerate() {
            while let Some(merged) = merge.poll(now, lane) {
                assert!(merged.packet < pushed);
                if merged.fresh {
                    // A row of its own, which may be further behind.
                    seen.clear();
                }
                assert!(seen.insert(merged.packet), "handed on twice");
            }
        }
        let _ = merge.next_deadline();
    }
});

fn push(
    merge: &mut Merge<u32>,
    input: usize,
    number: u32,
    clock: u64,
    now: Instant,
    pushed: &mut u32,
) {
    let pid = match number % 14 {
        3 | 10 => 0x101_u16,
        7 => 0x1F0,
        _ => 0x100,
    };
    let mut bytes = [0; 188];
    bytes[0] = 0x47;
    bytes[1..3].copy_from_slice(&pid.to_be_bytes());
    bytes[3] = 0x10 | number as u8 & 0x0F;
    bytes[4..8].copy_from_slice(&(number / 3).to_be_bytes());
    if pid == 0x1F0 {
        // Nothing but a clock.
        bytes[3..6].copy_from_slice(&[0x20, 183, 0x10]);
        let ticks = (clock + u64::from(number) * 2_700) % ((1 << 33) * 300);
        let field = (ticks / 300) << 15 | 0x7E00 | (ticks % 300);
        bytes[6..12].copy_from_slice(&field.to_be_bytes()[2..]);
    }
    merge.push(
        input,
        Incoming {
            bytes: &bytes,
            packet: *pushed,
            arrived: now,
            due: now + Duration::from_millis(100),
            lost_before: 0,
        },
    );
    *pushed += 1;
}
