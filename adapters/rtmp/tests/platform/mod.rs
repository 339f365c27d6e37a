//! nginx with its RTMP module as a platform: it records what is published, refuses where asked
//! to, and speaks TLS.

use core::time::Duration;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use tidegate_testkit::Process;

const MODULES: &str = "/usr/lib/nginx/modules";

/// A platform on ports of its own.
pub(crate) struct Platform {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) ca: PathBuf,
    process: Mutex<Option<Process>>,
}

/// Ports that were free a moment ago.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] =
        core::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    held.map(|listener| listener.local_addr().expect("its address").port())
}

impl Platform {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [port, tls_port, http_port] = free_ports();
        let path = folder.path();
        fs::create_dir(path.join("recorded")).expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("made");
        let ca = path.join("certificate.pem");
        fs::write(&ca, made.cert.pem()).expect("writable");
        fs::write(path.join("key.pem"), made.signing_key.serialize_pem()).expect("writable");
        let root = path.display();
        let configuration = format!(
            "load_module {MODULES}/ngx_rtmp_module.so;
            load_module {MODULES}/ngx_stream_module.so;
            daemon off; master_process off; pid {root}/pid; error_log stderr error;
            events {{ worker_connections 256; }}
            http {{
                access_log off; client_body_temp_path {root}/a; proxy_temp_path {root}/b;
                fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;
                server {{ listen 127.0.0.1:{http_port}; location / {{ return 403; }} }}
            }}
            stream {{
                server {{
                    listen 127.0.0.1:{tls_port} ssl;
                    ssl_certificate {root}/certificate.pem; ssl_certificate_key {root}/key.pem;
                    proxy_pass 127.0.0.1:{port};
                }}
            }}
            rtmp {{
                access_log off;
                server {{
                    listen 127.0.0.1:{port};
                    application live {{
                        live on; record all; record_path {root}/recorded; record_unique on;
                    }}
                    application denied {{
                        live on; on_publish http://127.0.0.1:{http_port}/;
                    }}
                }}
            }}"
        );
        fs::write(path.join("nginx.conf"), configuration).expect("writable");
        let platform = Self {
            port,
            tls_port,
            ca,
            process: Mutex::new(None),
            folder,
        };
        platform.up();
        platform
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn down(&self) {
        if let Some(mut process) = self.process.lock().expect("unpoisoned").take() {
            process.kill();
        }
    }

    pub(crate) fn up(&self) {
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(self.folder())
            .arg("-c")
            .arg("nginx.conf");
        command.args(["-e", "stderr"]);
        let process = Process::start("nginx", &mut command, self.folder());
        *self.process.lock().expect("unpoisoned") = Some(process);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "nginx does not come up"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What was recorded, one file for each time somebody published.
    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder().join("recorded")).expect("a folder");
        files.map(|file| file.expect("a file").path()).collect()
    }

    pub(crate) fn recorded_bytes(&self) -> u64 {
        let files = self.recordings().into_iter();
        files
            .filter_map(|file| Some(fs::metadata(file).ok()?.len()))
            .sum()
    }
}
