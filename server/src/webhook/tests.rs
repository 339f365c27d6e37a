use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tidegate_adapter_srt::OnFailure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::testing::install_crypto;

fn webhook(url: String, ca: Option<&Path>) -> Webhook {
    Webhook {
        url,
        timeout: Duration::from_secs(20),
        secret: None,
        on_failure: OnFailure::Refuse,
        ca: ca.map(Path::to_owned),
        allow_link_local: false,
    }
}

fn question() -> Question {
    Question {
        listener: "ingest".into(),
        mode: "publish",
        name: "cam1".into(),
        stream_id: "live/cam1".into(),
        resource: "live/cam1".into(),
        user: None,
        host: None,
        session: None,
        kind: None,
        keys: std::collections::BTreeMap::new(),
        peer: "192.0.2.1:5000".into(),
        encrypted: false,
        srt_version: "1.5.4".into(),
    }
}

/// Reads one request's head and answers, over whatever the stream is.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: String) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    // Whoever asked may have heard enough.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A webhook without TLS that answers this; its url.
async fn plain(says: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, says.clone()));
        }
    });
    url
}

/// A webhook with a certificate of its own for `localhost`, which it writes to `folder`.
async fn secure(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&cert).unwrap()],
            PrivateKeyDer::from_pem_file(&key).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let yes = "HTTP/1.1 204 No Content\r\n\r\n";
                    answer(stream, yes.to_owned()).await;
                }
            });
        }
    });
    format!("https://localhost:{port}/srt")
}

#[tokio::test]
async fn a_certificate_is_trusted_when_its_file_is_named_and_not_otherwise() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let url = secure(folder.path()).await;
    let webhooks = Webhooks;
    let ca = folder.path().join("cert.pem");
    let trusted = webhooks
        .ask(&webhook(url.clone(), Some(&ca)), &question())
        .await;
    assert_eq!(trusted.map(|answer| answer.allow), Ok(true));
    let other = tempfile::tempdir().unwrap();
    let _ = secure(other.path()).await;
    let ca = other.path().join("cert.pem");
    let error = webhooks
        .ask(&webhook(url.clone(), Some(&ca)), &question())
        .await
        .unwrap_err();
    assert!(error.message.contains("not trusted"), "{error:?}");
    let missing = webhook(url, Some(Path::new("/nowhere/ca.pem")));
    let error = webhooks.ask(&missing, &question()).await.unwrap_err();
    assert!(error.message.contains("/nowhere/ca.pem"), "{error:?}");
}

#[tokio::test]
async fn an_address_where_clouds_keep_metadata_is_not_asked() {
    let webhook = webhook("http://169.254.169.254/".to_owned(), None);
    let error = Webhooks.ask(&webhook, &question()).await.unwrap_err();
    assert!(error.message.contains("link-local"), "{error:?}");
    assert!(error.advice.contains("allow_link_local"), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let body = "x".repeat(ANSWER_BYTES_MAX + 1);
    let says = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let url = plain(says).await;
    let error = Webhooks
        .ask(&webhook(url, None), &question())
        .await
        .unwrap_err();
    assert!(error.message.contains("broke off"), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_none() {
    let url = plain("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"allow\":".to_owned()).await;
    let error = Webhooks
        .ask(&webhook(url, None), &question())
        .await
        .unwrap_err();
    assert!(error.message.contains("broke off"), "{error:?}");
}
