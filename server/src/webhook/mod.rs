//! Asks webhooks whether callers may come in.
//!
//! ```text
//! question ─▶ JSON ─▶ signed ─▶ name looked up ─▶ addresses allowed? ─▶ POST ─▶ answer
//!                                    └─────────── webhook's timeout ───────────┘
//! ```
//!
//! One connection for each question, no redirects, and no more of the answer is read than an
//! answer has.

mod address;
mod answer;
mod reach;
mod sign;
#[cfg(test)]
mod tests;
mod trust;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tidegate_adapter_srt::{Answer, Doorman, NoAnswer, Question, Webhook};
use tidegate_engine::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use crate::time::millis_since_epoch;
use trust::Trust;

/// Most of an answer that is read.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Asks webhooks. What TLS trusts is read once per file, and again when the file changes.
#[derive(Debug, Default)]
pub struct Webhooks {
    trust: Trust,
}

impl Doorman for Webhooks {
    fn ask<'a>(
        &'a self,
        webhook: &'a Webhook,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            match tokio::time::timeout(webhook.timeout, self.exchange(webhook, question)).await {
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

impl Webhooks {
    async fn exchange(&self, webhook: &Webhook, question: &Question) -> Result<Answer, NoAnswer> {
        let at = Place::of(&webhook.url)?;
        let request = request(&at, webhook, question)?;
        let addresses = at.look_up(webhook.allow_link_local).await?;
        let stream = reach::first(&addresses, TcpStream::connect::<SocketAddr>)
            .await
            .map_err(|(address, error)| unreachable(address, &error, addresses.len() - 1))?;
        let (status, body) = if at.secure {
            let trust = self.trust.of(webhook.ca.as_deref()).await?;
            let stream = secured(&at, trust, stream, webhook.ca.as_deref()).await?;
            send(stream, request).await?
        } else {
            send(stream, request).await?
        };
        answer::read(status, &body)
    }
}

/// Where a webhook is.
struct Place {
    secure: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, NoAnswer> {
        let wrong = || {
            failed(
                "the webhook's url is no address",
                "Write it like https://auth.example.com/srt",
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let secure = uri.scheme_str() == Some("https");
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            secure,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }

    /// The addresses of the name that may be asked, the best first; never none.
    async fn look_up(&self, allow_link_local: bool) -> Result<Vec<SocketAddr>, NoAnswer> {
        let host = &self.host;
        let unknown = |why: String| {
            failed(
                format!("the webhook's name {host} leads nowhere: {why}"),
                "Check the webhook's url and the name server",
            )
        };
        let addresses = lookup_host((host.as_str(), self.port)).await;
        let (mut allowed, mut refused) = (Vec::new(), None);
        for address in addresses.map_err(|error| unknown(error.to_string()))? {
            match address::refusal(address.ip(), allow_link_local) {
                None if allowed.len() < reach::ADDRESSES_MAX => allowed.push(address),
                None => break,
                Some(why) => refused = Some((address.ip(), why)),
            }
        }
        if !allowed.is_empty() {
            return Ok(allowed);
        }
        Err(match refused {
            Some((address, why)) => failed(
                format!("the webhook was not asked: {address} {why}"),
                "Use another address, or set allow_link_local if it really is there",
            ),
            None => unknown("it has no address".to_owned()),
        })
    }
}

fn request(
    at: &Place,
    webhook: &Webhook,
    question: &Question,
) -> Result<Request<Full<Bytes>>, NoAnswer> {
    let ours = |error: String| failed(error, "Please report it");
    let body = serde_json::to_vec(question).map_err(|error| ours(error.to_string()))?;
    let mut request = Request::post(&at.path)
        .header(HOST, &at.authority)
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

async fn secured(
    at: &Place,
    trust: std::sync::Arc<rustls::ClientConfig>,
    stream: TcpStream,
    ca: Option<&Path>,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, NoAnswer> {
    let not_trusted = |error: String| {
        let whose = ca.map_or("the system's certificates".to_owned(), |ca| {
            ca.display().to_string()
        });
        failed(
            format!("the webhook's certificate is not trusted: {error}"),
            &format!("Checked against {whose}; name the right file with ca"),
        )
    };
    let name =
        ServerName::try_from(at.host.clone()).map_err(|error| not_trusted(error.to_string()))?;
    let connector = tokio_rustls::TlsConnector::from(trust);
    connector
        .connect(name, stream)
        .await
        .map_err(|error| not_trusted(error.to_string()))
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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

fn unreachable(address: SocketAddr, error: &std::io::Error, others: usize) -> NoAnswer {
    let beside = match others {
        0 => String::new(),
        others => format!(", nor at {others} more addresses"),
    };
    failed(
        format!("the webhook at {address} cannot be reached{beside}: {error}"),
        "Start it, or check its url and the firewalls in between",
    )
}

/// Why there is no answer.
fn failed(message: impl Into<String>, advice: &str) -> NoAnswer {
    NoAnswer {
        message: message.into(),
        advice: advice.to_owned(),
    }
}
