//! Media made for tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A transport stream of `packets` 188-byte packets that carry numbers instead of media:
/// correct sync bytes and continuity counters on several PIDs, so that any loss, doubling
/// or reordering shows in a comparison of bytes.
#[must_use]
pub fn numbered_ts(packets: usize) -> Vec<u8> {
    const PIDS: [u16; 4] = [0x100, 0x101, 0x1FF0, 0x44];
    let mut counters = [0_u8; PIDS.len()];
    let mut stream = Vec::with_capacity(packets * 188);
    for number in 0..packets {
        let which = number % PIDS.len();
        let [high, low] = PIDS[which].to_be_bytes();
        stream.extend_from_slice(&[0x47, high, low, 0x10 | counters[which]]);
        counters[which] = (counters[which] + 1) & 0x0F;
        stream.extend_from_slice(&(number as u64).to_be_bytes());
        let mut state = number as u64 ^ 0x9E37_79B9_7F4A_7C15;
        for _ in 0..22 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            stream.extend_from_slice(&state.to_be_bytes());
        }
    }
    stream
}

/// A file of `seconds` of H.264 and AAC made by ffmpeg, whose size is a multiple of 1316
/// bytes so that a sender cuts it into whole packets.
///
/// # Panics
/// If ffmpeg fails.
#[must_use]
pub fn h264_aac(folder: &Path, seconds: u32) -> PathBuf {
    let file = folder.join("h264-aac.ts");
    let settings = format!(
        "-t {seconds} -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 2M -c:a aac -ac 2"
    );
    encode("testsrc2=s=640x360:r=25", &settings, &file);
    let bytes = std::fs::read(&file).expect("the file ffmpeg made");
    let whole = bytes.len() / 1316 * 1316;
    std::fs::write(&file, &bytes[..whole]).expect("the file can be cut");
    file
}

/// Has ffmpeg make a transport stream of this picture (a lavfi source) and a tone; `settings`
/// are its output options, with spaces between them.
///
/// # Panics
/// If ffmpeg fails.
pub fn encode(picture: &str, settings: &str, file: &Path) {
    let status = Command::new("ffmpeg")
        .args("-hide_banner -nostdin -v error -y -f lavfi -i".split(' '))
        .arg(picture)
        .args("-f lavfi -i sine=frequency=440:sample_rate=48000".split(' '))
        .args(settings.split_whitespace())
        .args(["-f", "mpegts"])
        .arg(file)
        .stdin(Stdio::null())
        .status()
        .expect("ffmpeg runs");
    assert!(
        status.success(),
        "ffmpeg could not make {}: {status}",
        file.display()
    );
}
