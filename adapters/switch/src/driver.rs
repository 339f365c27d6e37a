use crate::desk::{Control, Desk};
use crate::limits::TOLD;
use crate::remember;
use crate::running::Running;
use crate::settings::SourceSettings;
use crate::slate;
use crate::told::{Speaker, Teller};
use std::sync::Arc;
use tidegate_engine::{
    BoxFuture, Connection, Ended, RunError, SourceContext, SourceDriver, SwitchControl,
    run_on_thread,
};
use tokio::sync::mpsc;

/// A program made out of other sources.
#[derive(Debug)]
pub(crate) struct Switch {
    settings: SourceSettings,
    desk: Arc<Desk>,
}

impl Switch {
    pub(crate) fn new(settings: SourceSettings) -> Self {
        Self {
            settings,
            desk: Arc::default(),
        }
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
            let reason = Some("no input is ready yet".to_owned());
            context.report.connection(Connection::Disconnected, reason);
            let desk = Arc::clone(&self.desk);
            let shown = Arc::clone(&desk);
            let make = move || shown.shown().unwrap_or_default();
            context.report.detail_when_asked("switch", make);
            let remembered = remembered(&context).await;
            let speaker = Speaker::new(context.clone());
            let (sender, mut told) = mpsc::channel(TOLD);
            let (name, stop) = (thread_name(&context.name), context.stop.clone());
            let settings = self.settings.clone();
            let made = slate::maker(settings.slate.as_ref(), context.data_dir.to_path_buf());
            let (maker, ends) = made.unzip();
            let inside = Arc::clone(&desk);
            let work = run_on_thread(&name, stop, move |parking| {
                let teller = Teller::new(sender);
                Running::new(&context, settings, inside, teller, remembered, ends).run(parking)
            });
            tokio::pin!(work);
            let slates = slate::run(maker);
            tokio::pin!(slates);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    Some(told) = told.recv() => speaker.say(told).await,
                    () = &mut slates => {}
                }
            };
            desk.close();
            while let Ok(told) = told.try_recv() {
                speaker.say(told).await;
            }
            outcome
        })
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
