/// Why a file or a segment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mp4Error {
    /// It does not begin like one.
    #[error("this is no MP4 or MOV file")]
    NotMp4,
    /// It ends before its table of contents.
    #[error("the file has no table of contents (moov), as if its recording was never finished")]
    NoMovie,
    /// The table of contents, or a box, points behind the end.
    #[error("the file ends before its media does, as if it was cut off or is still being copied")]
    Truncated,
    /// A box contradicts itself.
    #[error("the box {0:?} is damaged")]
    Damaged(&'static str),
    /// Larger than a bound of [`crate::limits`].
    #[error("the box {0:?} is larger than any real file's")]
    TooLarge(&'static str),
    /// No track is of a kind that can be carried.
    #[error("no track in it can be carried ({0})")]
    NothingToPlay(String),
    /// A media segment came before its initialisation segment.
    #[error("the segment has no initialisation segment before it")]
    NoInit,
}
