use crate::desk::{Ask, Control, Desk};
use crate::limits::TOLD;
use crate::remember;
use crate::running::Running;
use crate::settings::SourceSettings;
use crate::slate;
use crate::told::{self, Speaker};
use core::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_engine::{
    BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver, SwitchControl,
    run_on_thread,
};

/// A program made out of other sources.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Those in force; a run takes them when it begins.
    settings: Mutex<SourceSettings>,
    desk: Arc<Desk>,
}

impl Switch {
    pub(crate) fn new(settings: SourceSettings) -> Self {
        Self {
            settings: Mutex::new(settings),
            desk: Arc::default(),
        }
    }

    fn settings(&self) -> MutexGuard<'_, SourceSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceDriver for Switch {
    fn kind(&self) -> &'static str {
        "switch"
    }

    fn mode(&self) -> &'static str {
        "switch"
    }

    fn run(self: Arc<Self>, context: SourceContext) -> BoxFuture<'static, Result<Ended, RunError>> {
        Box::pin(async move {
            context.report.made_here();
            let reason = Some("no input is ready yet".to_owned());
            context.report.connection(Connection::Disconnected, reason);
            let desk = Arc::clone(&self.desk);
            let shown = Arc::clone(&desk);
            let make = move || shown.shown().unwrap_or_default();
            context.report.detail_when_asked("switch", make);
            let remembered = remembered(&context).await;
            let (teller, mut told) = told::channel(TOLD);
            let mut speaker = Speaker::new(context.clone(), &told);
            let (name, stop) = (thread_name(&context.name), context.stop.clone());
            let settings = self.settings().clone();
            let seen = remembered.as_ref().and_then(|what| what.seen.as_ref());
            let data_dir = context.data_dir.to_path_buf();
            let (maker, ends) = slate::maker(settings.slate.as_ref(), data_dir, seen);
            let inside = Arc::clone(&desk);
            let work = run_on_thread(&name, stop, move |parking| {
                Running::new(&context, settings, inside, teller, remembered, ends).run(parking)
            });
            tokio::pin!(work);
            let slates = maker.run();
            tokio::pin!(slates);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    Some(told) = told.next() => speaker.say(told).await,
                    () = speaker.retry() => speaker.write_again().await,
                    () = &mut slates => {}
                }
            };
            desk.close();
            while let Some(told) = told.next_now() {
                speaker.say(told).await;
            }
            speaker.say_how_it_stands().await;
            outcome
        })
    }

    fn take_over(&self, newer: &dyn SourceDriver) -> bool {
        let newer = newer
            .as_any()
            .and_then(|newer| newer.downcast_ref::<Self>());
        let Some(newer) = newer.map(|newer| newer.settings().clone()) else {
            return false;
        };
        let mut settings = self.settings();
        let asked = self.desk.ask(Ask::Settings(Box::new(newer.clone())));
        if asked.is_ok() {
            *settings = newer;
        }
        asked.is_ok()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn switch(&self) -> Option<Arc<dyn SwitchControl>> {
        Some(Arc::new(Control(Arc::clone(&self.desk))))
    }
}

/// Linux keeps fifteen bytes of it.
fn thread_name(source: &str) -> String {
    format!("switch {source}")
}

async fn remembered(context: &SourceContext) -> Option<remember::Remembered> {
    let file = remember::file(&context.data_dir, &context.name)?;
    let read = tokio::task::spawn_blocking(move || remember::read(&file));
    read.await.ok().flatten()
}
