//! What every transport packet of an input passes on its way through a switch.

mod program;
mod twins;

use tidegate_switch::twins::PrintKey;
use tidegate_units::Duration;

use crate::path::HotPath;

const SECONDS: i64 = 4;
const LATENCY: Duration = Duration::from_millis(120);
const KEY: PrintKey = PrintKey::new([
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x27D4_EB2F_1656_67C5,
]);

pub(crate) fn paths() -> Vec<HotPath> {
    [program::paths(), twins::paths()].concat()
}
