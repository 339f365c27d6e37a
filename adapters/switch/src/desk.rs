//! Where commands come in, and the status is taken from.

use crate::limits::{ANSWER, COMMANDS};
use crate::settings::SourceSettings;
use crate::status::Status;
use crate::told::Answer;
use arc_swap::ArcSwapOption;
use core::fmt;
use core::time::Duration;
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tidegate_engine::{BoxFuture, RefusalCode, SwitchCommand, SwitchControl, SwitchRefusal, Wake};
use tokio::sync::oneshot;

/// What the switch's thread is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A command, by whom, and where the answer goes.
    Command(SwitchCommand, Arc<str>, oneshot::Sender<Answer>),
    /// To go on under other settings.
    Settings(Box<SourceSettings>),
}

/// The desk of one switch, also while it does not run.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    door: ArcSwapOption<Door>,
    status: ArcSwapOption<Status>,
}

struct Door {
    asks: SyncSender<Ask>,
    wake: Arc<dyn Wake>,
}

impl Desk {
    /// Opens it for a thread that begins; what it is asked comes out of the receiver.
    pub(crate) fn open(&self, wake: Arc<dyn Wake>) -> Receiver<Ask> {
        let (asks, receiver) = sync_channel(COMMANDS);
        self.door.store(Some(Arc::new(Door { asks, wake })));
        receiver
    }

    pub(crate) fn close(&self) {
        self.door.store(None);
        self.status.store(None);
    }

    pub(crate) fn show(&self, status: Arc<Status>) {
        self.status.store(Some(status));
    }

    pub(crate) fn shown(&self) -> Option<Value> {
        let status = self.status.load_full()?;
        serde_json::to_value(&*status).ok()
    }

    /// Asks without waiting; whether it was taken.
    pub(crate) fn ask(&self, ask: Ask) -> Result<(), SwitchRefusal> {
        let Some(door) = self.door.load_full() else {
            return Err(SwitchRefusal::NotRunning);
        };
        match door.asks.try_send(ask) {
            Ok(()) => {
                door.wake.wake();
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => Err(SwitchRefusal::NotRunning),
            Err(TrySendError::Full(_)) => Err(SwitchRefusal::NotNow {
                code: RefusalCode::Busy,
                message: "Too many commands wait for the switch.".into(),
                advice: "Try again in a moment.".into(),
            }),
        }
    }
}

/// How long the answer to a command may take: a test of the backup is answered when it is over.
const fn patience(command: &SwitchCommand) -> Duration {
    match command {
        SwitchCommand::Drill { on_air: false, .. } => ANSWER.saturating_add(crate::limits::DRILL),
        _ => ANSWER,
    }
}

/// A desk as the engine knows it.
#[derive(Clone, Debug)]
pub(crate) struct Control(pub(crate) Arc<Desk>);

impl SwitchControl for Control {
    fn command(&self, command: SwitchCommand, by: &str) -> BoxFuture<'static, Answer> {
        let (desk, by) = (Arc::clone(&self.0), by.into());
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let patience = patience(&command);
            desk.ask(Ask::Command(command, by, answer))?;
            match tokio::time::timeout(patience, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(SwitchRefusal::NotRunning),
                Err(_) => Err(SwitchRefusal::NotNow {
                    code: RefusalCode::Busy,
                    message: "The switch has not answered in time.".into(),
                    advice: "Look at its status: it may have done it all the same.".into(),
                }),
            }
        })
    }

    fn status(&self) -> Option<Value> {
        self.0.shown()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}
