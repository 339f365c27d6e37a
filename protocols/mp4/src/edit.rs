//! Edit lists: where in the media a track's presentation begins.

use crate::Mp4Error;
use crate::boxes::Fields;

/// What an edit list does to a track, in the track's own ticks.
///
/// Files of encoders and recorders have at most one piece of media, often with an empty edit in
/// front of it (sound that starts late) or a beginning that is cut off (the encoder's priming,
/// the delay of reordered pictures). Of a list with several pieces the first one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// To be added to media times.
    pub(crate) shift: i64,
    /// The media time that is presented first.
    pub(crate) begin: i64,
    /// The media time that is not presented any more.
    pub(crate) end: Option<i64>,
}

/// Reads `elst`. Empty edits count in the movie's time scale, media times in the track's.
pub(crate) fn read(body: &[u8], movie_timescale: u32, timescale: u32) -> Result<Edit, Mp4Error> {
    let mut fields = Fields(body);
    let (version, _) = fields.version_and_flags()?;
    let count = fields.u32()?;
    let to_ticks = |duration: u64| {
        let ticks =
            u128::from(duration) * u128::from(timescale) / u128::from(movie_timescale.max(1));
        i64::try_from(ticks).map_err(|_| Mp4Error::Damaged("elst"))
    };
    let mut delay = 0_i64;
    for _ in 0..count {
        let duration = fields.by_version(version)?;
        let media_time = if version == 1 {
            fields.u64()?.cast_signed()
        } else {
            i64::from(fields.i32()?)
        };
        let _rate = fields.u32()?;
        if media_time < 0 {
            delay = delay.saturating_add(to_ticks(duration)?);
            continue;
        }
        // Zero: all there is, as in files whose length was not known when this was written.
        let length = (duration > 0).then(|| to_ticks(duration)).transpose()?;
        return Ok(Edit {
            shift: delay.saturating_sub(media_time),
            begin: media_time,
            end: length.map(|length| media_time.saturating_add(length)),
        });
    }
    Ok(Edit {
        shift: delay,
        ..Edit::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(edits: &[(u32, i32)]) -> Vec<u8> {
        let mut body = vec![0; 4];
        body.extend((edits.len() as u32).to_be_bytes());
        for (duration, media_time) in edits {
            body.extend(duration.to_be_bytes());
            body.extend(media_time.to_be_bytes());
            body.extend(0x0001_0000_u32.to_be_bytes());
        }
        body
    }

    #[test]
    fn priming_is_cut_off_and_an_empty_edit_delays() {
        let cut = read(&list(&[(2000, 1024)]), 1000, 48_000).expect("a list");
        assert_eq!(
            cut,
            Edit {
                shift: -1024,
                begin: 1024,
                end: Some(97_024)
            }
        );
        let late = read(&list(&[(500, -1), (2000, 0)]), 1000, 48_000).expect("a list");
        assert_eq!(
            late,
            Edit {
                shift: 24_000,
                begin: 0,
                end: Some(96_000)
            }
        );
    }

    #[test]
    fn a_list_that_claims_more_than_it_has_is_refused() {
        let mut body = list(&[(500, -1)]);
        body[7] = 9;
        assert_eq!(read(&body, 1000, 48_000), Err(Mp4Error::Truncated));
    }
}
