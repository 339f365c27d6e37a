//! Says so when a change waits for the next start.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::alarms::{Alarms, SystemAlarm};
use crate::config::HttpConfig;
use crate::state::Control;

const ALARM: &str = "restart_needed";

/// Ports and certificate files are taken from the configuration once. Stands in alarm while
/// what was `started` with is not what is configured.
pub(super) async fn watch(
    control: Arc<Control>,
    alarms: Arc<Alarms>,
    started: Option<HttpConfig>,
    stop: CancellationToken,
) {
    let mut desired = control.subscribe();
    loop {
        if desired.borrow_and_update().document.http == started {
            alarms.clear(ALARM);
        } else {
            alarms.raise(SystemAlarm {
                code: ALARM,
                text: "The settings under \"http\" have changed.".into(),
                advice: "Start Tidegate again to use them.".into(),
            });
        }
        tokio::select! {
            changed = desired.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}
