//! Who may call, in the settings of listeners, sources and outputs.

use tidegate_engine::{Cidr, SettingsError};

/// Networks in one list; whoever needs more has a firewall.
const NETWORKS_MAX: usize = 256;

/// Connections or readers that can be allowed: as many as one media thread holds.
pub(super) const PLACES_MAX: u32 = 20_000;

pub(super) fn check_allow(allow: &[Cidr]) -> Result<(), SettingsError> {
    if allow.len() <= NETWORKS_MAX {
        return Ok(());
    }
    let message = format!(
        "{} networks are more than the {NETWORKS_MAX} allowed",
        allow.len()
    );
    Err(SettingsError::new("allow", message)
        .advise("name larger networks, or let a webhook or a firewall decide"))
}

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

/// Whether a limit on connections or readers is one that can be kept.
pub(super) fn check_places(field: &'static str, count: u32) -> Result<(), SettingsError> {
    match count {
        0 => Err(SettingsError::new(field, "with 0 nobody could come in")
            .advise("remove the object if nobody is to come in")),
        1..=PLACES_MAX => Ok(()),
        _ => Err(SettingsError::new(
            field,
            format!("{count} are more than the {PLACES_MAX} allowed"),
        )
        .advise("share them out over several listeners, outputs or nodes")),
    }
}
