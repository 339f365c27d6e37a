//! Inputs with open groups: an entry that is no IDR picture gets one in front of it, and what
//! follows is told of it (see [`Opening`]).

use super::{Playing, Seam};
use crate::seam::intake::{Pes, Unit};
use tidegate_codecs::h264::{Opening, Opens};

impl Playing {
    /// Whether pictures are to be changed for how they were entered: this one, the entry or not,
    /// of the main stream or not.
    pub(super) fn is_open_at(&self, unit: &Unit, is_entry: bool, is_main: bool) -> bool {
        if is_entry {
            return self.is_moved && unit.opens != Opens::AsItIs && !unit.damaged;
        }
        let opening = self.opening.as_ref().filter(|_| is_main);
        opening.is_some_and(|opening| opening.follows(unit.headers))
    }
}

impl Seam {
    /// Writes the entry, and what has to be in front of it; whether it was.
    pub(super) fn begin_open(
        &mut self,
        playing: &mut Playing,
        out: usize,
        pes: &Pes,
        unit: &Unit,
    ) -> bool {
        let (Some(opened), Some(pts), Some(dts)) =
            (Opening::begin(&pes.payload), unit.pts, unit.dts)
        else {
            return false;
        };
        let begins = playing.entry.begins;
        let mut entry_dts = dts;
        if let Some(front) = opened.front {
            let front_dts = dts.min(begins);
            if front_dts == dts {
                // Between it and what comes next.
                entry_dts += (pts - begins) / 2;
            }
            let front_pes = Pes {
                random_access: true,
                payload: Vec::new(),
                ..*pes
            };
            self.rebuild(playing, out, &front_pes, (begins, front_dts), &[&front]);
        }
        self.rebuild(playing, out, pes, (pts, entry_dts), &[&opened.entry]);
        playing.opening = Some(opened.opening);
        true
    }

    /// Writes a picture behind the entry, if it has to be another; whether it was.
    pub(super) fn follow_open(
        &mut self,
        playing: &mut Playing,
        out: usize,
        pes: &Pes,
        unit: &Unit,
    ) -> bool {
        let opening = playing.opening.as_mut();
        let other = opening.and_then(|opening| opening.picture(&pes.payload, unit.key));
        // What is damaged is to look like that.
        let (Some(other), Some(pts), Some(dts)) =
            (other.filter(|_| !unit.damaged), unit.pts, unit.dts)
        else {
            return false;
        };
        self.rebuild(playing, out, pes, (pts, dts), &[&other]);
        true
    }
}
