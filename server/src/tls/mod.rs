//! Certificates: from files, read again when they change, or self-signed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::alarms::{Alarms, SystemAlarm};
use crate::config::TlsFiles;

/// How often the files are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
/// Largest certificate or key file read.
const FILE_BYTES_MAX: u64 = 1 << 20;
const ALARM: &str = "tls_files";
/// The certificate in use.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    loaded: Stamp,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Loads the operator's files.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn from_files(files: TlsFiles) -> anyhow::Result<Self> {
        // Taken before reading: what changes in between is read once more.
        let loaded = stamp(&files);
        let config = ArcSwap::from(load(&files)?);
        Ok(Self {
            files,
            loaded,
            config,
        })
    }

    /// Loads the self-signed certificate in `folder`, making it at the first start.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn self_signed(folder: &Path, public_host: Option<&str>) -> anyhow::Result<Self> {
        let files = TlsFiles {
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        if !files.cert.exists() || !files.key.exists() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            make_self_signed(&files, public_host)?;
        }
        Self::from_files(files)
    }

    /// Loads the operator's files, or serves with the self-signed certificate in `folder`
    /// until they can be used: a certificate must not keep a station off the air.
    ///
    /// # Errors
    /// When there is no self-signed one either.
    pub fn from_files_or_self_signed(
        files: TlsFiles,
        folder: &Path,
        public_host: Option<&str>,
        alarms: &Alarms,
    ) -> anyhow::Result<Self> {
        let loaded = stamp(&files);
        let error = match Self::from_files(files.clone()) {
            Ok(tls) => return Ok(tls),
            Err(error) => error,
        };
        let config = Self::self_signed(folder, public_host)?.config;
        alarms.raise(SystemAlarm {
            code: ALARM,
            text: format!("The TLS files cannot be used: {error:#}."),
            advice: "A self-signed certificate is in use. Correct the files.".into(),
        });
        Ok(Self {
            files,
            loaded,
            config,
        })
    }

    /// The certificate to use for the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files again whenever they change, until `stop`. Files that cannot be used
    /// leave the old certificate in place and raise an alarm.
    pub async fn watch(self: Arc<Self>, alarms: Arc<Alarms>, stop: CancellationToken) {
        let mut seen = self.loaded;
        let mut ticks = tokio::time::interval(WATCH_INTERVAL);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = stamp(&self.files);
            if now == seen {
                continue;
            }
            seen = now;
            match load(&self.files) {
                Ok(config) => {
                    self.config.store(config);
                    alarms.clear(ALARM);
                    let cert = self.files.cert.display();
                    tracing::info!("the TLS certificate {cert} was read again");
                }
                Err(error) => alarms.raise(SystemAlarm {
                    code: ALARM,
                    text: format!("The new TLS files cannot be used: {error:#}."),
                    advice: "The old certificate stays in use. Write both files again.".into(),
                }),
            }
        }
    }
}

type Stamp = [Option<(SystemTime, u64)>; 2];

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.cert, &files.key].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn load(files: &TlsFiles) -> anyhow::Result<Arc<ServerConfig>> {
    let certificates = read(&files.cert)?;
    let chain = CertificateDer::pem_slice_iter(&certificates)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is not a PEM file", files.cert.display()))?;
    ensure!(
        !chain.is_empty(),
        "{} holds no certificate",
        files.cert.display()
    );
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .with_context(|| format!("{} holds no private key", files.key.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and key do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(bytes)
}

fn make_self_signed(files: &TlsFiles, public_host: Option<&str>) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut names: Vec<String> = vec!["localhost".into(), "127.0.0.1".into(), "::1".into()];
    names.extend(public_host.map(|host| host.trim_matches(['[', ']']).to_owned()));
    let made = rcgen::generate_simple_self_signed(names).context("no certificate can be made")?;
    let mut key = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&files.key)
        .with_context(|| format!("{} cannot be written", files.key.display()))?;
    key.write_all(made.signing_key.serialize_pem().as_bytes())?;
    std::fs::write(&files.cert, made.cert.pem())
        .with_context(|| format!("{} cannot be written", files.cert.display()))
}

#[cfg(test)]
mod tests;
