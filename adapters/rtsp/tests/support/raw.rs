//! A player of a few lines, that does as it is told.

#![allow(dead_code, reason = "each test program uses its part")]

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// One connection.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    /// What it asks for.
    pub(crate) path: String,
    session: Option<String>,
    count: u32,
}

impl Raw {
    pub(crate) fn connect(to: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            path: path.to_owned(),
            session: None,
            count: 0,
        }
    }

    pub(crate) fn send(&mut self, method: &str, below: &str, header: &str) -> std::io::Result<()> {
        self.count += 1;
        let session = self.session.as_ref().map(|id| format!("Session: {id}\r\n"));
        let request = format!(
            "{method} rtsp://host/{}{below} RTSP/1.0\r\nCSeq: {}\r\n{}{header}\r\n",
            self.path,
            self.count,
            session.unwrap_or_default()
        );
        self.stream.write_all(request.as_bytes())
    }

    /// The next answer, packets before it passed over; empty when the connection is over.
    pub(crate) fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        let mut byte = [0];
        loop {
            match self.stream.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                _ => return String::new(),
            }
            if answer[0] == b'$' {
                let mut rest = [0; 3];
                self.stream.read_exact(&mut rest).unwrap();
                let mut packet = vec![0; usize::from(u16::from_be_bytes([rest[1], rest[2]]))];
                self.stream.read_exact(&mut packet).unwrap();
                answer.clear();
            } else if answer.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let mut text = String::from_utf8(answer).unwrap();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        if let Some(length) = length.and_then(|length| length.parse().ok()) {
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).unwrap();
            text.push_str(&String::from_utf8_lossy(&body));
        }
        let session = text.lines().find_map(|line| line.strip_prefix("Session: "));
        if let Some(id) = session.and_then(|session| session.split(';').next()) {
            self.session = Some(id.to_owned());
        }
        text
    }

    pub(crate) fn ask(&mut self, method: &str, below: &str, header: &str) -> String {
        if self.send(method, below, header).is_err() {
            return String::new();
        }
        self.answer()
    }

    /// Goes all the way to media of the first track over the connection; false when that is
    /// refused, as while there is no source.
    pub(crate) fn play(&mut self) -> bool {
        let steps = [
            ("DESCRIBE", "", ""),
            (
                "SETUP",
                "/trackID=0",
                "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
            ),
            ("PLAY", "/", ""),
        ];
        let mut all = steps.iter();
        all.all(|(method, below, header)| self.ask(method, below, header).contains(" 200 OK"))
    }

    /// Number and time stamp of the next media packets.
    pub(crate) fn packets(&mut self, count: usize) -> Vec<(u16, u32)> {
        let mut packets = Vec::new();
        while packets.len() < count {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header).unwrap();
            assert_eq!(header[0], b'$');
            let mut packet = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
            self.stream.read_exact(&mut packet).unwrap();
            if header[1] == 0 {
                let sequence = u16::from_be_bytes([packet[2], packet[3]]);
                let timestamp = u32::from_be_bytes(packet[4..8].try_into().unwrap());
                packets.push((sequence, timestamp));
            }
        }
        packets
    }

    /// Reads what comes; how many bytes, none when it is over.
    pub(crate) fn read(&mut self) -> usize {
        let mut buffer = [0; 65_536];
        self.stream.read(&mut buffer).unwrap_or(0)
    }
}
