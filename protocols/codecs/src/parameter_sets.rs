use bytes::Bytes;

/// Parameter sets of one kind that are kept.
pub(crate) const MAX_SETS: usize = 16;

/// Takes parameter sets with 16-bit lengths out of a decoder configuration record; of more
/// than [`MAX_SETS`], the first.
pub(crate) fn take_sets(rest: &mut &[u8], count: usize) -> Option<Vec<Bytes>> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        *rest = behind;
        if !set.is_empty() && sets.len() < MAX_SETS {
            sets.push(Bytes::copy_from_slice(set));
        }
    }
    Some(sets)
}
