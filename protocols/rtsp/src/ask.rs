//! What a connection asks of whoever serves, and what may be answered.

#[cfg(doc)]
use crate::Connection;
use crate::transport::Offer;

/// What the connection wants to know, or to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Who may have what is at this path? Answer with [`Connection::access`].
    Access {
        /// Without slashes at its ends.
        path: String,
    },
    /// What is there? Answer with [`Connection::described`].
    Describe {
        /// Without slashes at its ends.
        path: String,
    },
    /// One medium is wanted. Answer with [`Connection::set_up`].
    SetUp {
        /// Without slashes at its ends, and without the medium.
        path: String,
        /// Its place in the description; `None` where the client named none.
        medium: Option<usize>,
        /// How it shall come.
        offer: Offer,
    },
    /// All media that were set up are wanted now. Answer with [`Connection::played`].
    Play,
    /// The media are not wanted any more; nothing to answer.
    TearDown,
    /// Somebody was turned away; nothing to answer.
    Denied {
        /// What was asked for.
        path: String,
        /// Why not.
        why: Denied,
    },
}

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Nothing is there.
    UnknownPath,
    /// The user name or the password is wrong.
    WrongPassword,
    /// Nobody may from where it comes.
    NotFromThere,
}

/// Who may have what is at a path.
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// Everybody.
    Open,
    /// Who knows both.
    Password {
        /// The user name.
        username: &'a str,
        /// The password.
        password: &'a str,
    },
    /// Nobody: nothing is there.
    Unknown,
    /// Nobody who comes from where this client does.
    NotFromThere,
}

impl core::fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Password { .. } => "Password",
            Self::Unknown => "Unknown",
            Self::NotFromThere => "NotFromThere",
        })
    }
}

/// How one medium will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUp {
    /// As the client offered.
    Agreed {
        /// Our ports, for datagrams.
        server_ports: Option<(u16, u16)>,
        /// The source that its packets name.
        ssrc: u32,
        /// Names the session, if this medium begins it.
        session: u64,
    },
    /// No such medium.
    NoSuchMedium,
    /// Not that way.
    NotThatWay,
    /// No more of them.
    TooMany,
}

/// Where the packets of one medium begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpInfo {
    /// Its place in the description.
    pub medium: usize,
    /// The number of its first packet.
    pub sequence: u16,
    /// The time stamp at the beginning.
    pub timestamp: u32,
}

impl Ask {
    /// What it is about; a session is not about one path alone.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Access { path }
            | Self::Describe { path }
            | Self::SetUp { path, .. }
            | Self::Denied { path, .. } => Some(path),
            Self::Play | Self::TearDown => None,
        }
    }
}
