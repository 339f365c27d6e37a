//! Reading request bodies: bounded in size and time, typed, with the place of every error.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::BODY_BYTES_MAX;
use super::problem::Problem;
use crate::adapters::Item;
use crate::config::{ConfigErrors, Document, Name, read};

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request body as text, and whether it is YAML.
#[derive(Debug)]
pub(super) struct TextBody {
    text: String,
    yaml: bool,
}

impl<S: Send + Sync> FromRequest<S> for TextBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let yaml = is_yaml(request.headers())?;
        let read = to_bytes(request.into_body(), BODY_BYTES_MAX);
        let bytes = match tokio::time::timeout(BODY_TIMEOUT, read).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "body",
                    "The body is longer than 1 MiB, or was cut off.",
                )
                .advise("Send all of it, and no more than that."));
            }
            Err(_) => {
                let detail = "The body did not arrive within 10 s.";
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body", detail)
                    .advise("Send it at once."));
            }
        };
        Ok(Self {
            text: text(bytes)?,
            yaml,
        })
    }
}

fn text(bytes: Bytes) -> Result<String, Problem> {
    String::from_utf8(bytes.into()).map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "body",
            "The body is not UTF-8 text.",
        )
        .advise("Save it as UTF-8.")
    })
}

/// JSON unless the client says YAML. Forms are refused: another site's page could send one.
fn is_yaml(headers: &HeaderMap) -> Result<bool, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .unwrap_or("application/json")
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" => Ok(false),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Ok(true),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_type",
            "The body's content type is neither JSON nor YAML.",
        )
        .advise("Send \"Content-Type: application/json\" or \"application/yaml\".")),
    }
}

impl TextBody {
    /// The object in it. Its name may be left out where the path gives it.
    pub(super) fn object<T: Item>(&self, name: Option<&Name>) -> Result<T, Problem> {
        let parsed = match name {
            Some(name) => self.named(name),
            None => self.typed::<T>(),
        };
        let object: T = parsed.map_err(Problem::wrong)?;
        match name {
            Some(name) if object.name() != name => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "name",
                format!(
                    "The address names \"{name}\", the body \"{}\".",
                    object.name()
                ),
            )
            .advise("Objects are not renamed; create a new one and delete the old one.")),
            _ => Ok(object),
        }
    }

    fn named<T: Item>(&self, name: &Name) -> Result<T, ConfigErrors> {
        // Adding the name loses the places of errors, so it is only done where it is needed.
        match self.typed::<Value>() {
            Ok(Value::Object(mut fields)) if !fields.contains_key("name") => {
                fields.insert("name".into(), name.as_str().into());
                read::json(Value::Object(fields).to_string().as_bytes()).map_err(|mut errors| {
                    errors
                        .problems
                        .iter_mut()
                        .for_each(|problem| problem.place = None);
                    errors
                })
            }
            _ => self.typed(),
        }
    }

    fn typed<T: serde::de::DeserializeOwned>(&self) -> Result<T, ConfigErrors> {
        if self.yaml {
            read::yaml(&self.text)
        } else {
            read::json(self.text.as_bytes())
        }
    }

    /// A whole configuration, not yet checked as a whole.
    pub(super) fn document(&self) -> Result<Document, Problem> {
        self.typed().map_err(Problem::wrong)
    }

    /// Nothing was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Any small typed value.
    pub(super) fn value<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        self.typed().map_err(Problem::wrong)
    }

    /// The same, of which this is an example.
    pub(super) fn value_like<T: serde::de::DeserializeOwned>(
        &self,
        example: &str,
    ) -> Result<T, Problem> {
        self.value().map_err(|problem| match problem.advice {
            Some(_) => problem,
            None => problem.advise(format!("Send it like this: {example}.")),
        })
    }

    /// Gives problems found by pointer their place in this body. `prefix` is where in the
    /// whole configuration the body's object stands.
    pub(super) fn placed(
        &self,
        mut problems: Vec<crate::config::ConfigProblem>,
        prefix: &str,
    ) -> ConfigErrors {
        for problem in &mut problems {
            let own = problem
                .pointer
                .as_deref()
                .and_then(|pointer| pointer.strip_prefix(prefix));
            if let Some(own) = own.map(str::to_owned) {
                problem.pointer = Some(own);
            }
        }
        read::placed(&self.text, problems)
    }
}
