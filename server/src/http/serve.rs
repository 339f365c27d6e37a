//! The accept loop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::patience::Patient;
use super::{Connections, Peer};
use crate::tls::Tls;

/// Longest request head accepted.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How long a client may take to send one, and to stay silent between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to begin and finish the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// How long open requests may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(2);
/// Pause after a failed accept (usually: no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, and HTTPS where a client begins with a TLS handshake.
    Either,
    /// HTTPS alone.
    Https,
}

/// Serves `router` on `listener` until `stop`, then lets open requests end.
pub async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    router: Router,
    tls: Arc<Tls>,
    connections: Connections,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("an HTTP connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = connections.enter(address.ip()) else {
            continue;
        };
        // Latency matters more than packet count here; a socket that refuses still works.
        let _ = stream.set_nodelay(true);
        let (router, tls, watcher) = (router.clone(), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            connection(stream, address, protocol, router, &tls, watcher).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

type Watcher = hyper_util::server::graceful::Watcher;

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    protocol: Protocol,
    router: Router,
    tls: &Tls,
    watcher: Watcher,
) {
    let begins = tokio::time::timeout(HANDSHAKE_TIMEOUT, begins_with_tls(&stream)).await;
    let Ok(Ok(secure)) = begins else { return };
    let router = router.layer(Extension(Peer { address, secure }));
    if !secure {
        if protocol == Protocol::Either {
            requests(stream, http1(), router, watcher).await;
        }
        return;
    }
    let handshake = TlsAcceptor::from(tls.config()).accept(stream);
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
        let agreed_on_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let builder = if agreed_on_http2 { http2() } else { http1() };
        requests(stream, builder, router, watcher).await;
    }
}

/// Looks at the first byte without taking it: 22 begins a TLS record and no HTTP request.
async fn begins_with_tls(stream: &TcpStream) -> std::io::Result<bool> {
    const TLS_HANDSHAKE: u8 = 22;
    let mut first = [0];
    stream.peek(&mut first).await?;
    Ok(first[0] == TLS_HANDSHAKE)
}

// The version is never guessed from the first bytes: waiting for those has no time limit.

fn http1() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
}

pub(super) fn http2() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .keep_alive_interval(HEADER_TIMEOUT);
    builder
}

pub(super) async fn requests<S>(
    stream: S,
    builder: Builder<TokioExecutor>,
    router: Router,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answers = Answers::default();
    let (router, watched) = (TowerToHyperService::new(router), answers.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, watched) = (router.call(request), watched.clone());
        async move { Ok::<_, Infallible>(answer.await?.map(|body| watched.watch(body))) }
    });
    let connection = builder
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .into_owned();
    // A connection that ends early is the client's business.
    tokio::select! {
        _ = watcher.watch(connection) => {}
        () = answers.stalled() => {}
    }
}
