//! Who may call, in the settings of listeners, sources and outputs.

use tidegate_engine::SettingsError;

/// Connections or readers that can be allowed: as many as one media thread holds.
pub(super) const PLACES_MAX: u32 = 20_000;

/// What is about callers makes no sense where we call.
pub(super) fn check_only_for_callers(
    calls: bool,
    set: &[(&'static str, bool)],
) -> Result<(), SettingsError> {
    match set.iter().find(|(_, is_set)| calls && *is_set) {
        Some((field, _)) => Err(SettingsError::new(
            field,
            format!("`{field}` is about who calls, and here Tidegate calls"),
        )
        .advise("leave it out, or use a listener")),
        None => Ok(()),
    }
}
