//! What TLS trusts: the system's certificates, or those in a file that the operator names.

use crate::error::NetError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Where Debian and most others keep the certificates everybody trusts.
pub const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Files kept at a time; configurations name one or two.
const FILES_MAX: usize = 16;

type Kept = BTreeMap<PathBuf, (Option<SystemTime>, Arc<ClientConfig>)>;

/// By file, with when it was written.
static KEPT: Mutex<Kept> = Mutex::new(BTreeMap::new());

/// How a client checks whom it talks to. Read once per file, and again when the file changes;
/// shared, so that a session can be resumed.
///
/// # Errors
/// When the file cannot be used.
pub async fn trust(ca: Option<&Path>) -> Result<Arc<ClientConfig>, NetError> {
    let file = ca.unwrap_or_else(|| Path::new(SYSTEM_ROOTS)).to_owned();
    let changed = tokio::fs::metadata(&file)
        .await
        .and_then(|metadata| metadata.modified())
        .ok();
    if let Some((at, config)) = kept().get(&file)
        && *at == changed
    {
        return Ok(Arc::clone(config));
    }
    let path = file.clone();
    // Some hundred certificates take a while to read.
    let read = tokio::task::spawn_blocking(move || client_config(&path));
    let config = read.await.unwrap_or_else(|_| {
        Err(NetError::ours(
            "no certificate can be checked: the server is stopping",
            "Call again",
        ))
    })?;
    let config = Arc::new(config);
    let mut kept = kept();
    if kept.len() >= FILES_MAX {
        kept.clear();
    }
    kept.insert(file, (changed, Arc::clone(&config)));
    Ok(config)
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks against the certificates in `roots` (PEM).
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn client_config(roots: &Path) -> Result<ClientConfig, NetError> {
    let unusable = |error: String| {
        NetError::ours(
            format!(
                "no certificate can be checked: {} cannot be used: {error}",
                roots.display()
            ),
            "Name a file with certificates (PEM) with ca",
        )
    };
    let (mut trusted, mut unusual) = (RootCertStore::empty(), None);
    let certificates =
        CertificateDer::pem_file_iter(roots).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        // One of many that cannot be checked against is no reason to trust nobody.
        if let Err(error) = trusted.add(certificate) {
            unusual = Some(error.to_string());
        }
    }
    if trusted.is_empty() {
        let why = unusual.unwrap_or_else(|| "it holds no certificate".to_owned());
        return Err(unusable(why));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(builder
        .with_root_certificates(trusted)
        .with_no_client_auth())
}
