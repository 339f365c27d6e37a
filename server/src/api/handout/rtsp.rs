//! RTSP: an address to play, with user name and password in it.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Called, Handout, Shown, for_everybody, quoted, setting};
use crate::adapters::Item;
use crate::api::address::percent_encoded;
use crate::api::credential::{Wanted, secret};
use crate::api::problem::Problem;

/// How to play an output over RTSP, for the tools people use.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RtspHandout {
    /// The output's name.
    name: String,
    /// The host to connect to.
    host: String,
    /// The TCP port.
    port: u16,
    /// The path of the URL.
    path: String,
    /// The user name, where there is one.
    username: Option<String>,
    /// Its password.
    password: Option<String>,
    /// All of it in one address, which players and recorders take.
    url: String,
    /// For VLC: Media → Open Network Stream.
    vlc: String,
    /// A command line.
    ffmpeg: String,
    /// A command line.
    gstreamer: String,
}

pub(super) fn handout<T: Item>(called: Called<'_, T>, wanted: &Wanted) -> Result<Shown, Problem> {
    let item = called.item;
    for_everybody(wanted, item.name().as_str(), "one password")?;
    let path = item.stream_id().unwrap_or_default().to_owned();
    let username = setting(item, "username");
    let username = username.and_then(|name| name.as_str().map(str::to_owned));
    let password = secret(item, called.desired, "password")?;
    let shows = password.as_ref().map(|_| "password".to_owned());
    let user = match (&username, &password) {
        (Some(username), Some(password)) => {
            let [username, password] =
                [username, password].map(|part| percent_encoded(part, b"-._~"));
            format!("{username}:{password}@")
        }
        _ => String::new(),
    };
    let url = format!("rtsp://{user}{}:{}/{path}", called.url_host, called.port);
    let word = quoted(&url);
    let handout = RtspHandout {
        name: item.name().to_string(),
        host: called.host,
        port: called.port,
        path,
        username,
        password,
        vlc: url.clone(),
        ffmpeg: format!("ffplay -rtsp_transport tcp {word}"),
        gstreamer: format!(
            "gst-launch-1.0 rtspsrc protocols=tcp location={word} ! decodebin ! autovideosink"
        ),
        url,
    };
    Ok((Handout::Rtsp(Box::new(handout)), shows))
}
