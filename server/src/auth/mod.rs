//! Who may do what: one administrator, sessions by cookie, one bearer token.

mod gate;
mod limiter;
mod password;
mod session;
mod token;

pub use gate::{Access, CSRF_HEADER, Identity, LoginError, SESSION_COOKIE};
pub use limiter::{ATTEMPTS_MAX, AttemptLimiter, REFILL};
pub use password::{Password, generate as generate_password, hash as hash_password};
pub use session::{SESSION_LIFETIME, Sessions};
pub use token::{BearerToken, random_text};
