//! How a camera is built: what nobody chose is left to chance.

use core::time::Duration;

use tidegate_netsim::{Chance, Probability};

use super::elementary::Look;
use super::packets::PERIOD;

/// One encoder and its line.
#[derive(Clone, Debug)]
pub struct Make {
    pub look: Look,
    /// Pictures from key frame to key frame.
    pub gop: u32,
    /// Pictures between two that others refer to.
    pub between: u32,
    /// Bytes of a picture, about.
    pub picture_bytes: usize,
    pub sounds: Vec<SoundMake>,
    /// The clock has a PID of its own.
    pub own_clock: bool,
    pub program: u16,
    pub pmt_pid: u16,
    /// PIDs of the clock, the picture and each sound.
    pub pids: [u16; 4],
    /// What the clock begins with, in ticks of 90 kHz.
    pub base: i64,
    /// From the clock to the decoding time.
    pub lead_ticks: i64,
    /// How much of a picture's time its packets take, in percent.
    pub spread_percent: u32,
    /// From being sent to being due: the latency window.
    pub latency: Duration,
    /// The network takes this long at most, and this long at least.
    pub network: (Duration, Duration),
    /// Datagrams that never arrive.
    pub loss_percent: f64,
}

/// One sound track.
#[derive(Clone, Debug)]
pub struct SoundMake {
    pub language: Option<[u8; 3]>,
    pub rate_index: u8,
    pub rate: u32,
    /// Frames in each PES packet.
    pub together: u32,
    /// Against the picture.
    pub offset_ticks: i64,
}

impl Make {
    /// A camera as most are: 25 pictures a second, a key frame every second, one sound track.
    pub fn plain(latency: Duration) -> Self {
        Self {
            look: Look {
                size: (80, 45),
                frame_ticks: 3600,
                reordered: 0,
                delimits: true,
                repeats_sets: true,
                open: false,
            },
            gop: 25,
            between: 0,
            picture_bytes: 600,
            sounds: vec![SoundMake {
                language: None,
                rate_index: 3,
                rate: 48_000,
                together: 2,
                offset_ticks: 0,
            }],
            own_clock: false,
            program: 1,
            pmt_pid: 0x1000,
            pids: [0x1FE, 0x100, 0x101, 0x102],
            base: 0,
            lead_ticks: 36_000,
            spread_percent: 50,
            latency,
            network: (Duration::from_millis(20), Duration::from_millis(20)),
            loss_percent: 0.0,
        }
    }

    /// From key frame to key frame.
    pub fn gop_time(&self) -> Duration {
        let ticks = f64::from(self.gop) * self.look.frame_ticks as f64;
        Duration::from_secs_f64(ticks / 90_000.0)
    }

    /// Whatever encoders do, in a format that several share.
    pub fn any(chance: &mut Chance, format: &Format, latency: Duration) -> Self {
        let often = Probability::percent(50.0);
        let fps = 90_000 / format.frame_ticks.max(1);
        let between = format.between;
        let mut make = Self::plain(latency);
        make.look = Look {
            size: format.size,
            frame_ticks: format.frame_ticks,
            reordered: between.min(1),
            delimits: chance.happens(often),
            repeats_sets: chance.happens(Probability::percent(75.0)),
            open: false,
        };
        make.between = between;
        // 0.3 to 1 s.
        make.gop = (fps as u32 * 3 / 10 + chance.below(fps as u64 * 7 / 10) as u32).max(4);
        make.picture_bytes = 100 + chance.below(1500) as usize;
        for (at, sound) in make.sounds.iter_mut().enumerate() {
            sound.together = 1 + chance.below(6) as u32;
            sound.offset_ticks = chance.below(3000) as i64 - 1500 + at as i64;
        }
        make.own_clock = chance.happens(Probability::percent(25.0));
        make.program = 1 + chance.below(1000) as u16;
        let first = 0x20 + chance.below(0x1E00) as u16;
        make.pmt_pid = first;
        make.pids =
            core::array::from_fn(|at| first + 1 + at as u16 * (1 + chance.below(3) as u16 * 4));
        make.base = random_base(chance);
        make.lead_ticks = 18_000 + chance.below(45_000) as i64;
        make.spread_percent = chance.below(95) as u32;
        let least = Duration::from_millis(5) + chance.duration(Duration::from_millis(60));
        let jitter = chance.duration(Duration::from_millis(40));
        make.network = (least, least + jitter);
        make
    }
}

/// Where a clock begins: often just before its wrap.
pub fn random_base(chance: &mut Chance) -> i64 {
    if chance.happens(Probability::percent(30.0)) {
        PERIOD - chance.below(90_000 * 20) as i64
    } else {
        chance.below(PERIOD as u64) as i64
    }
}

/// What the cameras of one program have in common.
#[derive(Clone, Debug)]
pub struct Format {
    pub size: (u32, u32),
    pub frame_ticks: i64,
    pub between: u32,
}

impl Format {
    pub fn any(chance: &mut Chance) -> Self {
        let ticks = [3600, 3000, 3003, 1800, 1500];
        Self {
            size: (80, 45),
            frame_ticks: ticks[chance.below(5) as usize],
            between: chance.below(4) as u32,
        }
    }
}
