//! A real HTTP/2 client, over a connection in memory and with time that passes by itself.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream::unfold;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::duplex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::http::patience::STALL_TIMEOUT;
use crate::http::serve::{http2, requests};

const SEGMENT_BYTES: usize = 200_000;

/// Serves a client that grants each answer `window` bytes; the task ends with the connection.
async fn client(router: Router, window: u32) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let (ours, theirs) = duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let stops = GracefulShutdown::new();
        requests(ours, http2(), router, stops.watcher()).await;
    });
    let mut builder = Builder::new();
    builder.initial_window_size(window);
    let (send, connection) = builder.handshake(theirs).await.unwrap();
    tokio::spawn(connection);
    // The settings, and with them the window, are known to the server once it has answered.
    let mut send = send.ready().await.unwrap();
    let nothing = ask(&mut send, "/nothing").await;
    assert!(nothing.is_end_stream());
    (send, server)
}

async fn ask(client: &mut SendRequest<Bytes>, path: &str) -> RecvStream {
    let request = Request::get(format!("http://tidegate{path}")).body(());
    let (answer, _) = client.send_request(request.unwrap(), true).unwrap();
    answer.await.unwrap().into_body()
}

async fn end_of(server: JoinHandle<()>) {
    let ended = timeout(10 * STALL_TIMEOUT, server).await;
    ended.expect("the connection ends").unwrap();
}

/// A segment in one piece, as HLS has it.
fn segments() -> Router {
    Router::new().route("/segment", get(|| async { vec![7_u8; SEGMENT_BYTES] }))
}

/// An answer without end, with a drop now and then.
fn drops(every: Duration) -> Router {
    let drops = move || async move {
        Body::from_stream(unfold((), move |()| async move {
            sleep(every).await;
            Some((Ok::<_, Infallible>("drop"), ()))
        }))
    };
    Router::new().route("/drops", get(drops))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_grants_nothing_does_not_hold_its_connection() {
    let (mut client, server) = client(segments(), 0).await;
    let begun = Instant::now();
    let _segment = ask(&mut client, "/segment").await;
    end_of(server).await;
    assert_eq!(begun.elapsed().as_secs(), STALL_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn nor_does_one_that_stops_after_the_first_byte() {
    let (mut client, server) = client(segments(), 1).await;
    let begun = Instant::now();
    let mut segment = ask(&mut client, "/segment").await;
    assert_eq!(segment.data().await.unwrap().unwrap().len(), 1);
    end_of(server).await;
    assert_eq!(begun.elapsed().as_secs(), STALL_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn one_answer_taken_does_not_excuse_another_left() {
    let router = segments().merge(drops(Duration::from_secs(1)));
    let (mut client, server) = client(router, 50_000).await;
    let begun = Instant::now();
    let _left = ask(&mut client, "/segment").await;
    let (mut taken, mut count) = (ask(&mut client, "/drops").await, 0);
    while count < 100
        && let Some(Ok(_)) = taken.data().await
    {
        count += 1;
    }
    end_of(server).await;
    assert!(count > 25, "{count} drops were taken meanwhile");
    assert_eq!(begun.elapsed().as_secs(), STALL_TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_gets_everything() {
    let (mut client, _server) = client(segments(), 20_000).await;
    let mut segment = ask(&mut client, "/segment").await;
    let mut taken = 0;
    while let Some(bytes) = segment.data().await {
        let bytes = bytes.unwrap().len();
        taken += bytes;
        sleep(STALL_TIMEOUT - Duration::from_secs(1)).await;
        segment.flow_control().release_capacity(bytes).unwrap();
    }
    assert_eq!(taken, SEGMENT_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_silent_answer_stays_open() {
    let (mut client, server) = client(drops(20 * STALL_TIMEOUT), 65_535).await;
    let mut taken = ask(&mut client, "/drops").await;
    for _ in 0..3 {
        assert_eq!(taken.data().await.unwrap().unwrap(), "drop");
    }
    assert!(!server.is_finished());
}
