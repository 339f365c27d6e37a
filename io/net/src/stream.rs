use crate::tcp::TcpFigures;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to a place, with TLS or without.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    peer: SocketAddr,
    /// For whoever watches the connection while others read and write it.
    watched: Arc<OwnedFd>,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    // A session of TLS is large; most streams move now and then.
    Secure(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(crate) fn plain(tcp: TcpStream) -> io::Result<Self> {
        let (peer, watched) = (tcp.peer_addr()?, tcp.as_fd().try_clone_to_owned()?);
        Ok(Self {
            inner: Inner::Plain(tcp),
            peer,
            watched: Arc::new(watched),
        })
    }

    pub(crate) fn secure(tls: TlsStream<TcpStream>) -> io::Result<Self> {
        let tcp = tls.get_ref().0;
        let (peer, watched) = (tcp.peer_addr()?, tcp.as_fd().try_clone_to_owned()?);
        Ok(Self {
            inner: Inner::Secure(Box::new(tls)),
            peer,
            watched: Arc::new(watched),
        })
    }

    /// The address that answered.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Looks at the connection from elsewhere, also after it was split.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe {
            watched: Arc::downgrade(&self.watched),
        }
    }
}

/// Looks at a [`Stream`] that somebody else has. Does not keep it open.
#[derive(Clone, Debug)]
pub struct Probe {
    watched: Weak<OwnedFd>,
}

impl Probe {
    /// How the connection is doing; `None` once it is gone.
    #[must_use]
    pub fn figures(&self) -> Option<TcpFigures> {
        TcpFigures::of(&*self.watched.upgrade()?).ok()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Inner::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Inner::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Inner::Secure(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.inner {
            Inner::Plain(stream) => stream.is_write_vectored(),
            Inner::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(context),
            Inner::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Inner::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
