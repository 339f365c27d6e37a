//! The certificate of a listener: from files, read again when they change.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidegate_engine::{Alarm, EventKind, EventSink, RunError, Severity, Subject};
use tokio::time::{MissedTickBehavior, interval};

use super::TlsFiles;
use crate::limits::{CERTIFICATE_BYTES_MAX, CERTIFICATE_LOOK};

const ALARM: &str = "tls_files";

/// A certificate in use.
pub(super) struct Certificate {
    files: TlsFiles,
    /// What the files were when they were read.
    loaded: Stamp,
    config: ArcSwap<ServerConfig>,
    /// Why newer files are not in use.
    alarm: ArcSwapOption<Alarm>,
}

/// Time and length of both files.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads the files.
    pub(super) fn load(files: &TlsFiles) -> Result<Arc<Self>, RunError> {
        // Taken before reading: what changes in between is read once more.
        let loaded = stamp(files);
        let config = load(files).map_err(|problem| {
            let message = format!("The TLS files cannot be used: {problem}");
            RunError::ours(message, "Correct the files; they are looked at again.")
        })?;
        Ok(Arc::new(Self {
            files: files.clone(),
            loaded,
            config: ArcSwap::from_pointee(config),
            alarm: ArcSwapOption::empty(),
        }))
    }

    pub(super) fn is_of(&self, files: &TlsFiles) -> bool {
        self.files == *files
    }

    /// What to greet the next connection with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    pub(super) fn alarm(&self) -> Option<Arc<Alarm>> {
        self.alarm.load_full()
    }

    /// Reads the files again whenever they change, for as long as the certificate is in use.
    pub(super) async fn watch(certificate: Weak<Self>, subject: Subject, events: EventSink) {
        let mut seen = match certificate.upgrade() {
            Some(certificate) => certificate.loaded,
            None => return,
        };
        let mut tick = interval(CERTIFICATE_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let Some(certificate) = certificate.upgrade() else {
                return;
            };
            let now = stamp(&certificate.files);
            if std::mem::replace(&mut seen, now) != now {
                certificate.renew(&subject, &events);
            }
        }
    }

    fn renew(&self, subject: &Subject, events: &EventSink) {
        let kind = match load(&self.files) {
            Ok(config) => {
                self.config.store(Arc::new(config));
                let Some(alarm) = self.alarm.swap(None) else {
                    return;
                };
                let lasted = alarm.since.elapsed().unwrap_or_default();
                EventKind::AlarmCleared {
                    code: ALARM.into(),
                    lasted_ms: u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
                }
            }
            Err(problem) => {
                let alarm = Alarm {
                    code: ALARM.into(),
                    severity: Severity::Warning,
                    text: format!("The new TLS files cannot be used: {problem}"),
                    advice: "The old certificate stays in use. Write both files again.".into(),
                    since: SystemTime::now(),
                };
                self.alarm.store(Some(Arc::new(alarm.clone())));
                EventKind::AlarmRaised(alarm)
            }
        };
        events.emit(subject.clone(), kind);
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.cert, &files.key].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn load(files: &TlsFiles) -> Result<ServerConfig, String> {
    let (cert, key) = (&files.cert, &files.key);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(cert)?).collect();
    let chain = chain.map_err(|_| format!("{} is not a PEM file", cert.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate", cert.display()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| format!("{} holds no private key", key.display()))?;
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|_| "certificate and key do not belong together".to_owned())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(CERTIFICATE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(bytes)
}
