use std::net::IpAddr;
use std::sync::Arc;

use tidegate_engine::allows;

use super::Listening;
use crate::lock::{Asked, Lock, Rule};
use crate::passphrases::Passphrase;
use crate::settings::ListenerSettings;

/// Who may stay that came in under other settings.
pub(crate) struct Stay {
    rule: Rule,
    asked: Arc<Asked>,
    listener: Option<Arc<ListenerSettings>>,
}

impl Listening {
    /// Who may stay that came in through this lock.
    pub(crate) fn stay(&self, lock: &Lock) -> Stay {
        Stay {
            rule: self.rule(lock),
            asked: lock.asked(),
            listener: self.settings.load_full(),
        }
    }
}

impl Stay {
    /// Whether somebody who came in with this passphrase, or none, would still come in.
    pub(crate) fn is_right(&self, used: Option<&Passphrase>) -> bool {
        self.rule.still_admits(used)
    }

    /// Whether callers from there still come in.
    pub(crate) fn is_allowed(&self, address: IpAddr) -> bool {
        let listener = self.listener.as_ref();
        allows(&self.asked.rules.allow, address)
            && listener.is_none_or(|listener| allows(&listener.allow, address))
    }
}
