use crate::address::Policy;
use crate::error::NetError;
use crate::look_up::look_up;
use crate::place::Place;
use crate::reach;
use crate::stream::Stream;
use crate::trust::{SYSTEM_ROOTS, trust};
use core::time::Duration;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection on which nothing is said is asked so often whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// How to call.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// Which addresses may be called.
    pub policy: Policy,
    /// A file of certificates to check against instead of the system's.
    pub ca: Option<PathBuf>,
    /// How long each step may take: the name, the connection, TLS.
    pub patience: Duration,
    /// How long written bytes may stay unacknowledged before the kernel gives the connection
    /// up (`TCP_USER_TIMEOUT`).
    pub unacknowledged_for: Option<Duration>,
    /// The most the kernel keeps of what was written, where its own choice is too much.
    pub send_buffer_bytes: Option<usize>,
}

impl Default for CallOptions {
    /// For an address that the operator wrote himself.
    fn default() -> Self {
        Self {
            policy: Policy::WRITTEN,
            ca: None,
            patience: Duration::from_secs(5),
            unacknowledged_for: None,
            send_buffer_bytes: None,
        }
    }
}

/// Calls a place, with TLS where it speaks that. Small writes leave at once.
///
/// # Errors
/// Says which step failed, on whose side, and what to do.
pub async fn connect(place: &Place, options: &CallOptions) -> Result<Stream, NetError> {
    let addresses = look_up(place, options.policy, options.patience).await?;
    let socket_options = SocketOptions {
        unacknowledged_for: options.unacknowledged_for,
        send_buffer_bytes: options.send_buffer_bytes,
    };
    let reached = reach::first(&addresses, |address| dial(address, socket_options));
    let tcp = match timeout(options.patience, reached).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err((address, error))) => {
            return Err(unreachable(place, address, &error, addresses.len()));
        }
        Err(_) => {
            let error = io::Error::other(no_answer(options.patience));
            return Err(unreachable(place, addresses[0], &error, addresses.len()));
        }
    };
    let odd = |error: io::Error| {
        NetError::theirs(
            format!("{place} hung up: {error}"),
            "Look into the far side's log",
        )
    };
    if !place.secure() {
        return Stream::plain(tcp).map_err(odd);
    }
    let config = trust(options.ca.as_deref()).await?;
    let name = ServerName::try_from(place.host().to_owned())
        .map_err(|error| untrusted(place, options.ca.as_deref(), error.to_string()))?;
    match timeout(
        options.patience,
        TlsConnector::from(config).connect(name, tcp),
    )
    .await
    {
        Ok(Ok(tls)) => Stream::secure(tls).map_err(odd),
        Ok(Err(error)) => Err(no_tls(place, options.ca.as_deref(), &error)),
        Err(_) => Err(NetError::theirs(
            format!(
                "{place} does not speak TLS: {}",
                no_answer(options.patience)
            ),
            "Check the port, and whether TLS is spoken there at all",
        )),
    }
}

#[derive(Clone, Copy)]
struct SocketOptions {
    unacknowledged_for: Option<Duration>,
    send_buffer_bytes: Option<usize>,
}

async fn dial(to: SocketAddr, options: SocketOptions) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    let bare = SockRef::from(&socket);
    bare.set_tcp_user_timeout(options.unacknowledged_for)?;
    if let Some(bytes) = options.send_buffer_bytes {
        bare.set_send_buffer_size(bytes)?;
    }
    bare.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE),
    )?;
    socket.set_nodelay(true)?;
    socket.connect(to).await
}

fn unreachable(place: &Place, address: SocketAddr, error: &io::Error, tried: usize) -> NetError {
    let beside = match tried.saturating_sub(1) {
        0 => String::new(),
        1 => ", nor at another address".to_owned(),
        others => format!(", nor at {others} other addresses"),
    };
    let at = match place.to_string() {
        place if place == address.to_string() => place,
        place => format!("{place} at {}", address.ip()),
    };
    NetError::theirs(
        format!("{at} cannot be reached{beside}: {error}"),
        "Start it, or check the url and the firewalls in between",
    )
}

fn no_answer(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs_f32())
}

/// A certificate that is not good, or something that is no TLS at all.
fn no_tls(place: &Place, ca: Option<&Path>, error: &io::Error) -> NetError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            untrusted(place, ca, error.to_string())
        }
        Some(_) => NetError::theirs(
            format!("no TLS with {place}: {error}"),
            "Check the port, and whether TLS is spoken there at all",
        ),
        None => NetError::theirs(
            format!("{place} hung up during the TLS handshake: {error}"),
            "Check the port, and look into the far side's log",
        ),
    }
}

fn untrusted(place: &Place, ca: Option<&Path>, error: String) -> NetError {
    let whose = ca.unwrap_or_else(|| Path::new(SYSTEM_ROOTS)).display();
    NetError::theirs(
        format!("the certificate of {place} is not trusted: {error}"),
        format!("It was checked against {whose}; name the right file with ca"),
    )
}
