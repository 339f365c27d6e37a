//! What the switch's thread has to say. It waits for nobody, so a task says it.

use crate::remember::{self, Remembered};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tidegate_engine::{
    Alarm, Connection, EventKind, Severity, SourceContext, Subject, SwitchRefusal,
};
use tokio::sync::{mpsc, oneshot};

/// An answer to a command.
pub(crate) type Answer = Result<Value, SwitchRefusal>;

/// One thing to be told.
#[derive(Debug)]
pub(crate) enum Told {
    /// For the record.
    Event(EventKind),
    /// The program carries something again.
    Carries,
    /// It carries nothing.
    Dark(String),
    /// Something needs the operator, or no longer.
    Alarm(&'static str, Option<Words>),
    /// What is to be known after a restart.
    Remember(Option<Remembered>),
    /// To whoever gave a command, after everything before.
    Answer(oneshot::Sender<Answer>, Answer),
}

/// What an alarm says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) severity: Severity,
    pub(crate) text: String,
    pub(crate) advice: &'static str,
}

/// The thread's end of it.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    sender: mpsc::Sender<Told>,
    lost: Arc<AtomicU64>,
}

impl Teller {
    pub(crate) fn new(sender: mpsc::Sender<Told>) -> Self {
        Self {
            sender,
            lost: Arc::default(),
        }
    }

    pub(crate) fn tell(&self, told: Told) {
        match self.sender.try_send(told) {
            Ok(()) => {}
            // Whoever waits for an answer gets it all the same.
            Err(mpsc::error::TrySendError::Full(Told::Answer(to, answer))) => {
                drop(to.send(answer));
            }
            Err(_) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What nobody heard.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// The task's end: says it to the engine.
#[derive(Debug)]
pub(crate) struct Speaker {
    context: SourceContext,
    file: Option<PathBuf>,
}

impl Speaker {
    pub(crate) fn new(context: SourceContext) -> Self {
        let file = remember::file(&context.data_dir, &context.name);
        Self { context, file }
    }

    pub(crate) async fn say(&self, told: Told) {
        let report = &self.context.report;
        match told {
            Told::Event(kind) => {
                let subject = Subject::source(&*self.context.name);
                self.context.events.emit(subject, kind);
            }
            Told::Carries => report.connected(None),
            Told::Dark(reason) => report.connection(Connection::Disconnected, Some(reason)),
            Told::Alarm(code, Some(words)) => report.raise_alarm(Alarm {
                code: code.into(),
                severity: words.severity,
                text: words.text,
                advice: words.advice.into(),
                since: SystemTime::now(),
            }),
            Told::Alarm(code, None) => report.clear_alarm(code),
            Told::Remember(what) => self.remember(what).await,
            // Who asked may have gone.
            Told::Answer(to, answer) => drop(to.send(answer)),
        }
    }

    async fn remember(&self, what: Option<Remembered>) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let write = tokio::task::spawn_blocking(move || remember::write(&file, what.as_ref()));
        let outcome = write.await.unwrap_or(Ok(()));
        if let Err(error) = outcome {
            let message = format!(
                "What was locked or held will not be known after a restart: {error}. Check the \
                 disk that holds the data folder."
            );
            let subject = Subject::source(&*self.context.name);
            let notice = EventKind::Notice { message };
            self.context.events.emit(subject, notice);
        }
    }
}
