//! A clip in which no two frames are alike, and the comparison of what came of it at the far
//! end of any chain of protocols: which frames are missing, and whether picture and sound are
//! still together.

mod comparison;
mod fingerprint;

pub use comparison::{Comparison, TrackComparison};

use fingerprint::{Unit, units};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A clip of H.264 and AAC as a transport stream.
#[derive(Debug)]
pub struct Reference {
    file: PathBuf,
    units: Vec<Unit>,
}

/// What is particular about a reference clip.
#[derive(Clone, Copy, Debug)]
pub struct Particulars {
    /// Length in seconds.
    pub seconds: u32,
    /// B-frames between two others.
    pub b_frames: u32,
    /// Seconds at which its times begin; also what tells its frames from another clip's.
    pub begins_at: u32,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The PID of its picture; the next is that of its sound.
    pub first_pid: u16,
}

impl Default for Particulars {
    fn default() -> Self {
        Self {
            seconds: 10,
            b_frames: 2,
            begins_at: 10,
            size: (320, 180),
            first_pid: 0x100,
        }
    }
}

impl Reference {
    /// Has ffmpeg make one.
    ///
    /// # Panics
    /// If ffmpeg fails.
    #[must_use]
    pub fn make(folder: &Path, particulars: Particulars) -> Self {
        let Particulars {
            seconds,
            b_frames,
            begins_at,
            size: (width, height),
            first_pid,
        } = particulars;
        let file = folder.join(format!("reference-{seconds}-{b_frames}-{begins_at}.ts"));
        let settings = format!(
            "-t {seconds} -c:v libx264 -preset veryfast -profile:v main -pix_fmt yuv420p -bf {b_frames} \
             -g 25 -keyint_min 25 -sc_threshold 0 -b:v 600k -c:a aac -b:a 96k -ac 2 \
             -output_ts_offset {begins_at} -muxdelay 0.3 -mpegts_start_pid {first_pid} -f mpegts"
        );
        let status = Command::new("ffmpeg")
            .args("-hide_banner -nostdin -v error -y -f lavfi -i".split(' '))
            .arg(format!(
                "testsrc2=s={width}x{height}:r=25,noise=alls=4:allf=t:all_seed={begins_at}"
            ))
            .args(["-f", "lavfi", "-i"])
            .arg(format!("anoisesrc=r=48000:a=0.2:seed={begins_at}"))
            .args(settings.split_whitespace())
            .arg(&file)
            .stdin(Stdio::null())
            .status()
            .expect("ffmpeg runs");
        assert!(status.success(), "ffmpeg made no clip: {status}");
        let bytes = std::fs::read(&file).expect("the clip that ffmpeg made");
        let units = units(&bytes, true);
        Self { file, units }
    }

    /// Where it lies.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The same clip in another container, which ffmpeg knows by the name's ending.
    ///
    /// # Panics
    /// If ffmpeg fails.
    #[must_use]
    pub fn remuxed(&self, ending: &str) -> PathBuf {
        let file = self.file.with_extension(ending);
        let status = Command::new("ffmpeg")
            .args("-hide_banner -nostdin -v error -y -i".split(' '))
            .arg(&self.file)
            .args(["-map", "0", "-c", "copy"])
            .arg(&file)
            .stdin(Stdio::null())
            .status()
            .expect("ffmpeg runs");
        assert!(status.success(), "ffmpeg did not remux: {status}");
        file
    }

    /// What of the clip is in a transport stream, which may still be growing.
    #[must_use]
    pub fn compare(&self, received: &[u8]) -> Comparison {
        Comparison::of(&self.units, &units(received, false))
    }

    /// The same of a file of any container, which ffmpeg turns into a transport stream.
    ///
    /// # Panics
    /// If ffmpeg cannot be run.
    #[must_use]
    pub fn compare_file(&self, file: &Path) -> Comparison {
        let run = Command::new("ffmpeg")
            .args("-hide_banner -nostdin -v error -copyts -i".split(' '))
            .arg(file)
            .args("-map 0:v -map 0:a -c copy -copyts -f mpegts -".split(' '))
            .stdin(Stdio::null())
            .output()
            .expect("ffmpeg runs");
        self.compare(&run.stdout)
    }
}
