use super::*;
use crate::testing::{eventually, install_crypto};

fn write(files: &TlsFiles) {
    make_self_signed(files, Some("live.example.net")).unwrap();
}

fn files_in(folder: &Path) -> TlsFiles {
    TlsFiles {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

#[test]
fn a_self_signed_certificate_is_made_once_and_its_key_is_private() {
    use std::os::unix::fs::PermissionsExt;
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    Tls::self_signed(folder.path(), None).unwrap();
    let first = std::fs::read(folder.path().join("cert.pem")).unwrap();
    Tls::self_signed(folder.path(), None).unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("cert.pem")).unwrap(),
        first
    );
    let mode = std::fs::metadata(folder.path().join("key.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    install_crypto();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&files_in(one.path()));
    write(&files_in(other.path()));
    let mixed = TlsFiles {
        cert: one.path().join("cert.pem"),
        key: other.path().join("key.pem"),
    };
    let error = Tls::from_files(mixed).unwrap_err();
    assert!(
        error.to_string().contains("do not belong together"),
        "{error:#}"
    );
}

#[tokio::test]
async fn bad_new_files_keep_the_old_certificate_and_good_ones_replace_it() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let files = files_in(folder.path());
    write(&files);
    let tls = Arc::new(Tls::from_files(files.clone()).unwrap());
    let alarms = Arc::new(Alarms::new(tidegate_engine::EventSink::new()));
    let stop = CancellationToken::new();
    let watching = tokio::spawn(tls.clone().watch(alarms.clone(), stop.clone()));
    let first = tls.config();

    std::fs::write(&files.cert, "no certificate").unwrap();
    eventually("the alarm", || !alarms.standing().is_empty()).await;
    assert!(Arc::ptr_eq(&first, &tls.config()));

    write(&files);
    eventually("the alarm's end", || alarms.standing().is_empty()).await;
    assert!(!Arc::ptr_eq(&first, &tls.config()));
    stop.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_at_a_start_are_an_alarm_until_they_can() {
    install_crypto();
    let (own, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = files_in(own.path());
    let alarms = Arc::new(Alarms::new(tidegate_engine::EventSink::new()));
    let tls = Tls::from_files_or_self_signed(files.clone(), data.path(), None, &alarms);
    let tls = Arc::new(tls.unwrap());
    assert_eq!(alarms.standing().len(), 1);
    let stopgap = tls.config();

    let stop = CancellationToken::new();
    let watching = tokio::spawn(tls.clone().watch(alarms.clone(), stop.clone()));
    write(&files);
    eventually("the alarm's end", || alarms.standing().is_empty()).await;
    assert!(!Arc::ptr_eq(&stopgap, &tls.config()));
    stop.cancel();
    watching.await.unwrap();
}
