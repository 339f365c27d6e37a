//! One pass: what is applied against what is desired.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use tidegate_engine::{EngineError, OutputDriver, OutputSpec, RunError, SourceSpec};

use super::{AT_A_TIME, Reconciler};
use crate::adapters::{Item, ListenerConfig, OutputConfig, SourceConfig};
use crate::state::Desired;

/// What the engine was last made to be; secrets in it are values.
#[derive(Default)]
pub(super) struct Applied {
    listeners: BTreeMap<String, AppliedListener>,
    sources: BTreeMap<String, SourceConfig>,
    outputs: BTreeMap<String, AppliedOutput>,
}

/// A listener the adapter knows: one whose change failed may still be open as it was before.
struct AppliedListener {
    config: ListenerConfig,
    in_force: bool,
}

#[derive(Clone)]
struct AppliedOutput {
    config: OutputConfig,
    driver: Arc<dyn OutputDriver>,
}

impl Applied {
    /// Consumers go before producers and come after them, so that nothing runs without what
    /// it needs for longer than it must.
    pub(super) async fn bring_to(&mut self, desired: &Desired, by: &Reconciler) {
        self.remove_outputs(desired, by).await;
        self.remove_sources(desired, by).await;
        self.remove_listeners(desired, by).await;
        for listener in &desired.document.listeners {
            self.set_listener(listener, desired, by).await;
        }
        self.set_sources(desired, by).await;
        self.set_outputs(desired, by).await;
    }

    async fn remove_outputs(&mut self, desired: &Desired, by: &Reconciler) {
        let gone = gone::<OutputConfig, _>(&self.outputs, desired);
        futures_util::stream::iter(&gone)
            .for_each_concurrent(AT_A_TIME, |name| async move {
                // "Unknown" means it is gone already.
                let _ = by.engine.remove_output(name).await;
                by.convergence.done(OutputConfig::WHAT, name);
            })
            .await;
        gone.iter().for_each(|name| drop(self.outputs.remove(name)));
        by.forget_errors::<OutputConfig>(desired);
    }

    async fn remove_sources(&mut self, desired: &Desired, by: &Reconciler) {
        let gone = gone::<SourceConfig, _>(&self.sources, desired);
        futures_util::stream::iter(&gone)
            .for_each_concurrent(AT_A_TIME, |name| async move {
                let _ = by.engine.remove_source(name).await;
                by.adapters.forget_source(by.engine.data_dir(), name);
                by.convergence.done(SourceConfig::WHAT, name);
            })
            .await;
        gone.iter().for_each(|name| drop(self.sources.remove(name)));
        by.forget_errors::<SourceConfig>(desired);
    }

    async fn remove_listeners(&mut self, desired: &Desired, by: &Reconciler) {
        for name in gone::<ListenerConfig, _>(&self.listeners, desired) {
            if let Some(old) = self.listeners.remove(&name) {
                by.adapters.remove_listener(&old.config).await;
            }
        }
        by.forget_errors::<ListenerConfig>(desired);
    }

    async fn set_listener(&mut self, config: &ListenerConfig, desired: &Desired, by: &Reconciler) {
        let name = config.name.as_str();
        let Some(wanted) = by.resolved(config, desired) else {
            return;
        };
        let old = self.listeners.get(name);
        if old.is_some_and(|old| old.in_force && old.config == wanted) {
            by.convergence.done(ListenerConfig::WHAT, name);
            return;
        }
        if let Some(old) = old.filter(|old| old.config.kind() != wanted.kind()) {
            by.adapters.remove_listener(&old.config).await;
        }
        let set = by.adapters.set_listener(&wanted, by.engine.events()).await;
        match &set {
            Ok(bound) => {
                tracing::info!("listener {name}: listening on {bound}");
                by.convergence.done(ListenerConfig::WHAT, name);
            }
            Err(error) => by.convergence.failed(ListenerConfig::WHAT, name, error),
        }
        let applied = AppliedListener {
            config: wanted,
            in_force: set.is_ok(),
        };
        self.listeners.insert(name.to_owned(), applied);
    }

