//! One connection of the receiver: RTMP, with or without TLS.

use super::pictures::{self, Print};
use anyhow::Context as _;
use rustls::{ServerConfig, ServerConnection};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use tidegate_rtmp::{Capabilities, Media, MediaKind, ServerEvent, ServerSession};
use tidegate_udp::Clock;
use tidegate_units::Instant;

const NOTHING_BEYOND: Capabilities = Capabilities {
    video: &[],
    audio: &[],
    caps_ex: 0,
};

/// Who sends.
pub(super) struct Guest {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    session: ServerSession,
    pub(super) got: Got,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// The stream key it publishes under.
    pub(super) key: String,
    pub(super) pictures: u64,
    /// Of the guest whose pictures are noted.
    pub(super) seen: Vec<(Print, Instant)>,
}

impl Guest {
    pub(super) fn new(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> anyhow::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let tls = tls.map(|config| ServerConnection::new(Arc::clone(config)).map(Box::new));
        Ok(Self {
            stream,
            tls: tls.transpose()?,
            session: ServerSession::new(0, NOTHING_BEYOND),
            got: Got::default(),
        })
    }

    pub(super) const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once; whether it is still there. Pictures of the guest with the key `noted` are
    /// noted.
    pub(super) fn read(&mut self, buffer: &mut [u8], noted: &str) -> anyhow::Result<bool> {
        let Some(tls) = &mut self.tls else {
            let count = match self.stream.read(buffer) {
                Ok(count) => count,
                Err(error) => return Ok(error.kind() == ErrorKind::WouldBlock),
            };
            self.take(&buffer[..count], noted)?;
            self.answer()?;
            return Ok(count > 0);
        };
        match tls.read_tls(&mut self.stream) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Ok(error.kind() == ErrorKind::WouldBlock),
        }
        tls.process_new_packets().context("broken TLS")?;
        loop {
            let tls = self.tls.as_mut().context("it has TLS")?;
            match tls.reader().read(buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => self.take(&buffer[..count], noted)?,
                Err(_) => break,
            }
        }
        self.answer()?;
        Ok(true)
    }

    fn take(&mut self, mut input: &[u8], noted: &str) -> anyhow::Result<()> {
        let now = Clock.now();
        while let Some(event) = self.session.read(&mut input)? {
            match event {
                ServerEvent::Publish(request) => {
                    request.key.expose().clone_into(&mut self.got.key);
                    self.session.accept_publish();
                }
                ServerEvent::Media(media) => self.media(now, &media, noted),
                _ => {}
            }
        }
        Ok(())
    }

    fn media(&mut self, now: Instant, media: &Media, noted: &str) {
        if media.kind != MediaKind::Video {
            return;
        }
        self.got.pictures += 1;
        if self.got.key == noted
            && let Some(print) = pictures::of_message(&media.body)
        {
            self.got.seen.push((print, now));
        }
    }

    /// Says what the session has to say, which is little.
    fn answer(&mut self) -> anyhow::Result<()> {
        let output = self.session.take_output();
        let Some(tls) = &mut self.tls else {
            return Ok(self.stream.write_all(&output)?);
        };
        tls.writer().write_all(&output)?;
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }
}
