//! Where segments go, beside their playlist.

use tidegate_net::Url;

const PLAYLIST_EXTENSION: &str = ".m3u8";

/// The address of a playlist, and where in it the file's name stands.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    playlist: Url,
    stem: String,
    /// The name of the query's field; none: it is the end of the path.
    field: Option<String>,
}

impl Names {
    /// None if the address names no playlist.
    pub(crate) fn of(playlist: &Url) -> Option<Self> {
        let stem = |name: &str| {
            let stem = name.strip_suffix(PLAYLIST_EXTENSION)?;
            let is_name = !stem.is_empty() && !stem.contains(['/', '\\']);
            is_name.then(|| stem.to_owned())
        };
        let in_path = playlist.path().rsplit('/').next().and_then(stem);
        if let Some(stem) = in_path {
            return Some(Self {
                playlist: playlist.clone(),
                stem,
                field: None,
            });
        }
        let (field, stem) = playlist
            .query_pairs()
            .find_map(|(field, name)| Some((field.into_owned(), stem(&name)?)))?;
        Some(Self {
            playlist: playlist.clone(),
            stem,
            field: Some(field),
        })
    }

    pub(crate) const fn playlist(&self) -> &Url {
        &self.playlist
    }

    /// The name of a segment, as the playlist lists it.
    pub(crate) fn segment(&self, number: u64) -> String {
        format!("{}-{number}.ts", self.stem)
    }

    /// The address of a file beside the playlist.
    pub(crate) fn beside(&self, name: &str) -> Url {
        let mut url = self.playlist.clone();
        let Some(wanted) = &self.field else {
            // The name is as it stands in the address: what is escaped there already must not
            // be escaped again, or the playlist would list another file.
            let path = self.playlist.path();
            let folder = path.rfind('/').map_or("", |at| &path[..=at]);
            url.set_path(&format!("{folder}{name}"));
            return url;
        };
        let old = format!("{}{PLAYLIST_EXTENSION}", self.stem);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (field, value) in self.playlist.query_pairs() {
            let is_it = field == *wanted && value == old;
            query.append_pair(&field, if is_it { name } else { &value });
        }
        url.set_query(Some(&query.finish()));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(url: &str) -> Option<String> {
        let names = Names::of(&url.parse().unwrap())?;
        Some(names.beside(&names.segment(7)).to_string())
    }

    #[test]
    fn segments_go_beside_the_playlist_in_the_path_or_in_the_query() {
        for (url, expected) in [
            (
                "https://a.example/live/cam.m3u8",
                "https://a.example/live/cam-7.ts",
            ),
            (
                "https://a.example/my cam.m3u8",
                "https://a.example/my%20cam-7.ts",
            ),
            (
                "https://a.example/cam.m3u8?token=x",
                "https://a.example/cam-7.ts?token=x",
            ),
            (
                "https://a.example/http_upload_hls?cid=k-1&copy=0&file=out.m3u8",
                "https://a.example/http_upload_hls?cid=k-1&copy=0&file=out-7.ts",
            ),
        ] {
            assert_eq!(beside(url).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_names_no_playlist_is_noticed() {
        for url in [
            "https://a.example/",
            "https://a.example/up?file=x",
            "http://a/.m3u8",
        ] {
            assert_eq!(beside(url), None, "{url}");
        }
    }
}
