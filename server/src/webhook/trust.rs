use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ClientConfig;
use tidegate_adapter_srt::NoAnswer;

use super::failed;
use crate::tls::{SYSTEM_ROOTS, client_config};

/// Files kept at a time; configurations name one or two.
const FILES_MAX: usize = 16;

type Kept = (Option<SystemTime>, Arc<ClientConfig>);

/// What TLS trusts, by file.
#[derive(Debug, Default)]
pub(super) struct Trust {
    kept: Mutex<BTreeMap<PathBuf, Kept>>,
}

impl Trust {
    pub(super) async fn of(&self, ca: Option<&Path>) -> Result<Arc<ClientConfig>, NoAnswer> {
        let file = ca.unwrap_or_else(|| Path::new(SYSTEM_ROOTS)).to_owned();
        let changed = tokio::fs::metadata(&file)
            .await
            .and_then(|metadata| metadata.modified())
            .ok();
        if let Some((at, config)) = self.kept().get(&file)
            && *at == changed
        {
            return Ok(Arc::clone(config));
        }
        let path = file.clone();
        // Some hundred certificates take a while to read.
        let read = tokio::task::spawn_blocking(move || client_config(&path));
        let config = match read.await {
            Ok(Ok(config)) => Arc::new(config),
            Ok(Err(error)) => {
                return Err(failed(
                    format!("the webhook's certificate cannot be checked: {error:#}"),
                    "Name a file with certificates (PEM) with the webhook's ca",
                ));
            }
            Err(_) => {
                return Err(failed(
                    "the webhook's certificate cannot be checked: the server is stopping",
                    "Call again",
                ));
            }
        };
        let mut kept = self.kept();
        if kept.len() >= FILES_MAX {
            kept.clear();
        }
        kept.insert(file, (changed, Arc::clone(&config)));
        Ok(config)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
