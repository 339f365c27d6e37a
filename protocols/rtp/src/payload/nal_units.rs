//! What H.264 and H.265 have in common: NAL units, several small ones in one payload, and
//! parameter sets that a key frame came without.

use super::Sink;
use bytes::Bytes;
use tidegate_codecs::nal;

/// The sets from outside the stream, in the order of their dependence.
#[derive(Debug, Default)]
pub(super) struct ParameterSets(Vec<Bytes>);

impl FromIterator<Bytes> for ParameterSets {
    fn from_iter<T: IntoIterator<Item = Bytes>>(sets: T) -> Self {
        Self(sets.into_iter().collect())
    }
}

impl ParameterSets {
    /// Those a unit may need: none unless decoding begins there.
    pub(super) fn wanted(&self, key: bool) -> &[Bytes] {
        if key { &self.0 } else { &[] }
    }
}

/// What the two payload formats differ in.
pub(super) trait Rules {
    /// Says nothing that a receiver needs.
    fn is_idle(unit: &[u8]) -> bool;
    /// Is a parameter set.
    fn is_parameter_set(unit: &[u8]) -> bool;
    /// Begins an aggregation of these units.
    fn put_aggregation_header(units: &[&[u8]], out: &mut Vec<u8>);
    /// Bytes of that header.
    const AGGREGATION_HEADER_BYTES: usize;
    /// Sends a unit that is too long in pieces; the last one has the marker if `is_last`.
    fn fragment(
        unit: &[u8],
        is_last: bool,
        max_bytes: usize,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    );
}

/// The length in front of each aggregated unit.
const LENGTH_BYTES: usize = 2;

/// Sends all units of an access unit; the last packet has the marker.
pub(super) fn packetize<R: Rules>(
    access_unit: &[u8],
    sets: &[Bytes],
    max_bytes: usize,
    scratch: &mut Vec<u8>,
    sink: &mut impl Sink,
) {
    let units = || nal::split(access_unit).filter(|unit| !R::is_idle(unit));
    let has_sets = units().any(R::is_parameter_set);
    let missing = if has_sets { &[][..] } else { sets };
    let mut waiting = Waiting::<R>::default();
    for unit in missing.iter().map(|set| &set[..]).chain(units()) {
        if let Some(long) = waiting.long.take() {
            R::fragment(long, false, max_bytes, scratch, sink);
        }
        if unit.len() > max_bytes {
            waiting.send(false, scratch, sink);
            // Whether it has the marker depends on what follows.
            waiting.long = Some(unit);
            continue;
        }
        if waiting.bytes_with(unit) > max_bytes {
            waiting.send(false, scratch, sink);
        }
        waiting.add(unit);
    }
    match waiting.long.take() {
        Some(long) => R::fragment(long, true, max_bytes, scratch, sink),
        None => waiting.send(true, scratch, sink),
    }
}

/// Units that go together into one packet, or one that is too long for any.
struct Waiting<'a, R> {
    units: Vec<&'a [u8]>,
    byte_count: usize,
    long: Option<&'a [u8]>,
    rules: core::marker::PhantomData<R>,
}

impl<R> Default for Waiting<'_, R> {
    fn default() -> Self {
        Self {
            units: Vec::new(),
            byte_count: 0,
            long: None,
            rules: core::marker::PhantomData,
        }
    }
}

impl<'a, R: Rules> Waiting<'a, R> {
    /// Bytes of a packet of the waiting units and this one.
    fn bytes_with(&self, unit: &[u8]) -> usize {
        if self.units.is_empty() {
            return unit.len();
        }
        R::AGGREGATION_HEADER_BYTES + self.byte_count + LENGTH_BYTES + unit.len()
    }

    fn add(&mut self, unit: &'a [u8]) {
        self.byte_count += LENGTH_BYTES + unit.len();
        self.units.push(unit);
    }

    fn send(&mut self, marker: bool, scratch: &mut Vec<u8>, sink: &mut impl Sink) {
        match self.units[..] {
            [] => {}
            [unit] => sink.payload(unit, marker),
            _ => {
                scratch.clear();
                R::put_aggregation_header(&self.units, scratch);
                for unit in &self.units {
                    // No unit here is longer than a packet.
                    scratch.extend_from_slice(&(unit.len() as u16).to_be_bytes());
                    scratch.extend_from_slice(unit);
                }
                sink.payload(scratch, marker);
            }
        }
        self.units.clear();
        self.byte_count = 0;
    }
}
