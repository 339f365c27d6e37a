//! What tests of slates share.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_ffmpeg::slate::program::Material;

/// Runs ffmpeg with these words: its output, and what it says.
pub(crate) fn ffmpeg(words: &[&str]) -> (Vec<u8>, String) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "error", "-y"])
        .args(words)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    (output.stdout, said)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a decoder that takes nothing amiss says of a file.
pub(crate) fn complaints(file: &Path) -> String {
    let strict = ["-err_detect", "explode", "-xerror", "-i", text(file)];
    ffmpeg(&[&strict[..], &["-f", "null", "-"]].concat()).1
}

pub(crate) async fn material(path: PathBuf) -> Material {
    Material::read(File::open(&path).unwrap(), path)
        .await
        .unwrap()
}
