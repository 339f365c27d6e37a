//! What enhanced RTMP (version 2) says in `connect`: which codecs beyond H.264 and AAC the two
//! sides understand, by their FourCC, and which further abilities they have.

use crate::amf::Value;

/// Abilities beyond codecs, as bits of `capsEx`.
pub mod caps {
    /// Takes requests to connect elsewhere.
    pub const RECONNECT: u32 = 1;
    /// Several tracks of picture or sound.
    pub const MULTITRACK: u32 = 2;
    /// Packets with modifiers before them (ModEx).
    pub const MOD_EX: u32 = 4;
    /// Timestamps with nanoseconds.
    pub const NANOSECONDS: u32 = 8;
}

/// `FourCcInfoMask.CanForward`: we pass media on and neither decode nor encode it.
const CAN_FORWARD: u32 = 4;

/// Our side's abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// FourCCs of pictures: `hvc1`, `av01` …
    pub video: &'static [&'static str],
    /// FourCCs of sound: `Opus`, `ac-3` …
    pub audio: &'static [&'static str],
    /// Bits of [`caps`].
    pub caps_ex: u32,
}

impl Capabilities {
    /// The fields of a `connect` or its answer.
    pub(crate) fn fields(&self) -> Vec<(String, Value)> {
        let map = |list: &[&str]| {
            let mask = |four_cc: &&str| ((*four_cc).to_owned(), CAN_FORWARD.into());
            Value::Object(list.iter().map(mask).collect())
        };
        let all = self.video.iter().chain(self.audio);
        let list = all.map(|four_cc| Value::from(*four_cc)).collect();
        vec![
            ("fourCcList".into(), Value::StrictArray(list)),
            ("videoFourCcInfoMap".into(), map(self.video)),
            ("audioFourCcInfoMap".into(), map(self.audio)),
            ("capsEx".into(), self.caps_ex.into()),
        ]
    }
}

/// The peer's abilities, as far as it named any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCapabilities {
    /// The FourCCs it understands; `*` means all.
    pub four_ccs: Vec<String>,
    /// Bits of [`caps`].
    pub caps_ex: u32,
}

impl PeerCapabilities {
    /// From the objects of a `connect` or its answer; `None` if no enhanced RTMP is in them.
    pub(crate) fn find(objects: &[Value]) -> Option<Self> {
        let field = |name: &str| objects.iter().find_map(|object| object.get(name));
        let list = field("fourCcList");
        let maps = ["videoFourCcInfoMap", "audioFourCcInfoMap"].map(field);
        let caps_ex = field("capsEx").and_then(Value::as_number);
        if list.is_none() && caps_ex.is_none() && maps.iter().all(Option::is_none) {
            return None;
        }
        let mut four_ccs = Vec::new();
        if let Some(Value::StrictArray(list)) = list {
            let texts = list.iter().filter_map(Value::as_str);
            four_ccs.extend(texts.map(str::to_owned));
        }
        for map in maps.into_iter().flatten() {
            four_ccs.extend(map.pairs().iter().map(|(four_cc, _)| four_cc.clone()));
        }
        four_ccs.sort();
        four_ccs.dedup();
        Some(Self {
            four_ccs,
            caps_ex: caps_ex.map_or(0, |bits| bits as u32),
        })
    }

    /// Whether it said that it understands `four_cc`.
    #[must_use]
    pub fn understands(&self, four_cc: &str) -> bool {
        let mut known = self.four_ccs.iter();
        known.any(|known| known == "*" || known == four_cc)
    }
}