    async fn set_sources(&mut self, desired: &Desired, by: &Reconciler) {
        let wanted = desired.document.sources.iter().filter_map(|config| {
            let wanted = by.resolved(config, desired)?;
            let old = self.sources.get(config.name.as_str());
            let same = old == Some(&wanted);
            by.to_do::<SourceConfig>(&wanted.name, same)
                .then(|| (old.cloned(), wanted))
        });
        let wanted: Vec<_> = wanted.collect();
        let set: Vec<Option<SourceConfig>> = futures_util::stream::iter(wanted)
            .map(|(old, wanted)| async move {
                let done = by.set_source(old.as_ref(), &wanted, desired).await;
                by.noted::<SourceConfig>(&wanted.name, done)
                    .then_some(wanted)
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for config in set.into_iter().flatten() {
            self.sources.insert(config.name.to_string(), config);
        }
    }

    async fn set_outputs(&mut self, desired: &Desired, by: &Reconciler) {
        let wanted = desired.document.outputs.iter().filter_map(|config| {
            let wanted = by.resolved(config, desired)?;
            let old = self.outputs.get(config.name.as_str());
            let same = old.is_some_and(|old| old.config == wanted);
            by.to_do::<OutputConfig>(&wanted.name, same)
                .then(|| (old.cloned(), wanted))
        });
        let wanted: Vec<_> = wanted.collect();
        let set: Vec<Option<AppliedOutput>> = futures_util::stream::iter(wanted)
            .map(|(old, wanted)| async move {
                match by.set_output(old, &wanted, desired).await {
                    Ok(driver) => {
                        by.convergence.done(OutputConfig::WHAT, &wanted.name);
                        Some(AppliedOutput {
                            config: wanted,
                            driver,
                        })
                    }
                    Err(error) => {
                        by.convergence
                            .failed(OutputConfig::WHAT, &wanted.name, &error);
                        None
                    }
                }
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for applied in set.into_iter().flatten() {
            self.outputs
                .insert(applied.config.name.to_string(), applied);
        }
    }
}

impl Reconciler {
    async fn set_source(
        &self,
        old: Option<&SourceConfig>,
        wanted: &SourceConfig,
        desired: &Desired,
    ) -> Result<(), RunError> {
        let same_driver = old.is_some_and(|old| {
            *old == SourceConfig {
                expect: old.expect.clone(),
                ..wanted.clone()
            }
        });
        let expect = wanted.expect.clone();
        if same_driver && self.engine.set_expect(&wanted.name, expect.clone()).is_ok() {
            return Ok(());
        }
        let driver = self.adapters.source(wanted, &desired.vault)?;
        self.engine
            .set_source(&wanted.name, SourceSpec { driver, expect })
            .await
            .map_err(refused)
    }

    async fn set_output(
        &self,
        old: Option<AppliedOutput>,
        wanted: &OutputConfig,
        desired: &Desired,
    ) -> Result<Arc<dyn OutputDriver>, RunError> {
        let same_driver = old.filter(|old| {
            old.config
                == OutputConfig {
                    source: old.config.source.clone(),
                    ..wanted.clone()
                }
        });
        // The same driver again is only pointed at the other source.
        let driver = match same_driver {
            Some(old) => old.driver,
            None => self.adapters.output(wanted, &desired.vault)?,
        };
        let source = wanted.source.to_string();
        let spec = OutputSpec {
            source,
            driver: driver.clone(),
        };
        self.engine
            .set_output(&wanted.name, spec)
            .await
            .map_err(refused)?;
        Ok(driver)
    }

    /// The object with its secrets' values; `None`, and reported, when one cannot be had.
    fn resolved<T: Item>(&self, config: &T, desired: &Desired) -> Option<T> {
        let resolved = desired.vault.resolved(config);
        let report = |problem: &crate::config::ConfigProblem| {
            let error = RunError::configuration(problem.message.clone(), "Give it a value.");
            self.convergence.failed(T::WHAT, config.name(), &error);
        };
        resolved.inspect_err(report).ok()
    }

    /// Whether there is anything to do. What is as it should be again has no error any more.
    fn to_do<T: Item>(&self, name: &str, same: bool) -> bool {
        if same {
            self.convergence.done(T::WHAT, name);
        }
        !same
    }

    fn noted<T: Item>(&self, name: &str, done: Result<(), RunError>) -> bool {
        match done {
            Ok(()) => {
                self.convergence.done(T::WHAT, name);
                true
            }
            Err(error) => {
                self.convergence.failed(T::WHAT, name, &error);
                false
            }
        }
    }

    /// Objects that never could be applied leave an error behind when they go.
    fn forget_errors<T: Item>(&self, desired: &Desired) {
        self.convergence
            .forget(T::WHAT, |name| desired.find::<T>(name).is_some());
    }
}

fn gone<T: Item, V>(applied: &BTreeMap<String, V>, desired: &Desired) -> Vec<String> {
    applied
        .keys()
        .filter(|name| desired.find::<T>(name).is_none())
        .cloned()
        .collect()
}

fn refused(error: EngineError) -> RunError {
    RunError::ours(
        error.to_string(),
        "Delete what is no longer needed, or try again.",
    )
}
