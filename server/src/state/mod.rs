//! The one desired state behind file, API and dashboard.

mod control;
mod desired;
mod vault;

pub(crate) use control::not_found;
pub use control::{ApplyError, ChangeError, Changed, Control, Drift};
pub use desired::{Desired, UnreadableObject};
pub use vault::{Vault, shown};

#[cfg(test)]
mod tests;
