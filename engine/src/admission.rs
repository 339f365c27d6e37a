//! What the settings of everything that is called have in common: from where, and how many.

use std::net::IpAddr;

use crate::{Cidr, SettingsError};

/// Networks in one list; whoever needs more has a firewall.
const NETWORKS_MAX: usize = 256;

/// Whether a list of allowed networks lets this address in; an empty one lets in everybody.
#[must_use]
pub fn allows(allow: &[Cidr], address: IpAddr) -> bool {
    allow.is_empty() || allow.iter().any(|network| network.0.contains(address))
}

/// Whether the list `allow` is one that can be kept.
///
/// # Errors
/// If it is too long.
pub fn check_allow(allow: &[Cidr]) -> Result<(), SettingsError> {
    if allow.len() <= NETWORKS_MAX {
        return Ok(());
    }
    let count = allow.len();
    let message = format!("{count} networks are more than the {NETWORKS_MAX} allowed");
    Err(SettingsError::new("allow", message)
        .advise("name larger networks, or let a webhook or a firewall decide"))
}

/// Whether a limit on connections, readers or players is one that can be kept.
///
/// # Errors
/// If it is 0, or more than `most`.
pub fn check_places(field: &'static str, count: u32, most: u32) -> Result<(), SettingsError> {
    if count == 0 {
        return Err(SettingsError::new(field, "with 0 nobody could come in")
            .advise("remove the object if nobody is to come in"));
    }
    if count > most {
        let message = format!("{count} are more than the {most} allowed");
        return Err(SettingsError::new(field, message)
            .advise("share them out over several listeners, outputs or nodes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Cidr> {
        let network = |text: &&str| Cidr(text.parse().unwrap());
        texts.iter().map(network).collect()
    }

    #[test]
    fn an_empty_list_lets_in_everybody_and_another_its_networks() {
        let somebody = "192.0.2.7".parse().unwrap();
        let mapped = "::ffff:192.0.2.7".parse().unwrap();
        assert!(allows(&[], somebody));
        let allow = networks(&["198.51.100.0/24", "192.0.2.0/24"]);
        assert!(allows(&allow, somebody) && allows(&allow, mapped));
        assert!(!allows(&allow[..1], somebody));
    }

    #[test]
    fn limits_that_cannot_be_kept_are_refused_by_name() {
        assert!(check_places("max_readers", 1, 10).is_ok());
        assert!(check_places("max_readers", 10, 10).is_ok());
        for count in [0, 11] {
            let error = check_places("max_readers", count, 10).unwrap_err();
            assert_eq!(error.field, "max_readers");
            assert!(error.advice.is_some());
        }
        let many = networks(&["192.0.2.7"; NETWORKS_MAX + 1]);
        assert_eq!(check_allow(&many).unwrap_err().field, "allow");
        assert!(check_allow(&many[1..]).is_ok());
    }
}
