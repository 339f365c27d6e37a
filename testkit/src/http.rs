use serde_json::Value;
use std::time::Duration;

/// A small HTTP client that sends the automation token.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content type, or nothing.
    pub content_type: String,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
}

impl Http {
    /// A client of the server at `base` (`http://host:port`).
    #[must_use]
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        Self {
            base: base.to_owned(),
            token: token.map(str::to_owned),
            agent,
        }
    }

    /// Where the server is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request; an answer with any status is an answer.
    ///
    /// # Errors
    /// Says in words why there was no answer at all.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body
            .map(|value| value.to_string().into_bytes())
            .unwrap_or_default();
        let request = request.body(bytes).map_err(|error| error.to_string())?;
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let content_type = response
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .map_err(|error| error.to_string())?;
        Ok(Answer {
            status: response.status().as_u16(),
            content_type,
            bytes,
        })
    }

    /// `GET`s `path`.
    ///
    /// # Panics
    /// If there is no answer.
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, None)
            .unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// `PUT`s a JSON body.
    ///
    /// # Panics
    /// If there is no answer.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path, Some(body))
            .unwrap_or_else(|error| panic!("PUT {path}: {error}"))
    }

    /// `POST`s a JSON body.
    ///
    /// # Panics
    /// If there is no answer.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, Some(body))
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// `DELETE`s `path`.
    ///
    /// # Panics
    /// If there is no answer.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, None)
            .unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }
}
