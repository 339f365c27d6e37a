//! Every bound of this crate, with the reason for its value.

/// Bytes of a `moov` box. Ten hours of 50 pictures a second take 35 MB.
pub const MOVIE_BYTES_MAX: u64 = 128 << 20;

/// Bytes of a `moof` box: an hour in one fragment takes 3 MB.
pub const FRAGMENT_BYTES_MAX: u64 = 16 << 20;

/// Bytes of one sample: a key frame of an 8K picture takes a few.
pub const SAMPLE_BYTES_MAX: u32 = 32 << 20;

/// Samples of one track: ten hours of 400 a second.
pub const TRACK_SAMPLES_MAX: u32 = 16 << 20;

/// Samples of all tracks in one fragment: an hour of picture and sound has 350 000.
pub const FRAGMENT_SAMPLES_MAX: u32 = 1 << 20;

/// Samples of all fragments in one segment: ten minutes have 60 000.
pub const SEGMENT_SAMPLES_MAX: u32 = 1 << 18;

/// Tracks of one file that are looked at.
pub const TRACKS_MAX: usize = 64;

/// Sample descriptions of one track: files that were joined have a few.
pub const DESCRIPTIONS_MAX: usize = 16;

/// Boxes on the outermost level: a live recording of a day in fragments of a second has three
/// for each.
pub const BOXES_MAX: u32 = 1 << 20;

/// Samples without a byte in a row (cameras write them for pictures they dropped).
pub const EMPTY_SAMPLES_MAX: u32 = 1 << 12;
