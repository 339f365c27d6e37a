use super::*;
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tidegate_engine::{AudioStatus, MediaStatus, VideoStatus};
use tidegate_testkit::peers::have;

/// For encoding, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A maker of slates of `soon.png` in a data folder, at work.
struct Made {
    folder: TempDir,
    ends: Ends,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Made {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("media")).unwrap();
        Self::after(folder, None)
    }

    /// The same, once more in that folder, of a program that was seen before.
    fn after(folder: TempDir, seen: Option<&Seen>) -> Self {
        let settings = SlateSettings::File("soon.png".into());
        let (maker, ends) = maker(Some(&settings), folder.path().into(), seen);
        let work = tokio::spawn(maker.run());
        Self { folder, ends, work }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("media/soon.png")
    }

    fn want(&self, media: &MediaStatus) {
        let wanted = Wanted::of(&Seen::of(media).expect("it has a picture")).expect("all is known");
        (self.ends.order).send_modify(|order| order.wanted = Some(wanted));
    }

    fn set(&self, file: &str) {
        let settings = SlateSettings::File(file.into());
        (self.ends.order).send_modify(|order| order.settings = Some(settings));
    }

    /// What has become of it, once that is so.
    async fn becomes(&mut self, check: impl Fn(&Outcome) -> bool) -> Outcome {
        let outcome = self.ends.outcome.wait_for(check);
        let outcome = timeout(PATIENCE, outcome).await;
        outcome.expect("in time").expect("it works").clone()
    }

    async fn reason(&mut self, says: &str) -> String {
        let failed = self.becomes(|outcome| {
            let reason = outcome.reason.as_deref().unwrap_or_default();
            outcome.state == State::Failed && reason.contains(says)
        });
        failed.await.reason.unwrap()
    }
}

fn picture_at(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180"])
        .args(["-frames:v", "1", "-f", "image2"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

fn media(width: u32) -> MediaStatus {
    MediaStatus {
        video: Some(VideoStatus {
            codec: "h264",
            profile: Some("High".into()),
            width: Some(width),
            height: Some(180),
            fps: Some(25.0),
            ..VideoStatus::default()
        }),
        audio: vec![AudioStatus {
            codec: "aac",
            channels: Some(2),
            sample_rate: Some(48_000),
            ..AudioStatus::default()
        }],
        ..MediaStatus::default()
    }
}

#[tokio::test]
async fn a_slate_is_made_when_the_format_is_known_and_anew_when_it_changes() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut made = Made::new();
    picture_at(&made.file());
    assert_eq!(made.ends.outcome.borrow().state, State::Missing);
    made.want(&media(320));
    let first = made.becomes(|it| it.state == State::Ready).await;
    let first = first.clip.unwrap();
    assert!(first.bytes() > 0 && first.length() >= Duration::from_secs(1));
    made.want(&media(640));
    let making = made.becomes(|it| it.state == State::Making).await;
    let kept = making.clip.expect("the other stays until then");
    assert!(Arc::ptr_eq(&kept, &first));
    let second = made.becomes(|it| it.state == State::Ready).await;
    assert!(!Arc::ptr_eq(&second.clip.unwrap(), &first));
}

#[tokio::test]
async fn a_program_that_was_seen_before_has_its_slate_though_nothing_is_on_air() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    let seen = Seen::of(&media(320));
    let mut made = Made::after(folder, seen.as_ref());
    picture_at(&made.file());
    let ready = made.becomes(|it| it.state == State::Ready).await;
    assert!(ready.clip.is_some());
}

#[tokio::test]
async fn another_file_is_made_at_once_and_the_one_before_stays_until_then() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut made = Made::new();
    picture_at(&made.file());
    made.want(&media(320));
    let first = made.becomes(|it| it.state == State::Ready).await.clip;
    made.set("later.png");
    let reason = made.reason("does not exist").await;
    assert!(reason.contains("later.png"), "{reason}");
    let kept = made.ends.outcome.borrow().clip.clone().unwrap();
    assert!(Arc::ptr_eq(&kept, &first.unwrap()));
    fs::copy(made.file(), made.file().with_file_name("then.png")).unwrap();
    made.set("then.png");
    let second = made.becomes(|it| it.state == State::Ready).await;
    assert!(!Arc::ptr_eq(&second.clip.unwrap(), &kept));
}

#[tokio::test(start_paused = true)]
async fn a_picture_rate_that_wanders_for_ever_is_waited_for_some_seconds_only() {
    let mut made = Made::new();
    for round in 0..40 {
        let mut wanders = media(320);
        wanders.video.as_mut().unwrap().fps = Some(f64::from(28 + round % 3));
        made.want(&wanders);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(made.ends.outcome.borrow().state, State::Failed);
    made.reason("does not exist").await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_is_said_and_looked_for_again() {
    let mut made = Made::new();
    made.want(&media(320));
    let reason = made.reason("does not exist").await;
    assert!(
        reason.ends_with("Put it there, or correct the path."),
        "{reason}"
    );
    fs::write(made.file(), "no picture").unwrap();
    let reason = made.reason("neither a picture").await;
    assert!(reason.contains("soon.png"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_format_that_cannot_be_encoded_is_said_until_another_comes() {
    let mut made = Made::new();
    let mut av1 = media(320);
    av1.video.as_mut().unwrap().codec = "av1";
    made.want(&av1);
    let reason = made.reason("AV1").await;
    assert_eq!(
        reason,
        "No slate: AV1 cannot be encoded: a transport stream does not carry it."
    );
    made.want(&media(320));
    made.reason("does not exist").await;
}

#[tokio::test]
async fn a_sound_that_cannot_be_encoded_is_left_out_and_named() {
    if !have(&["ffmpeg"]) {
        return;
    }
    let mut made = Made::new();
    picture_at(&made.file());
    let mut two = media(320);
    two.audio.push(AudioStatus {
        codec: "dts",
        ..AudioStatus::default()
    });
    made.want(&two);
    let ready = made.becomes(|it| it.state == State::Ready).await;
    let lacks = ready.reason.unwrap();
    assert!(lacks.starts_with("It lacks sound 2: dts"), "{lacks}");
}
