//! Requests with whatever headers a test wants to send.

use serde_json::Value;

/// An answer with its headers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let value = self
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default());
        value.unwrap_or_default().to_owned()
    }
}

/// Sends a request and reads the answer; only the head's worth of an endless one.
pub(crate) fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(std::time::Duration::from_secs(20)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.unwrap_or_default().to_owned()).unwrap();
    let mut response = agent.run(request).unwrap();
    let headers = response.headers().clone();
    let kind = headers
        .get("content-type")
        .map_or("", |kind| kind.to_str().unwrap_or_default());
    let endless = kind.starts_with("text/event-stream");
    let text = if endless {
        String::new()
    } else {
        response.body_mut().read_to_string().unwrap()
    };
    Answer {
        status: response.status().as_u16(),
        headers,
        text,
    }
}
