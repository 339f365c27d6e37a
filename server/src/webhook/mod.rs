//! Asks webhooks whether callers may come in.
//!
//! ```text
//! question ─▶ JSON ─▶ signed ─▶ name looked up ─▶ addresses allowed? ─▶ POST ─▶ answer
//!                                    └─────────── webhook's timeout ───────────┘
//! ```
//!
//! One connection for each question, no redirects, and no more of the answer is read than an
//! answer has.

mod answer;
mod sign;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tidegate_adapter_srt::{Answer, Doorman, NoAnswer, Question, Webhook};
use tidegate_engine::BoxFuture;
use tidegate_net::{CallOptions, NetError, Place, Policy, Refusal, Stream};

use crate::time::millis_since_epoch;

/// Most of an answer that is read.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Asks webhooks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhooks;

impl Doorman for Webhooks {
    fn ask<'a>(
        &'a self,
        webhook: &'a Webhook,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            match tokio::time::timeout(webhook.timeout, exchange(webhook, question)).await {
                Ok(answer) => answer,
                Err(_) => Err(failed(
                    format!(
                        "the webhook did not answer within {} ms",
                        webhook.timeout.as_millis()
                    ),
                    "Make it answer faster, or raise its timeout (callers give up after 3 s)",
                )),
            }
        })
    }
}

async fn exchange(webhook: &Webhook, question: &Question) -> Result<Answer, NoAnswer> {
    let wrong = || {
        failed(
            "the webhook's url is no address",
            "Write it like https://auth.example.com/srt",
        )
    };
    let uri: Uri = webhook.url.parse().map_err(|_| wrong())?;
    let request = request(&uri, webhook, question)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    let secure = uri.scheme_str() == Some("https");
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let place = Place::new(authority.host(), port, secure).map_err(|_| wrong())?;
    let options = CallOptions {
        policy: Policy {
            link_local: webhook.allow_link_local,
            ..Policy::WRITTEN
        },
        ca: webhook.ca.clone(),
        patience: webhook.timeout,
        ..CallOptions::default()
    };
    let stream = tidegate_net::connect(&place, &options)
        .await
        .map_err(not_asked)?;
    let (status, body) = send(stream, request).await?;
    answer::read(status, &body)
}

/// The operator reads it beside the listener's name, so it says what was called.
fn not_asked(error: NetError) -> NoAnswer {
    let advice = match error.refusal {
        Some(Refusal::Metadata | Refusal::LinkLocal) => {
            "Use another address, or set allow_link_local if it really is there"
        }
        _ => &error.advice,
    };
    failed(
        format!("the webhook was not asked: {}", error.message),
        advice,
    )
}

fn request(
    uri: &Uri,
    webhook: &Webhook,
    question: &Question,
) -> Result<Request<Full<Bytes>>, NoAnswer> {
    let ours = |error: String| failed(error, "Please report it");
    let body = serde_json::to_vec(question).map_err(|error| ours(error.to_string()))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::post(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json");
    if let Some(secret) = &webhook.secret {
        let seconds = millis_since_epoch(SystemTime::now()) / 1000;
        request = request
            .header(sign::TIMESTAMP, seconds)
            .header(sign::SIGNATURE, sign::signature(secret, seconds, &body));
    }
    request
        .body(Full::new(body.into()))
        .map_err(|error| ours(error.to_string()))
}

async fn send(
    stream: Stream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), NoAnswer> {
    let broken = |error: &dyn std::fmt::Display| {
        failed(
            format!("the webhook broke off: {error}"),
            "Look into the webhook's own log",
        )
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    // The connection has to be looked after while the answer is awaited, and no longer.
    let looked_after = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    let exchange = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body.await.map_err(|error| broken(&error))?;
        Ok((status, body.to_bytes()))
    };
    tokio::select! {
        answer = exchange => answer,
        never = looked_after => match never {},
    }
}

/// Why there is no answer.
fn failed(message: impl Into<String>, advice: &str) -> NoAnswer {
    NoAnswer {
        message: message.into(),
        advice: advice.to_owned(),
    }
}
