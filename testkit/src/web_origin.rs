use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A web server for a folder that also takes PUT and DELETE, and can be told to misbehave.
/// It goes away, connections and all, when it is dropped.
#[derive(Debug)]
pub struct WebOrigin {
    port: u16,
    inner: Arc<Inner>,
}

/// How it answers.
#[derive(Clone, Debug)]
pub enum Manner {
    /// From its folder.
    Serve,
    /// With this status to whatever contains these words (`PUT `, `/seg3`).
    Refuse(u16, &'static str),
    /// Not at all to whatever contains these words.
    Stall(&'static str),
    /// With a redirect to there, whatever it is asked.
    Redirect(String),
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<String>>,
    received_bytes: AtomicU64,
    streams: Mutex<Vec<TcpStream>>,
    gone: AtomicBool,
}

impl WebOrigin {
    /// Serves `folder` on a port of its own.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::start_at(folder, 0)
    }

    /// The same on a port that is free again.
    ///
    /// # Panics
    /// If the port cannot be opened.
    #[must_use]
    pub fn start_at(folder: &Path, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let inner = Arc::new(Inner {
            folder: folder.to_owned(),
            manner: Mutex::new(Manner::Serve),
            asked: Mutex::default(),
            received_bytes: AtomicU64::new(0),
            streams: Mutex::default(),
            gone: AtomicBool::new(false),
        });
        let serving = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.gone.load(Ordering::Acquire) {
                    return;
                }
                let kept = stream.try_clone().expect("a stream can be cloned");
                serving.streams.lock().expect("no panic").push(kept);
                let inner = Arc::clone(&serving);
                thread::spawn(move || drop(inner.talk(&stream)));
            }
        });
        Self { port, inner }
    }

    /// Where it is.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of a file.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// How it answers from now on.
    ///
    /// # Panics
    /// If one of its threads has.
    pub fn behave(&self, manner: Manner) {
        *self.inner.manner.lock().expect("no panic") = manner;
    }

    /// What it was asked so far: `GET /index.m3u8`.
    ///
    /// # Panics
    /// If one of its threads has.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().expect("no panic").clone()
    }

    /// Bytes that were PUT and kept so far.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.inner.received_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for WebOrigin {
    fn drop(&mut self) {
        self.inner.gone.store(true, Ordering::Release);
        // Wakes the listener, which then closes.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Ok(streams) = self.inner.streams.lock() {
            for stream in &*streams {
                drop(stream.shutdown(Shutdown::Both));
            }
        }
    }
}

/// One request.
struct Request {
    line: String,
    range: Option<(usize, usize)>,
    body: Vec<u8>,
}

impl Inner {
    fn talk(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader)? {
            let manner = self.manner.lock().expect("no panic").clone();
            self.asked
                .lock()
                .expect("no panic")
                .push(request.line.clone());
            let answer = match manner {
                Manner::Refuse(status, words) if request.line.contains(words) => {
                    answer(status, "", b"no")
                }
                Manner::Stall(words) if request.line.contains(words) => {
                    while !self.gone.load(Ordering::Acquire) {
                        thread::sleep(Duration::from_millis(20));
                    }
                    return Ok(());
                }
                Manner::Redirect(to) => answer(302, &format!("location: {to}\r\n"), b""),
                _ => self.serve(&request),
            };
            (&*stream).write_all(&answer)?;
        }
        Ok(())
    }

    fn serve(&self, request: &Request) -> Vec<u8> {
        let mut words = request.line.split(' ');
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        // An upload may name its file in the query, as some platforms want it.
        let name = match target.split_once("file=") {
            Some((_, name)) => name,
            None => target.split('?').next().unwrap_or_default(),
        };
        let file = self.folder.join(name.trim_start_matches('/'));
        match method {
            Some("PUT") => {
                let fresh = file.with_extension("part");
                let kept =
                    fs::write(&fresh, &request.body).and_then(|()| fs::rename(&fresh, &file));
                if kept.is_err() {
                    return answer(409, "", b"");
                }
                let count = request.body.len() as u64;
                self.received_bytes.fetch_add(count, Ordering::Relaxed);
                answer(201, "", b"")
            }
            Some("DELETE") => match fs::remove_file(&file) {
                Ok(()) => answer(200, "", b""),
                Err(_) => answer(404, "", b""),
            },
            _ => match (fs::read(&file), request.range) {
                (Ok(body), Some((first, last))) if last < body.len() => {
                    answer(206, "", &body[first..=last])
                }
                (Ok(body), _) => answer(200, "", &body),
                (Err(_), _) => answer(404, "", b"not here"),
            },
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Request>> {
    let mut request = Request {
        line: String::new(),
        range: None,
        body: Vec::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(count) = lower.strip_prefix("content-length: ") {
            length = count.parse().unwrap_or(0);
        } else if let Some(range) = lower.strip_prefix("range: bytes=") {
            let (first, last) = range.split_once('-').unwrap_or_default();
            request.range = first.parse().ok().zip(last.parse().ok());
        } else if request.line.is_empty() {
            line.trim_end_matches(" HTTP/1.1")
                .clone_into(&mut request.line);
        }
    }
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

fn answer(status: u16, more: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n{more}\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}
