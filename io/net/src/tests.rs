use crate::{CallOptions, NetError, Place, Stream, connect};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Says "hello" to whoever calls, and waits for him to hang up; its port.
async fn greeter(tls: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let mut rest = Vec::new();
                if let Some(tls) = tls {
                    let mut stream = tls.accept(stream).await?;
                    stream.write_all(b"hello").await?;
                    stream.read_to_end(&mut rest).await
                } else {
                    stream.write_all(b"hello").await?;
                    stream.read_to_end(&mut rest).await
                }
            });
        }
    });
    port
}

/// A certificate for `localhost`, which it writes to `file`.
fn certified(file: &Path) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from_pem_file(file).unwrap()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn call(host: &str, port: u16, ca: Option<&Path>) -> Result<Stream, NetError> {
    let place = Place::new(host, port, ca.is_some()).unwrap();
    let options = CallOptions {
        ca: ca.map(Path::to_owned),
        patience: Duration::from_secs(20),
        ..CallOptions::default()
    };
    connect(&place, &options).await
}

async fn greeting(mut stream: Stream) -> String {
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).await.unwrap();
    String::from_utf8_lossy(&greeting).into_owned()
}

#[tokio::test]
async fn a_place_is_called_by_name_and_the_kernel_knows_the_round_trip() {
    let port = greeter(None).await;
    let stream = call("localhost", port, None).await.unwrap();
    assert_eq!(stream.peer().port(), port);
    let probe = stream.probe();
    let (mut reading, writing) = tokio::io::split(stream);
    let mut greeting = [0; 5];
    reading.read_exact(&mut greeting).await.unwrap();
    assert!(probe.figures().unwrap().round_trip > Duration::ZERO);
    drop((reading, writing));
    assert_eq!(probe.figures(), None);
}

#[tokio::test]
async fn a_certificate_is_trusted_when_its_file_is_named_and_only_for_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (
        folder.path().join("own.pem"),
        folder.path().join("other.pem"),
    );
    let port = greeter(Some(certified(&own))).await;
    let _ = certified(&other);
    let stream = call("localhost", port, Some(&own)).await.unwrap();
    assert_eq!(greeting(stream).await, "hello");
    let error = call("localhost", port, Some(&other)).await.unwrap_err();
    assert!(error.message.contains("not trusted"), "{error}");
    let error = call("127.0.0.1", port, Some(&own)).await.unwrap_err();
    assert!(error.message.contains("not trusted"), "{error}");
    assert!(error.message.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_new_file_of_certificates_is_read_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (own, ca) = (folder.path().join("own.pem"), folder.path().join("ca.pem"));
    let port = greeter(Some(certified(&own))).await;
    let _ = certified(&ca);
    assert!(call("localhost", port, Some(&ca)).await.is_err());
    std::fs::copy(&own, &ca).unwrap();
    let later = SystemTime::now() + Duration::from_secs(5);
    let file = std::fs::File::options().write(true).open(&ca).unwrap();
    file.set_modified(later).unwrap();
    assert!(call("localhost", port, Some(&ca)).await.is_ok());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_spoils_none_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.pem");
    let port = greeter(Some(certified(&own))).await;
    let good = std::fs::read_to_string(&own).unwrap();
    // An empty sequence.
    let odd = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let (all, none) = (
        folder.path().join("all.pem"),
        folder.path().join("none.pem"),
    );
    std::fs::write(&all, format!("{odd}{good}")).unwrap();
    std::fs::write(&none, odd).unwrap();
    let stream = call("localhost", port, Some(&all)).await.unwrap();
    assert_eq!(greeting(stream).await, "hello");
    let error = call("localhost", port, Some(&none)).await.unwrap_err();
    assert!(error.message.contains("none.pem"), "{error}");
}

#[tokio::test]
async fn a_file_that_holds_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let port = greeter(None).await;
    for ca in ["missing.pem", "empty.pem"] {
        let ca = folder.path().join(ca);
        if ca.ends_with("empty.pem") {
            std::fs::write(&ca, "nothing").unwrap();
        }
        let error = call("localhost", port, Some(&ca)).await.unwrap_err();
        assert!(error.message.contains(ca.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn whoever_does_not_speak_tls_is_told_apart_from_whom_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let _ = certified(&ca);
    let port = greeter(None).await;
    let error = call("localhost", port, Some(&ca)).await.unwrap_err();
    assert!(error.message.contains("no TLS"), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_said_to_be_unreachable() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = call("127.0.0.1", port, None).await.unwrap_err();
    let expected = format!("127.0.0.1:{port} cannot be reached: ");
    assert!(error.message.starts_with(&expected), "{error}");
}
