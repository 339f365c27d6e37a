//! A small HTTP client for the commands that talk to a server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tidegate_net::{SYSTEM_ROOTS, client_config};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::ServerArgs;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Talks to one server.
pub(super) struct Client {
    base: Uri,
    token: Option<String>,
    roots: std::path::PathBuf,
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Bytes,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Client {
    pub(super) fn new(server: &ServerArgs) -> anyhow::Result<Self> {
        let base: Uri = server
            .url
            .parse()
            .with_context(|| format!("{} is not an address", server.url))?;
        if base.host().is_none() || !matches!(base.scheme_str(), Some("http" | "https")) {
            bail!("{} is not an http:// or https:// address", server.url);
        }
        let roots = server.ca.clone().unwrap_or_else(|| SYSTEM_ROOTS.into());
        Ok(Self {
            base,
            token: server.token.clone(),
            roots,
        })
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, String::new())
    }

    pub(super) fn post_yaml(&self, path: &str, body: String) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, body)
    }

    fn send(&self, method: Method, path: &str, body: String) -> anyhow::Result<Answer> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let exchange = self.exchange(method, path, body);
            match tokio::time::timeout(TIMEOUT, exchange).await {
                Ok(Ok(answer)) if answer.status == StatusCode::UNAUTHORIZED => {
                    bail!("{}", self.wrong_token())
                }
                Ok(answer) => answer,
                Err(_) => bail!("{} did not answer within 30 s", self.base),
            }
        })
    }

    fn wrong_token(&self) -> String {
        let what = match self.token {
            Some(_) => "the server was started with another API token, or with none",
            None => "this needs the API token that the server was started with",
        };
        format!("{what}; give it in TIDEGATE_API_TOKEN (make run keeps one in data/api.token)")
    }

    async fn exchange(&self, method: Method, path: &str, body: String) -> anyhow::Result<Answer> {
        let secure = self.base.scheme_str() == Some("https");
        let host = self
            .base
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']']);
        let port = self
            .base
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host, port))
            .await
            .with_context(|| format!("{} does not answer; is the server running?", self.base))?;
        let request = self.request(method, path, body)?;
        if secure {
            let name = ServerName::try_from(host.to_owned())?;
            let connector = tokio_rustls::TlsConnector::from(Arc::new(client_config(&self.roots)?));
            let stream = connector.connect(name, stream).await.context(
                "the server's certificate is not trusted; name it with --ca FILE \
                 (tls/cert.pem in its data folder)",
            )?;
            exchange(stream, request).await
        } else {
            exchange(stream, request).await
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let authority = self
            .base
            .authority()
            .map_or("", |authority| authority.as_str());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, authority);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/yaml");
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.body(Full::new(body.into()))?)
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer was cut off: {error}"))?;
    Ok(Answer {
        status,
        body: body.to_bytes(),
    })
}
