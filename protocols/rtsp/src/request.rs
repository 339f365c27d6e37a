//! What of a request is of use.

use rtsp_types::{HeaderName, Method, headers};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The name of the method as it was written, for the log-in.
    pub(crate) method_name: String,
    /// What was asked for, up to the path and without a user: `rtsp://host:8554`.
    pub(crate) origin: String,
    /// The path without slashes at its ends.
    pub(crate) path: String,
    pub(crate) cseq: String,
    pub(crate) session: Option<String>,
    pub(crate) transport: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) require: Option<String>,
    pub(crate) is_version_1: bool,
}

impl Request {
    pub(crate) fn of(request: &rtsp_types::Request<Vec<u8>>) -> Self {
        let header =
            |name: HeaderName| request.header(&name).map(|value| value.as_str().to_owned());
        let uri = request.request_uri();
        let (origin, path) = uri.map_or_else(Default::default, |uri| {
            let host = uri.host_str().unwrap_or_default();
            let port = uri.port().map(|port| format!(":{port}"));
            let port = port.unwrap_or_default();
            let origin = format!("{}://{host}{port}", uri.scheme());
            (origin, clean_path(uri.path()))
        });
        Self {
            method: request.method().clone(),
            method_name: <&str>::from(request.method()).to_owned(),
            origin,
            path,
            cseq: header(headers::CSEQ).unwrap_or_default(),
            session: header(headers::SESSION)
                .map(|text| text.split(';').next().unwrap_or_default().trim().to_owned()),
            transport: header(headers::TRANSPORT),
            authorization: header(headers::AUTHORIZATION),
            require: header(headers::REQUIRE),
            is_version_1: request.version() == rtsp_types::Version::V1_0,
        }
    }
}

/// The path as it is configured: without slashes at its ends.
pub(crate) fn clean_path(path: &str) -> String {
    path.trim_matches('/').to_owned()
}
