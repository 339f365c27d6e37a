//! What the switch's thread has to say. It waits for nobody, so a task says it.
//!
//! ```text
//!               ┌─ events, answers ─► queue, bounded ─┐
//!  the thread ──┤                                     ├─► the task ─► engine, disk
//!               └─ how things stand ─► Standing ──────┘   before each word, and at the end
//! ```
//!
//! An event that finds the queue full is lost and counted. How things stand (what to remember,
//! alarms, whether anything is carried) is no queue: the task finds the latest, however much was
//! lost in between.

mod standing;

pub(crate) use standing::Words;

use crate::limits::{COMMANDS, REMEMBER_RETRY};
use crate::remember::{self, Remembered};
use arc_swap::ArcSwap;
use core::future::pending;
use serde_json::Value;
use standing::{Carried, News, Standing, news};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tidegate_engine::{
    Alarm, Connection, EventKind, RefusalCode, SourceContext, Subject, SwitchDecision,
    SwitchRefusal,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// An answer to a command.
pub(crate) type Answer = Result<Value, SwitchRefusal>;

/// One thing to be told.
#[derive(Debug)]
pub(crate) enum Told {
    /// For the record.
    Event(EventKind),
    /// To whoever gave a command, after everything before.
    Answer(oneshot::Sender<Answer>, Answer),
    /// Things stand differently.
    News,
}

/// The thread's end of it.
#[derive(Debug)]
pub(crate) struct Teller {
    sender: mpsc::Sender<Told>,
    standing: Arc<ArcSwap<Standing>>,
    lost: Arc<AtomicU64>,
}

/// The task's end.
#[derive(Debug)]
pub(crate) struct Listener {
    queue: mpsc::Receiver<Told>,
    standing: Arc<ArcSwap<Standing>>,
}

/// Both ends of a queue of so many words.
pub(crate) fn channel(words: usize) -> (Teller, Listener) {
    let (sender, queue) = mpsc::channel(words);
    let standing: Arc<ArcSwap<Standing>> = Arc::default();
    let teller = Teller {
        sender,
        standing: Arc::clone(&standing),
        lost: Arc::default(),
    };
    (teller, Listener { queue, standing })
}

impl Teller {
    /// For the record. It is lost where too much waits already: places are left for answers.
    pub(crate) fn event(&self, kind: EventKind) {
        let has_room = self.sender.capacity() > COMMANDS;
        if !has_room || self.sender.try_send(Told::Event(kind)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// For the record, of what was decided.
    pub(crate) fn decision(&self, decision: SwitchDecision) {
        self.event(EventKind::SwitchDecision(Box::new(decision)));
    }

    /// To whoever gave a command.
    pub(crate) fn answer(&self, to: oneshot::Sender<Answer>, answer: Answer) {
        let unsaid = self.sender.try_send(Told::Answer(to, answer));
        if let Err(mpsc::error::TrySendError::Full(Told::Answer(to, _))) = unsaid {
            // What has to be written down first may not be yet.
            drop(to.send(Err(SwitchRefusal::NotNow {
                code: RefusalCode::Busy,
                message: "The switch could not have it written down yet.".into(),
                advice: "Look at its status, and check the disk that holds the data folder.".into(),
            })));
        }
    }

    /// The program carries something.
    pub(crate) fn carries(&self) {
        self.stand(|standing| standing.carried = Carried::Something);
    }

    /// It carries nothing.
    pub(crate) fn dark(&self, reason: impl Into<Arc<str>>) {
        let reason = reason.into();
        self.stand(|standing| standing.carried = Carried::Nothing(reason));
    }

    /// Something needs the operator.
    pub(crate) fn raise(&self, code: &'static str, words: Words) {
        self.stand(|standing| drop(standing.alarms.insert(code, words)));
    }

    /// It does no longer.
    pub(crate) fn clear(&self, code: &'static str) {
        self.stand(|standing| drop(standing.alarms.remove(code)));
    }

    /// What is to be known after a restart.
    pub(crate) fn remember(&self, what: Remembered) {
        self.stand(|standing| standing.remembered = Some(what));
    }

    fn stand(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = Standing::clone(&self.standing.load());
        change(&mut standing);
        self.standing.store(Arc::new(standing));
        // Where much waits the task is awake, and looks all the same.
        if self.sender.capacity() > COMMANDS {
            drop(self.sender.try_send(Told::News));
        }
    }

    /// Events that nobody heard.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Listener {
    /// The next word; `None` once the thread has ended and all was heard.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        self.queue.recv().await
    }

    /// The next word, if there is one.
    pub(crate) fn next_now(&mut self) -> Option<Told> {
        self.queue.try_recv().ok()
    }
}

/// Says it to the engine and the disk.
#[derive(Debug)]
pub(crate) struct Speaker {
    context: SourceContext,
    file: Option<PathBuf>,
    standing: Arc<ArcSwap<Standing>>,
    /// As it was said last.
    said: Arc<Standing>,
    /// When writing is tried again.
    retry: Option<Instant>,
}

impl Speaker {
    pub(crate) fn new(context: SourceContext, listener: &Listener) -> Self {
        let file = remember::file(&context.data_dir, &context.name);
        Self {
            context,
            file,
            standing: Arc::clone(&listener.standing),
            said: Arc::default(),
            retry: None,
        }
    }

    pub(crate) async fn say(&mut self, told: Told) {
        // Whoever is answered may rely on it, also over a restart.
        self.say_how_it_stands().await;
        match told {
            Told::Event(kind) => self.emit(kind),
            // Who asked may have gone.
            Told::Answer(to, answer) => drop(to.send(answer)),
            Told::News => {}
        }
    }

    /// What stands differently than it was said last.
    pub(crate) async fn say_how_it_stands(&mut self) {
        let standing = self.standing.load_full();
        let said = core::mem::replace(&mut self.said, Arc::clone(&standing));
        if Arc::ptr_eq(&said, &standing) {
            return;
        }
        for news in news(&said, &standing) {
            self.say_news(news).await;
        }
    }

    /// Waits until what could not be written is to be tried again.
    pub(crate) async fn retry(&self) {
        match self.retry {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }

    /// Writes once more what could not be written.
    pub(crate) async fn write_again(&mut self) {
        if self.retry.take().is_some()
            && let Some(what) = self.said.remembered.clone()
            && self.write(what).await.is_err()
        {
            self.retry = Some(Instant::now() + REMEMBER_RETRY);
        }
    }

    async fn say_news(&mut self, news: News<'_>) {
        let report = &self.context.report;
        match news {
            News::Carries => report.connected(None),
            News::Dark(reason) => {
                report.connection(Connection::Disconnected, Some(reason.into()));
            }
            News::StillDark(reason) => report.reword(Connection::Disconnected, Some(reason.into())),
            News::Raised(code, words) => report.raise_alarm(Alarm {
                code: code.into(),
                severity: words.severity,
                text: words.text.clone(),
                advice: words.advice.into(),
                since: SystemTime::now(),
            }),
            News::Cleared(code) => report.clear_alarm(code),
            News::Remember(what) => self.remember(what.clone()).await,
        }
    }

    async fn remember(&mut self, what: Remembered) {
        let was_told = self.retry.take().is_some();
        let Err(error) = self.write(what).await else {
            return;
        };
        self.retry = Some(Instant::now() + REMEMBER_RETRY);
        if !was_told {
            let message = format!(
                "What was locked or held will not be known after a restart: {error}. Check the \
                 disk that holds the data folder; it is tried again."
            );
            self.emit(EventKind::Notice { message });
        }
    }

    async fn write(&self, what: Remembered) -> std::io::Result<()> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let write = tokio::task::spawn_blocking(move || remember::write(&file, &what));
        // One that panicked is not tried again.
        write.await.unwrap_or(Ok(()))
    }

    fn emit(&self, kind: EventKind) {
        let subject = Subject::source(&*self.context.name);
        self.context.events.emit(subject, kind);
    }
}

#[cfg(test)]
mod tests;
