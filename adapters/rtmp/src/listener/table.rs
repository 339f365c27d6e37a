use std::sync::Arc;

use tidegate_engine::nearest;

use crate::key::KeyPrint;
use crate::source::Door;

/// The sources of one listener.
#[derive(Default)]
pub(super) struct Table {
    doors: Vec<Arc<Door>>,
}

/// What somebody wants to publish, as far as it may be remembered.
pub(super) struct Wanted {
    app: String,
    /// The key, the key without what follows a question mark, and the key without spaces.
    whole: KeyPrint,
    bare: KeyPrint,
    trimmed: KeyPrint,
    is_empty: bool,
}

/// Whom that is for.
pub(super) enum Found {
    Door(Arc<Door>),
    /// The key is one of this source's, and the application another.
    OtherApp {
        expected: String,
    },
    /// No source has this application; the nearest that one has.
    NoSuchApp {
        nearest: Option<String>,
    },
    /// The key is right but for spaces around it.
    Spaces,
    /// There is no key.
    NoKey,
    WrongKey,
}

impl Wanted {
    pub(super) fn new(app: &str, key: &str) -> Self {
        let bare = key.split_once('?').map_or(key, |(bare, _)| bare);
        Self {
            app: plain_app(app).to_owned(),
            whole: KeyPrint::of(key),
            bare: KeyPrint::of(bare),
            trimmed: KeyPrint::of(key.trim()),
            is_empty: key.is_empty(),
        }
    }

    /// What the journal may show: the application up to its first slash, for people put keys
    /// behind it, and whether there was a key.
    pub(super) fn shown(&self, table: &Table) -> String {
        let app = self.app.split('/').next().unwrap_or_default();
        let print = KeyPrint::of(app);
        let is_key = table
            .doors
            .iter()
            .filter(|door| door.key.is(&print))
            .count()
            > 0;
        let app = if is_key { "•••" } else { app };
        let key = if self.is_empty { "" } else { "/•••" };
        format!("{app}{key}")
    }
}

impl Table {
    /// Another source; false if an encoder could not tell it from one that is there.
    pub(super) fn add(&mut self, door: &Arc<Door>) -> bool {
        let is_like = |other: &&Arc<Door>| {
            let apps = (&door.app, &other.app);
            other.key.is(&door.key) && !matches!(apps, (Some(a), Some(b)) if a != b)
        };
        let is_new = self.doors.iter().find(is_like).is_none();
        if is_new {
            self.doors.push(Arc::clone(door));
        }
        is_new
    }

    pub(super) fn remove(&mut self, door: &Arc<Door>) {
        self.doors.retain(|other| !Arc::ptr_eq(other, door));
    }

    /// Who else has the key of `door`.
    pub(super) fn rival(&self, door: &Door) -> Option<Arc<str>> {
        let mut doors = self.doors.iter();
        let rival = doors.find(|other| other.key.is(&door.key))?;
        Some(Arc::clone(&rival.name))
    }

    /// Compares with every source, whatever is found on the way.
    pub(super) fn find(&self, wanted: &Wanted) -> Found {
        let (mut right, mut elsewhere, mut trimmed, mut has_app) = (None, None, false, false);
        for door in &self.doors {
            let fits = door.app.as_deref().is_none_or(|app| app == wanted.app);
            has_app |= fits;
            if door.key.is(&wanted.whole) | door.key.is(&wanted.bare) {
                if fits {
                    right = Some(Arc::clone(door));
                } else {
                    elsewhere.clone_from(&door.app);
                }
            }
            trimmed |= door.key.is(&wanted.trimmed);
        }
        match (right, elsewhere) {
            (Some(door), _) => Found::Door(door),
            (None, Some(expected)) => Found::OtherApp { expected },
            _ if wanted.is_empty => Found::NoKey,
            _ if trimmed => Found::Spaces,
            _ if has_app => Found::WrongKey,
            _ => {
                let apps = self.doors.iter().filter_map(|door| door.app.as_deref());
                let nearest = nearest(&wanted.app, apps).map(str::to_owned);
                Found::NoSuchApp { nearest }
            }
        }
    }
}

fn plain_app(app: &str) -> &str {
    let path = app.split_once('?').map_or(app, |(path, _)| path);
    path.trim_matches('/')
}
